"""Which values of a filter are offered, with the number of records that choosing one shows."""

from chm_node.catalogue import Catalogue, Filter
from chm_node.web.filters import expanded, findable


def offers(catalogue: Catalogue, others: Filter, facet: str, limit: int = 200) -> list[tuple[str, int]]:
    """(value, number of records) of one facet among what passes the other filters, commonest first."""
    found = catalogue.facet_counts(others, facet, limit)
    counted = [
        (value, count if len(expanded(value)) == 1 else shown(catalogue, others, facet, value))
        for value, count in found
        if findable(facet, value)
    ]
    return sorted(counted, key=lambda each: (-each[1], each[0]))


def shown(catalogue: Catalogue, others: Filter, facet: str, value: str) -> int:
    """The number of records that choosing a value shows, those of its narrower terms included."""
    return catalogue.facet_count(others, facet, expanded(value))
