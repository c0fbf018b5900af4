"""RDF namespaces the node uses; rdflib's own where it has them."""

import rdflib
from rdflib import Namespace
from rdflib.namespace import DCAT, DCTERMS, FOAF, ORG, OWL, PROV, QB, RDF, RDFS, SDO, SKOS, VOID, XSD

# Literals keep the form they were written in: "...Z" must not become "...+00:00", or two stacks
# compute two hashes for one record (rdflib's default rewrites them on parse).
rdflib.NORMALIZE_LITERALS = False

CHM = Namespace("https://w3id.org/chm/ns#")
VOCABULARY = Namespace("https://w3id.org/chm/vocabulary/")
PROFILE = rdflib.URIRef("https://w3id.org/chm/federation/1.0")
#: What the receipts of a hub follow: that part of the profile.
RECEIPTS = f"{PROFILE}#receipts"
#: Problem types (RFC 9457), and reasons of refusals, begin so.
PROBLEMS = "https://w3id.org/chm/problems/"
LDES_SPECIFICATION = "https://w3id.org/ldes/specification"
LDN_SPECIFICATION = "https://www.w3.org/TR/ldn/"
ACTIVITY_STREAMS = "https://www.w3.org/ns/activitystreams"

ADMS = Namespace("http://www.w3.org/ns/adms#")
AS = Namespace("https://www.w3.org/ns/activitystreams#")
DWC = Namespace("http://rs.tdwg.org/dwc/terms/")
ELI = Namespace("http://data.europa.eu/eli/ontology#")
GEO = Namespace("http://www.opengis.net/ont/geosparql#")
HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
LANGUAGE = Namespace("http://id.loc.gov/vocabulary/iso639-1/")
LDES = Namespace("https://w3id.org/ldes#")
LDP = Namespace("http://www.w3.org/ns/ldp#")
QUDT = Namespace("http://qudt.org/schema/qudt/")
SD = Namespace("http://www.w3.org/ns/sparql-service-description#")
SEC = Namespace("https://w3id.org/security#")
SIOC = Namespace("http://rdfs.org/sioc/ns#")
SPDX = Namespace("http://spdx.org/rdf/terms#")
TREE = Namespace("https://w3id.org/tree#")
UNIT = Namespace("http://qudt.org/vocab/unit/")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")

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
]
