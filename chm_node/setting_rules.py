"""What the value of a setting may be, and how it is written when it may be so. Reads the files that a setting names.

Each rule raises ValueError with what to write instead; ``settings`` puts the name of the setting before it. A rule
that looks at another setting sees it only when that one is right.
"""

import json
import re
import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, ValidationInfo
from pydantic_settings import NoDecode
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from chm_node.errors import SettingsError
from chm_node.text import clean_text, language_tag, valid_iri, valid_language_tag
from chm_node.vocabulary import Vocabularies

#: A page of the log states it with each statement, and has to stay below what hubs read.
MAX_BASE_URL_BYTES = 120

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*", re.ASCII)
_MAIL = re.compile(rf"[A-Za-z0-9.!$'*+/=^`{{|}}~_-]+@(?i:{_LABEL}(?:\.{_LABEL})+)", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def _public_address(value: str) -> str:
    """The root of a host as the IRIs of records begin: in lower case, without a port that goes without saying."""
    parts = _web_parts(value)
    if parts is None or parts.query or parts.fragment:
        raise ValueError("write the full public address, such as https://chm.example.org/")
    if parts.path not in ("", "/"):
        raise ValueError("the node answers at the root of its host; leave out the path")
    address = f"{parts.scheme}://{_authority(parts)}/"
    if len(address) > MAX_BASE_URL_BYTES:
        raise ValueError(f"use an address of at most {MAX_BASE_URL_BYTES} bytes; each statement of the log repeats it")
    return address


def _earlier(value: tuple[str, ...], others: ValidationInfo) -> tuple[str, ...]:
    if len(set(value)) < len(value) or others.data.get("base_url") in value:
        raise ValueError("name each earlier address once, and not the present one (base_url)")
    return value


def _profile(value: str, others: ValidationInfo) -> str:
    address = others.data.get("base_url")
    if value == "demo" and address and urlsplit(address).hostname not in ("127.0.0.1", "localhost"):
        raise ValueError("the demo runs on this machine alone; base_url has to begin with http://127.0.0.1")
    return value


def database_address(value: str) -> URL:
    """Where a database is; raises ValueError for what is none, or none of ours."""
    try:
        address = make_url(re.sub(r"\Apostgres://", "postgresql://", value))  # as many hosters write it
        backend = address.get_backend_name()
    except (ArgumentError, ValueError) as error:  # the latter for a port that is no number
        raise ValueError("write the address of a database, such as postgresql://user@host/name") from error
    if backend not in ("sqlite", "postgresql"):
        raise ValueError("only SQLite files (sqlite:///…) and PostgreSQL (postgresql://…) are supported")
    if "@" in (address.host or ""):  # and the error would show the end of the password
        raise ValueError("in the password, write %40 for @")
    # Each connection to what SQLite holds in memory would see a database of its own.
    if backend == "sqlite" and (address.database in (None, "", ":memory:") or "\0" in value or address.query):
        raise ValueError("name the file of the SQLite database alone, such as sqlite:////var/lib/chm/chm.sqlite")
    return address


def _database(value: str) -> str:
    if value:
        database_address(value)
    return value


def _queries(value: str) -> str:
    parts = _web_parts(value)
    if value not in ("off", "on") and (parts is None or parts.query or parts.fragment or not valid_iri(value)):
        raise ValueError("write off, on, or the full address of a SPARQL server, without question mark")
    return value


def _proxy(value: str) -> str:
    parts = _web_parts(value, password=True)
    if value and (parts is None or parts.path not in ("", "/") or parts.query or parts.fragment):
        raise ValueError("write the address of the proxy, such as http://proxy.example.org:3128")
    return value


def _iri(value: str) -> str:
    if not valid_iri(value):
        raise ValueError("write a full address, such as https://creativecommons.org/licenses/by/4.0/")
    return value


def _mail(value: str) -> str:
    if value and not _MAIL.fullmatch(value):
        raise ValueError("write an e-mail address, such as focal.point@example.org")
    return value


def _host(value: str) -> str:
    if not _is_host(value.lower()):
        raise ValueError("write the address or the name to listen on, such as 127.0.0.1, or 0.0.0.0 for all")
    return value


def _country(value: str, others: ValidationInfo) -> str:
    if not value:
        return value
    if not (len(value) == 2 and value.isascii() and value.isalpha()):
        raise ValueError("write the two letters of ISO 3166, such as DZ")
    country = value.upper()
    if "vocabulary_dir" in others.data and country not in _countries(others.data["vocabulary_dir"]):
        raise ValueError(f"{country!r} is not in the vocabulary of countries; write two letters of ISO 3166")
    return country


def _titles(value: dict[str, str]) -> dict[str, str]:
    titles = {language_tag(language): clean_text(title) for language, title in value.items()}
    if wrong := sorted(language for language in titles if not valid_language_tag(language)):
        raise ValueError(f"{wrong[0]!r} is not the code of a language, such as fr")
    if not titles or not all(titles.values()):
        raise ValueError("name the node in at least one language, and leave no name empty")
    return titles


def _languages(value: tuple[str, ...]) -> tuple[str, ...]:
    unknown = sorted(set(value) - {"en", "fr", "ar"})
    if unknown or not value:
        raise ValueError(f"the interface speaks en, fr and ar, not {', '.join(unknown) or 'nothing'}")
    return tuple(dict.fromkeys(value))


def _folder(value: Path) -> Path:
    try:
        if value.exists() and not value.is_dir():
            raise ValueError(f"{value} is not a folder")
    except PermissionError as error:
        raise ValueError(f"{value} lies where this account may not look") from error
    return value


def _certificates(value: Path | None) -> Path | None:
    if value is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(value)
        except ssl.SSLError as error:
            raise ValueError(f"{value} holds no certificates in PEM") from error
        except OSError as error:
            raise ValueError(f"{value}: {error.strerror}") from error
    return value


def _vocabularies(value: Path | None) -> Path | None:
    if value is not None:
        try:
            Vocabularies.of(value).read_all()
        except SettingsError as error:
            raise ValueError(str(error)) from error
        except OSError as error:
            raise ValueError(f"{error.filename or value}: {error.strerror}") from error
    return value


def _countries(vocabulary_dir: Path | None) -> set[str]:
    return {term.notation for term in Vocabularies.shipped(vocabulary_dir)["countries"].terms.values()}


def _web_parts(value: str, *, password: bool = False) -> SplitResult | None:
    """The parts of an http or https address; None for anything else, and for one with a password unless it may be."""
    # What urlsplit drops or keeps of spaces and line breaks would come out again in a header.
    if not value.isascii() or not value.isprintable() or " " in value:
        return None
    parts = urlsplit(value)
    fine = parts.scheme in _DEFAULT_PORTS and _is_host(parts.hostname or "") and (password or "@" not in parts.netloc)
    return parts if fine and parts.port != 0 else None  # asking for the port raises ValueError where it is none


def _authority(parts: SplitResult) -> str:
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{host}:{parts.port}"


def _is_host(text: str) -> bool:
    try:
        return not getattr(ip_address(text), "scope_id", None)
    except ValueError:
        return _HOST_NAME.fullmatch(text) is not None


def _comma_separated(value: Any) -> Any:  # Any: what a file or the environment says
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _from_json(value: Any) -> Any:  # Any: as above
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError('write JSON, such as {"fr": "Centre d\'échange"}') from error


def _named(value: Any) -> Any:  # Any: as above
    if value == "":
        raise ValueError("must not be empty")
    return value


def _none_if_empty(value: Any) -> Any:  # Any: as above
    return None if value == "" else value


PublicAddress = Annotated[str, AfterValidator(_public_address)]
EarlierAddresses = Annotated[
    tuple[PublicAddress, ...], NoDecode, BeforeValidator(_comma_separated), AfterValidator(_earlier)
]
Profile = Annotated[Literal["production", "demo"], AfterValidator(_profile)]
Database = Annotated[str, AfterValidator(_database)]
Queries = Annotated[str, AfterValidator(_queries)]
Proxy = Annotated[str, AfterValidator(_proxy)]
Iri = Annotated[str, AfterValidator(_iri)]
Mail = Annotated[str, AfterValidator(_mail)]
Host = Annotated[str, AfterValidator(_host)]
PlainText = Annotated[str, AfterValidator(clean_text)]
Country = Annotated[str, AfterValidator(_country)]
Titles = Annotated[dict[str, str], NoDecode, BeforeValidator(_from_json), AfterValidator(_titles)]
Languages = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated), AfterValidator(_languages)]
Folder = Annotated[Path, BeforeValidator(_named), AfterValidator(_folder)]
Certificates = Annotated[Path | None, BeforeValidator(_none_if_empty), AfterValidator(_certificates)]
VocabularyFolder = Annotated[Path | None, BeforeValidator(_none_if_empty), AfterValidator(_vocabularies)]
