"""Records as DCAT 3 data sets, in pages that harvesters of open data follow (Hydra, both generations of terms)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyoxigraph as ox

from chm_node.formats.statements import classes, statements
from chm_node.namespaces import DCAT, DCTERMS, HYDRA, LANGUAGE, PROV, SPDX, XSD

_MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"


@dataclass(frozen=True)
class Dataset:
    """What a catalogue says of one record."""

    iri: str
    origin: str
    titles: Mapping[str, str]
    summaries: Mapping[str, str]
    issued: datetime
    modified: datetime
    licence: str
    languages: Sequence[str]
    themes: Sequence[str]  #: IRIs of terms
    page: str  #: address for people
    distributions: Sequence[tuple[str, str]]  #: (address, media type)
    signed: str  #: address of the bytes that were hashed and signed, one of the distributions
    sha256: str  #: of these bytes


@dataclass(frozen=True)
class Page:
    """One page of the catalogue and its neighbours, by address."""

    catalogue: str  #: IRI of the catalogue, which is the node
    collection: str  #: IRI of what the pages are of: the catalogue, or the part of it that passes a filter
    address: str
    first: str
    previous: str
    next: str
    last: str
    size: int
    total: int


def catalogue_page(page: Page, datasets: Sequence[Dataset]) -> list[ox.Triple]:
    """The page, its neighbours and its records."""
    triples = _paging(page)
    for dataset in datasets:
        triples += statements(page.catalogue, [(DCAT.dataset, dataset.iri)])
        triples += statements(page.address, [(HYDRA.member, dataset.iri)])
        triples += _dataset(dataset)
    return triples


def _paging(page: Page) -> list[ox.Triple]:
    neighbours = (("first", page.first), ("previous", page.previous), ("next", page.next), ("last", page.last))
    return [
        *classes(page.catalogue, DCAT.Catalog),
        *classes(page.collection, HYDRA.Collection),
        *statements(page.collection, [(HYDRA.totalItems, page.total), (HYDRA.view, page.address)]),
        *classes(page.address, HYDRA.PagedCollection, HYDRA.PartialCollectionView),
        *statements(
            page.address,
            [
                (HYDRA.totalItems, page.total),
                (HYDRA.itemsPerPage, page.size),
                *((HYDRA[name], address) for name, address in neighbours),
                *((HYDRA[f"{name}Page"], address) for name, address in neighbours),
            ],
        ),
    ]


def _dataset(dataset: Dataset) -> list[ox.Triple]:
    triples = [
        *classes(dataset.iri, DCAT.Dataset),
        *statements(
            dataset.iri,
            [
                (DCTERMS.title, dataset.titles),
                (DCTERMS.description, dataset.summaries),
                (DCTERMS.identifier, ox.Literal(dataset.iri)),
                (DCTERMS.issued, dataset.issued),
                (DCTERMS.modified, dataset.modified),
                (DCTERMS.publisher, dataset.origin),
                (PROV.wasAttributedTo, dataset.origin),
                (DCTERMS.license, dataset.licence),
                *((DCTERMS.language, f"{LANGUAGE}{language}") for language in dataset.languages),
                *((DCAT.theme, theme) for theme in dataset.themes),
                (DCAT.landingPage, dataset.page),
                *((DCAT.distribution, address) for address, _ in dataset.distributions),
            ],
        ),
    ]
    for address, media_type in dataset.distributions:
        triples += classes(address, DCAT.Distribution)
        triples += statements(
            address,
            [
                (DCAT.accessURL, dataset.page),
                (DCAT.downloadURL, address),
                (DCAT.mediaType, _MEDIA_TYPES + media_type),
                (DCTERMS.license, dataset.licence),
            ],
        )
    return [*triples, *_checksum(dataset)]


def _checksum(dataset: Dataset) -> list[ox.Triple]:
    checksum = f"{dataset.signed}#sha256"
    value = ox.Literal(dataset.sha256, datatype=ox.NamedNode(XSD.hexBinary))
    return [
        *statements(dataset.signed, [(SPDX.checksum, checksum)]),
        *classes(checksum, SPDX.Checksum),
        *statements(checksum, [(SPDX.algorithm, SPDX.checksumAlgorithm_sha256), (SPDX.checksumValue, value)]),
    ]
