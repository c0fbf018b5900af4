"""Which addresses of its own a node can answer for a record. Decides; touches nothing."""

from chm_node.errors import Problem
from chm_node.text import valid_iri

#: What names a format at the end of a record's address; an address of a record cannot end so.
EXTENSIONS = (".ttl", ".jsonld", ".rdf", ".nt", ".nq", ".trig", ".json")


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
