"""All configuration: one typed, frozen value from a TOML file and the environment (``CHM_…`` wins)."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from chm_node.errors import SettingsError

#: Looked for in the working directory, then in /etc/chm, unless CHM_CONFIG names a file.
CONFIG_NAMES = (Path("chm.toml"), Path("/etc/chm/chm.toml"))
#: A page of the log states it with each statement, and has to stay below what hubs read.
MAX_BASE_URL_BYTES = 120


def _comma_separated(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class Settings(BaseSettings):
    """What an operator decides. Each field may be set as ``CHM_<NAME>`` or in the TOML file."""

    model_config = SettingsConfigDict(env_prefix="CHM_", frozen=True, extra="forbid")

    base_url: str = Field(
        "http://127.0.0.1:8100/", description="Public address of the node, as peers and readers see it"
    )
    moved_from: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)] = Field(
        (), description="Earlier public addresses of the node, oldest first; chm move brings their records along"
    )
    profile: Literal["production", "demo"] = Field(
        "production", description="`demo` lifts the guard against loopback addresses and shows a banner"
    )
    data_dir: Path = Field(Path("chm-data"), description="Folder of the database and the signing key")
    database_url: str = Field("", description="SQLAlchemy URL; empty for SQLite in the data folder")
    titles: dict[str, str] = Field({"en": "Clearing-house node"}, description="Name of the node in each language")
    publisher: str = Field("", description="Institution that runs the node")
    contact: str = Field("", description="E-mail address of the focal point")
    country: str = Field("", description="Country of the node, ISO 3166 code; empty for a regional or global node")
    languages: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)] = Field(
        ("en", "fr", "ar"), description="Interface languages, the default first"
    )
    licence: str = Field(
        "https://creativecommons.org/licenses/by/4.0/", description="Licence of records that state none of their own"
    )
    metadata_licence: str = Field(
        "https://creativecommons.org/publicdomain/zero/1.0/", description="Licence of the descriptions that hubs copy"
    )
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8100, ge=1, le=65535, description="Port to listen on")
    threads: int = Field(4, ge=1, le=64, description="Threads that answer requests")
    poll_minutes: float = Field(15, gt=0, le=7 * 24 * 60, description="How often a source is harvested, in minutes")
    tick_seconds: float = Field(1, ge=0.2, le=3600, description="How often the worker looks for what there is to do")
    max_withdrawal_share: float = Field(
        0.1,
        gt=0,
        le=1,
        description="Share of a source's records that one harvest may withdraw unasked (never fewer than 5)",
    )
    sparql: str = Field(
        "off", description="Queries at /sparql: `off`, `on`, or the address of another SPARQL 1.1 server to lead to"
    )
    outbound_proxy: str = Field("", description="HTTP proxy for harvesting; the environment's proxy is ignored")
    ca_file: Path | None = Field(None, description="Certificates to trust besides the usual ones")
    vocabulary_dir: Path | None = Field(None, description="Folder with further SKOS Turtle files")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config_file())

    @classmethod
    def load(cls, **overrides: Any) -> "Settings":
        """The settings in force; raises SettingsError that names every wrong setting."""
        try:
            return cls(**overrides)
        except ValidationError as error:
            lines = [f"{'.'.join(map(str, each['loc'])) or 'settings'}: {each['msg']}" for each in error.errors()]
            raise SettingsError("; ".join(lines)) from error
        except (OSError, ValueError) as error:
            raise SettingsError(f"{config_file()}: {error}") from error

    @field_validator("base_url")
    @classmethod
    def _absolute(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("write the full public address, such as https://chm.example.org/")
        if parts.path not in ("", "/"):
            raise ValueError("the node answers at the root of its host; leave out the path")
        address = f"{parts.scheme}://{parts.netloc}/"
        if len(address.encode()) > MAX_BASE_URL_BYTES:
            raise ValueError(
                f"use an address of at most {MAX_BASE_URL_BYTES} bytes; each statement of the log repeats it"
            )
        return address

    @field_validator("moved_from")
    @classmethod
    def _absolute_too(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(cls._absolute, value))

    @field_validator("sparql")
    @classmethod
    def _off_on_or_address(cls, value: str) -> str:
        parts = urlsplit(value)
        is_address = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
        # What urlsplit drops or keeps of spaces and line breaks would come out again in a header.
        if value not in ("off", "on") and not (is_address and value.isprintable() and " " not in value):
            raise ValueError("write off, on, or the full address of a SPARQL server, without question mark")
        return value

    @field_validator("languages")
    @classmethod
    def _known_languages(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(value) - {"en", "fr", "ar"})
        if unknown or not value:
            raise ValueError(f"the interface speaks en, fr and ar, not {', '.join(unknown) or 'nothing'}")
        return value

    @field_validator("country")
    @classmethod
    def _two_letters(cls, value: str) -> str:
        if value and not (len(value) == 2 and value.isascii() and value.isalpha()):
            raise ValueError("write the two letters of ISO 3166, such as DZ")
        return value.upper()

    @model_validator(mode="after")
    def _loopback_only_in_demo(self) -> "Settings":
        if self.profile == "demo" and urlsplit(self.base_url).hostname not in ("127.0.0.1", "localhost"):
            raise ValueError("base_url: the demo profile runs on this machine alone")
        return self

    @model_validator(mode="after")
    def _moved_from_elsewhere(self) -> "Settings":
        if len({self.base_url, *self.moved_from}) <= len(self.moved_from):
            raise ValueError("moved_from: name each earlier address once, and not the present one")
        return self

    @property
    def former(self) -> "tuple[Settings, ...]":
        """The node as it was at its earlier addresses, oldest first."""
        return tuple(self.model_copy(update={"base_url": each, "moved_from": ()}) for each in self.moved_from)

    @property
    def node_iri(self) -> str:
        """The node's own IRI, which is also its description and the controller of its key."""
        return f"{self.base_url}node"

    @property
    def uri_space(self) -> str:
        """Every record of this node has an IRI under this one; hubs pin it."""
        return f"{self.base_url}id/"

    @property
    def websub_hub(self) -> str:
        """Where changes of this node's feeds can be subscribed to."""
        return f"{self.base_url}hub"

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{self.data_dir / 'chm.sqlite'}"

    @property
    def key_file(self) -> Path:
        return self.data_dir / "signing-key.pem"


def config_file() -> Path | None:
    """The TOML file in force, None when there is none."""
    if named := os.environ.get("CHM_CONFIG"):
        return Path(named)
    return next((path for path in CONFIG_NAMES if path.is_file()), None)
