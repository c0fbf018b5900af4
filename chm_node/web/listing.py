"""The listing of records: what is chosen, what else could be, and how many each choice would show."""

from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from flask_babel import gettext, ngettext

from chm_node.catalogue import COUNT_LIMIT, Catalogue, Filter, LogHead
from chm_node.web.entries import Origins, UnfilteredCounts
from chm_node.web.filters import broadest, spelling, to_query
from chm_node.web.labels import Label, Reader
from chm_node.web.offers import offers, shown

#: Records on one page of the listing.
PAGE = 20
#: Filters in the order they are shown, with how many values at most.
_FACETS = {"type": 80, "country": 60, "treaty": 40, "subject": 20, "language": 20}
#: Groups that are unfolded before anything is chosen.
_OPEN = ("type", "country")


@dataclass(frozen=True)
class Option:
    """One value of a filter; ``count`` is the number of records that choosing it shows."""

    label: Label
    name: str
    value: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class Group:
    """One filter with its values; ``single`` when only one value can be chosen."""

    legend: str
    options: tuple[Option, ...]
    open: bool
    single: bool = False


@dataclass(frozen=True)
class Active:
    """A filter in use and the address of the listing without it."""

    legend: str
    label: Label
    href: str
    count: int = 0


class Choices:
    """What a reader chose, and what could be chosen beside it."""

    def __init__(
        self, catalogue: Catalogue, head: LogHead, counts: UnfilteredCounts, reader: Reader, origins: Origins, path: str
    ) -> None:
        self._catalogue, self._head, self._counts = catalogue, head, counts
        self._reader, self._origins, self._path = reader, origins, path

    def groups(self, chosen: Filter) -> list[Group]:
        """Every filter that has something to choose from, with counts that follow the words and the other filters."""
        found = [self._group(chosen, facet, limit) for facet, limit in _FACETS.items()]
        found.append(self._origin_group(chosen))
        return [group for group in found if len(group.options) > 1 or any(each.chosen for each in group.options)]

    def active(self, chosen: Filter) -> list[Active]:
        """Each filter in use, to be removed one by one."""
        found = [
            Active(legend(facet), self._reader.facet_value(facet, value), self._without(chosen, facet, value))
            for facet, values in chosen.facets.items()
            for value in broadest(values)
        ]
        if chosen.origin:
            label = Label(self._origins.name(chosen.origin))
            found.append(Active(legend("origin"), label, self.href(replace(chosen, origin=""))))
        return found

    def suggestions(self, chosen: Filter) -> list[Active]:
        """For a listing that is empty: which filter to give up, and what that would show."""
        found = []
        for facet, values in chosen.facets.items():
            wider = replace(chosen, facets=_other_facets(chosen, facet))
            if count := self._catalogue.listing(wider, 1).total:
                label = self._reader.facet_value(facet, broadest(values)[0])
                found.append(Active(legend(facet), label, self.href(wider), count))
        return found

    def href(self, chosen: Filter, page: int = 1) -> str:
        """The address of a listing."""
        return address(self._path, chosen, page)

    def _without(self, chosen: Filter, facet: str, value: str) -> str:
        given_up = parse_qsl(to_query(Filter(facets={facet: (value,)})))
        left = [pair for pair in parse_qsl(to_query(chosen)) if pair not in given_up]
        return f"{self._path}?{urlencode(left)}" if left else self._path

    def _group(self, chosen: Filter, facet: str, limit: int) -> Group:
        picked = broadest(chosen.facets.get(facet, ()))
        # Values of one filter are alternatives: what another value would add does not depend on those chosen.
        others = replace(chosen, facets=_other_facets(chosen, facet))
        if others == Filter():
            counted = self._counts.of(self._catalogue, self._head, facet)[:limit]
        else:
            counted = offers(self._catalogue, others, facet, limit)
        # Such as a region that no record names, though many name its countries.
        unnamed = [value for value in picked if value not in dict(counted)]
        missing = [(value, shown(self._catalogue, others, facet, value)) for value in unnamed]
        options = tuple(self._option(facet, value, count, value in picked) for value, count in [*counted, *missing])
        return Group(legend(facet), options, open=facet in _OPEN or bool(picked))

    def _option(self, facet: str, value: str, count: int, chosen: bool) -> Option:
        return Option(self._reader.facet_value(facet, value), facet, spelling(facet, value), count, chosen)

    def _origin_group(self, chosen: Filter) -> Group:
        options = tuple(
            Option(Label(self._origins.name(node)), "origin", node, count, node == chosen.origin)
            for node, count in self._origin_counts(replace(chosen, origin=""))
        )
        return Group(legend("origin"), options, open=bool(chosen.origin), single=True)

    def _origin_counts(self, chosen: Filter) -> list[tuple[str, int]]:
        counts = self._catalogue.counts_by_origin(chosen)
        return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


def legend(facet: str) -> str:
    """What a filter is called."""
    names: dict[str, str] = {
        "type": gettext("Type"),
        "country": gettext("Country or region"),
        "treaty": gettext("Treaty"),
        "subject": gettext("Subject"),
        "language": gettext("Language"),
        "status": gettext("Status"),
        "origin": gettext("Origin"),
    }
    return names.get(facet, facet)


def count_text(total: int, reader: Reader) -> str:
    """How many records a listing has, in words."""
    if total > COUNT_LIMIT:
        return str(gettext("more than %(count)s records", count=reader.number(COUNT_LIMIT)))
    return str(ngettext("%(count)s record", "%(count)s records", total, count=reader.number(total)))


def address(path: str, chosen: Filter, page: int = 1, **more: str) -> str:
    """A path with the query that means this filter."""
    further = urlencode([*more.items(), *([("page", str(page))] if page > 1 else [])])
    query = "&".join(filter(None, (to_query(chosen), further)))
    return f"{path}?{query}" if query else path


def _other_facets(chosen: Filter, facet: str) -> dict[str, tuple[str, ...]]:
    return {name: values for name, values in chosen.facets.items() if name != facet}
