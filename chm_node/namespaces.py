"""RDF namespaces the node uses."""


class Namespace:
    """Names that begin alike: ``DCTERMS.title``, ``AS["Create"]``.

    rdflib has the same, but takes longer to import than a reading child takes for a page; and its names never equal
    their text. ``tests/core/test_namespaces.py`` compares those we use with its lists.
    """

    __slots__ = ("_begin",)

    def __init__(self, begin: str) -> None:
        self._begin = begin

    def __getattr__(self, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)  # what Python asks of any object
        return self._begin + name

    def __getitem__(self, name: str) -> str:
        return self._begin + name

    def __str__(self) -> str:
        return self._begin


CHM = Namespace("https://w3id.org/chm/ns#")
VOCABULARY = "https://w3id.org/chm/vocabulary/"
PROFILE = "https://w3id.org/chm/federation/1.0"
#: What the receipts of a hub follow: that part of the profile.
RECEIPTS = f"{PROFILE}#receipts"
#: Problem types (RFC 9457), and reasons of refusals, begin so.
PROBLEMS = "https://w3id.org/chm/problems/"
LDES_SPECIFICATION = "https://w3id.org/ldes/specification"
LDN_SPECIFICATION = "https://www.w3.org/TR/ldn/"
ACTIVITY_STREAMS = "https://www.w3.org/ns/activitystreams"

ADMS = Namespace("http://www.w3.org/ns/adms#")
AS = Namespace("https://www.w3.org/ns/activitystreams#")
DCAT = Namespace("http://www.w3.org/ns/dcat#")
DCTERMS = Namespace("http://purl.org/dc/terms/")
DWC = Namespace("http://rs.tdwg.org/dwc/terms/")
ELI = Namespace("http://data.europa.eu/eli/ontology#")
FOAF = Namespace("http://xmlns.com/foaf/0.1/")
GEO = Namespace("http://www.opengis.net/ont/geosparql#")
HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
LDES = Namespace("https://w3id.org/ldes#")
LDP = Namespace("http://www.w3.org/ns/ldp#")
ORG = Namespace("http://www.w3.org/ns/org#")
OWL = Namespace("http://www.w3.org/2002/07/owl#")
PROV = Namespace("http://www.w3.org/ns/prov#")
QB = Namespace("http://purl.org/linked-data/cube#")
QUDT = Namespace("http://qudt.org/schema/qudt/")
RDF = Namespace("http://www.w3.org/1999/02/22-rdf-syntax-ns#")
RDFS = Namespace("http://www.w3.org/2000/01/rdf-schema#")
SD = Namespace("http://www.w3.org/ns/sparql-service-description#")
SDO = Namespace("https://schema.org/")
SEC = Namespace("https://w3id.org/security#")
SIOC = Namespace("http://rdfs.org/sioc/ns#")
SKOS = Namespace("http://www.w3.org/2004/02/skos/core#")
SPDX = Namespace("http://spdx.org/rdf/terms#")
TREE = Namespace("https://w3id.org/tree#")
UNIT = Namespace("http://qudt.org/vocab/unit/")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
VOID = Namespace("http://rdfs.org/ns/void#")
XSD = Namespace("http://www.w3.org/2001/XMLSchema#")
LANGUAGE = "http://id.loc.gov/vocabulary/iso639-1/"

#: The access right of a tombstone whose record was erased (EU authority table, DCAT-AP 3 §4).
NON_PUBLIC = "http://publications.europa.eu/resource/authority/access-right/NON_PUBLIC"

#: Prefixes for everything we write; also what imported Turtle may assume.
PREFIXES = {
    "adms": str(ADMS),
    "as": str(AS),
    "chm": str(CHM),
    "dcat": str(DCAT),
    "dcterms": str(DCTERMS),
    "dwc": str(DWC),
    "eli": str(ELI),
    "foaf": str(FOAF),
    "geo": str(GEO),
    "hydra": str(HYDRA),
    "ldes": str(LDES),
    "ldp": str(LDP),
    "org": str(ORG),
    "owl": str(OWL),
    "prov": str(PROV),
    "qb": str(QB),
    "qudt": str(QUDT),
    "rdf": str(RDF),
    "rdfs": str(RDFS),
    "schema": str(SDO),
    "sd": str(SD),
    "sec": str(SEC),
    "sioc": str(SIOC),
    "skos": str(SKOS),
    "spdx": str(SPDX),
    "tree": str(TREE),
    "vcard": str(VCARD),
    "void": str(VOID),
    "xsd": str(XSD),
}

__all__ = [
    "ACTIVITY_STREAMS",
    "ADMS",
    "AS",
    "CHM",
    "DCAT",
    "DCTERMS",
    "DWC",
    "ELI",
    "FOAF",
    "GEO",
    "HYDRA",
    "LANGUAGE",
    "LDES",
    "LDES_SPECIFICATION",
    "LDN_SPECIFICATION",
    "LDP",
    "NON_PUBLIC",
    "ORG",
    "OWL",
    "PREFIXES",
    "PROFILE",
    "PROV",
    "QB",
    "QUDT",
    "RDF",
    "RDFS",
    "RECEIPTS",
    "SD",
    "SDO",
    "SEC",
    "SIOC",
    "SKOS",
    "SPDX",
    "TREE",
    "UNIT",
    "VCARD",
    "VOCABULARY",
    "VOID",
    "XSD",
    "Namespace",
]
