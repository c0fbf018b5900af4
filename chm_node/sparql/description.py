"""What the query service says of itself (SPARQL 1.1 Service Description)."""

import pyoxigraph as ox

from chm_node.formats.statements import classes, statements
from chm_node.namespaces import DCTERMS, SD
from chm_node.settings import Settings

_FORMATS = "http://www.w3.org/ns/formats/"
_RESULT_FORMATS = (
    "SPARQL_Results_JSON",
    "SPARQL_Results_XML",
    "SPARQL_Results_CSV",
    "SPARQL_Results_TSV",
    "Turtle",
    "N-Triples",
    "RDF_XML",
    "JSON-LD",
)


def service_description(settings: Settings) -> list[ox.Triple]:
    """The service, its language and formats, and its data set: a graph a record, all of them merged by default."""
    service = f"{settings.base_url}sparql"
    dataset, merged = f"{service}#dataset", f"{service}#merged"
    return [
        *classes(service, SD.Service),
        *statements(
            service,
            [
                (SD.endpoint, service),
                (SD.supportedLanguage, SD.SPARQL11Query),
                (SD.feature, SD.UnionDefaultGraph),
                *((SD.resultFormat, _FORMATS + name) for name in _RESULT_FORMATS),
                (SD.defaultDataset, dataset),
                (DCTERMS.isPartOf, settings.node_iri),
            ],
        ),
        *classes(dataset, SD.Dataset),
        *statements(dataset, [(SD.defaultGraph, merged)]),
        *classes(merged, SD.Graph),
    ]
