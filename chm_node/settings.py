"""All configuration: one typed, frozen value from a TOML file and the environment (``CHM_…`` wins)."""

import os
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from chm_node import setting_rules as rules
from chm_node.errors import SettingsError

#: Looked for in the working directory, then in /etc/chm, unless CHM_CONFIG names a file.
CONFIG_NAMES = (Path("chm.toml"), Path("/etc/chm/chm.toml"))
CONFIG_VARIABLE = "CHM_CONFIG"
_PREFIX = "CHM_"


class Settings(BaseSettings):
    """What an operator decides. Each field may be set as ``CHM_<NAME>`` or in the TOML file.

    A field that is judged by another one stands below it.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="forbid")

    base_url: rules.PublicAddress = Field(
        "http://127.0.0.1:8100/", description="Public address of the node, as peers and readers see it"
    )
    moved_from: rules.EarlierAddresses = Field(
        (), description="Earlier public addresses of the node, oldest first; chm move brings their records along"
    )
    profile: rules.Profile = Field(
        "production", description="`demo` lifts the guard against loopback addresses and shows a banner"
    )
    data_dir: rules.Folder = Field(Path("chm-data"), description="Folder of the database and the signing key")
    database_url: rules.Database = Field("", description="SQLAlchemy URL; empty for SQLite in the data folder")
    vocabulary_dir: rules.VocabularyFolder = Field(None, description="Folder with further SKOS Turtle files")
    titles: rules.Titles = Field({"en": "Clearing-house node"}, description="Name of the node in each language")
    publisher: rules.PlainText = Field("", description="Institution that runs the node")
    contact: rules.Mail = Field("", description="E-mail address of the focal point")
    country: rules.Country = Field(
        "", description="Country of the node, ISO 3166 code; empty for a regional or global node"
    )
    languages: rules.Languages = Field(("en", "fr", "ar"), description="Interface languages, the default first")
    licence: rules.Iri = Field(
        "https://creativecommons.org/licenses/by/4.0/", description="Licence of records that state none of their own"
    )
    metadata_licence: rules.Iri = Field(
        "https://creativecommons.org/publicdomain/zero/1.0/", description="Licence of the descriptions that hubs copy"
    )
    host: rules.Host = Field("127.0.0.1", description="Address to listen on")
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
    sparql: rules.Queries = Field(
        "off", description="Queries at /sparql: `off`, `on`, or the address of another SPARQL 1.1 server to lead to"
    )
    outbound_proxy: rules.Proxy = Field("", description="HTTP proxy for harvesting; the environment's proxy is ignored")
    ca_file: rules.Certificates = Field(None, description="Certificates to trust besides the usual ones")

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
        named = os.environ.get(CONFIG_VARIABLE)
        if named and not _is_there(Path(named)):
            raise SettingsError(f"{CONFIG_VARIABLE}: there is no file {named}; chm init writes it")
        return cls.planned(**overrides)

    @classmethod
    def planned(cls, **overrides: Any) -> "Settings":
        """The same, also while the file that is to be written is not there."""
        problems = list(_unknown_variables())
        try:
            settings = cls(**overrides)
        except ValidationError as error:
            problems += [_sentence(each, overrides) for each in error.errors()]
        except (OSError, ValueError) as error:
            problems.append(f"{config_file()}: {error}")
        if problems:
            raise SettingsError("; ".join(problems))
        return settings

    @classmethod
    def of(cls, **values: Any) -> "Settings":
        """The settings with these values, whatever the environment and a settings file say."""
        sources = ((InitSettingsSource(cls, values),), values)
        return cls(_build_sources=sources)  # type: ignore[call-arg]  # mypy sees the fields alone

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
    if named := os.environ.get(CONFIG_VARIABLE):
        return Path(named)
    return next((path for path in CONFIG_NAMES if _is_there(path)), None)


def _is_there(path: Path) -> bool:
    try:
        return path.exists() and not path.is_dir()
    except PermissionError:
        # `sudo -u chm` leaves us where chm may not look; nothing of ours is there. A fixed place is not passed over.
        return path.is_absolute()


def _unknown_variables() -> Iterator[str]:
    """A misspelt variable would leave the default in force, and the node at work on another database, say."""
    known = {CONFIG_VARIABLE, *map(_variable, Settings.model_fields)}
    for name in sorted(os.environ):
        if name.upper().startswith(_PREFIX) and name.upper() not in known:
            yield f"{name}: {_no_such(name.upper(), known)}"


def _sentence(problem: Any, overrides: Any) -> str:  # Any: pydantic's description of a problem; values of settings
    reason = str(problem["ctx"]["error"]) if problem["type"] == "value_error" else problem["msg"]
    name = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        reason = _no_such(name, Settings.model_fields)
    if name in overrides:
        return f"{name}: {reason}"
    in_environment = any(each.upper() == _variable(name) for each in os.environ)
    place = _variable(name) if in_environment else config_file() or "the default"
    return f"{name} ({place}): {reason}"


def _variable(name: str) -> str:
    return f"{_PREFIX}{name.upper()}"


def _no_such(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return "there is no such setting" + (f"; perhaps {near[0]}?" if near else "")
