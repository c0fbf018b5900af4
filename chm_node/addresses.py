"""Which addresses of its own a node can answer for a record; how addresses that people type are compared. Pure."""

from urllib.parse import urlsplit

from chm_node.errors import Problem
from chm_node.text import valid_iri

#: What names a format at the end of a record's address; an address of a record cannot end so.
EXTENSIONS = (".ttl", ".jsonld", ".rdf", ".nt", ".nq", ".trig", ".json")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def address_problems(iri: str, uri_space: str) -> list[Problem]:
    """What is wrong with the IRI of a record of the node with this URI space."""
    key = iri.removeprefix(uri_space)
    if key == iri:
        return [Problem("iri", f"{iri} does not lie under {uri_space}")]
    problems = []
    if not valid_iri(iri) or {"%", "?", "#"} & set(key):
        message = f"{iri}: after {uri_space} use letters and digits of any script, and - . _ ~ / and no % or ?"
        problems.append(Problem("iri", message))
    if {"", ".", ".."} & set(key.split("/")):
        problems.append(Problem("iri", f"{iri}: no part between two slashes may be empty, . or .."))
    if ending := next((each for each in EXTENSIONS if key.endswith(each)), ""):
        problems.append(Problem("iri", f"{iri}: leave out {ending} at the end, which asks for a format of a record"))
    return problems


def common_form(address: str) -> str:
    """An address as those that people type are kept and compared; empty for what is no web address.

    Its host in small letters, without a port that goes without saying, always with a path. IRIs, that of a node too,
    are compared letter by letter instead.
    """
    try:
        parts = urlsplit(address.strip())
        port = parts.port
    except ValueError:  # such as http://[::1
        return ""
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return ""
    host = parts.netloc.lower()
    if port in (None, _DEFAULT_PORTS[parts.scheme]):
        host = host.removesuffix(f":{port or ''}")
    return parts._replace(netloc=host, path=parts.path or "/", fragment="").geturl()
