"""What ``chm demo --once`` looks at: that a whole federation did what it should, seen from outside where possible."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from statistics import median
from urllib.parse import quote

import pyoxigraph as ox
from lxml import etree

from chm_node.canonical import canonical_bytes, canonical_lines, read_triples
from chm_node.catalogue import Catalogue, ChangeLog, Filter, Held
from chm_node.database import reading
from chm_node.demo.records import publish_all
from chm_node.demo.running import Running, harvest
from chm_node.errors import ChmError
from chm_node.http_client import HttpClient
from chm_node.proofs import verify
from chm_node.publishing import withdraw
from chm_node.record import Tombstone
from chm_node.record_types import RECORD_TYPES
from harvest.dispatch import Dispatcher, fetch_policy

HOME_PAGE_SECONDS = 0.1
_FEEDS = ("rss", "atom", "rdf", "json")


class FailedCheckError(ChmError):
    """A check that found something else than it should."""


def check(hub: Running, peers: Sequence[Running], dispatcher: Dispatcher, say: Callable[[str], None]) -> bool:
    """Make every check, say how each went; whether all went well."""
    well = True
    with HttpClient(fetch_policy(hub.settings)) as client:
        federation = _Federation(hub, peers, dispatcher, client)
        for name, look in federation.checks():
            try:
                say(f"[6/6] {'ok':18} {name}: {look()}")
            except ChmError as error:
                say(f"[6/6] {'FAILED':18} {name}: {error}")
                well = False
    return well


class _Federation:
    """The running nodes, and the checks of them in an order that builds on itself."""

    def __init__(self, hub: Running, peers: Sequence[Running], dispatcher: Dispatcher, client: HttpClient) -> None:
        self._hub = hub
        self._peers = peers
        self._dispatcher = dispatcher
        self._client = client

    def checks(self) -> Iterator[tuple[str, Callable[[], str]]]:
        yield "the hub holds what the nodes hold", self._counts
        yield "an unchanged second harvest", self._unchanged
        yield "a correction travels", self._correction
        yield "a withdrawal travels", self._withdrawal
        yield "feeds", self._feeds
        yield "Arabic feed", self._arabic
        yield "proof of a harvested record", self._proof
        yield "home page", self._home_page

    def _counts(self) -> str:
        own = {peer.settings.node_iri: _count(peer) for peer in self._peers}
        with reading(self._hub.engine) as connection:
            held = Catalogue(connection).counts_by_origin()
        _expect(held == own, f"the hub holds {held}, the nodes {own}")
        return f"{sum(held.values())} records of {len(held)} nodes"

    def _unchanged(self) -> str:
        runs = [harvest(self._dispatcher, peer) for peer in self._peers]
        for run in runs:
            _expect(run.outcome == "not-modified", f"it ended as {run.outcome}")
            _expect(run.bytes == 0, f"it cost {run.bytes} bytes instead of answers 304 alone")
        return f"{sum(run.requests for run in runs)} requests, all answered 304"

    def _correction(self) -> str:
        peer, held = self._peers[0], self._some_record(self._peers[0], 0)
        with reading(peer.engine) as connection:
            triples = read_triples(ChangeLog(connection).graph(held.iri).graph.nquads)
        own = [each for each in triples if f"{each.subject}" != f"<{held.iri}#meta>"]
        record, _ = RECORD_TYPES[held.type].read(held.iri, own)
        titles = {language: f"{title} ({datetime.now(UTC):%H:%M:%S})" for language, title in held.titles.items()}
        record = RECORD_TYPES[held.type].record(held.iri, {**record.values, "title": titles}, record.extra)
        publish_all(peer.engine, peer.settings, peer.signer, [record], datetime.now(UTC))
        run = harvest(self._dispatcher, peer)
        _expect(run.updated == 1, f"the harvest changed {run.updated} records")
        body = self._get(f"record.jsonld?iri={quote(held.iri, safe='')}")
        _expect(next(iter(titles.values())).encode() in body, "the hub does not show it")
        return titles[next(iter(titles))]

    def _withdrawal(self) -> str:
        peer, held = self._peers[1], self._some_record(self._peers[1], 1)
        tombstone = Tombstone(held.iri, held.type, {"en": "Withdrawn by the demo"})
        withdraw(peer.engine, peer.settings, peer.signer, tombstone, datetime.now(UTC))
        run = harvest(self._dispatcher, peer)
        _expect(run.withdrawn == 1, f"the harvest withdrew {run.withdrawn} records")
        with reading(self._hub.engine) as connection:
            found = Catalogue(connection).find(held.iri)
        _expect(found is not None and found.withdrawn, "the hub still shows it")
        self._counts()
        return held.iri

    def _feeds(self) -> str:
        with reading(self._hub.engine) as connection:
            types = [name for name, _ in Catalogue(connection).facet_counts(Filter(), "type")]
        queries = ("", *(f"?type={name}" for name in types))
        for query in queries:
            for extension in _FEEDS:
                address = f"feeds/all.{extension}{query}"
                _expect(_entries(self._get(address), extension) > 0, f"{address} is empty")
        return f"{len(queries) * len(_FEEDS)} feeds can be read, {len(types)} record types"

    def _arabic(self) -> str:
        body = self._get("feeds/all.rss?lang=ar").decode()
        _expect('dir="rtl"' in body.replace("&quot;", '"') and "ar" in body, "nothing in it runs from right to left")
        return "runs from right to left"

    def _proof(self) -> str:
        peer, held = self._peers[0], self._some_record(self._peers[0], 0)
        document = json.loads(self._get(f"record.jsonld?iri={quote(held.iri, safe='')}"))
        graph = ox.parse(json.dumps(document["@graph"]), ox.RdfFormat.JSON_LD)
        nquads = canonical_bytes(canonical_lines(quad.triple for quad in graph))
        _expect(verify(nquads, document["proof"], peer.signer.multikey), f"that of {held.iri} does not verify")
        return f"{held.iri} was signed by its node"

    def _home_page(self) -> str:
        address = f"{self._hub.node.languages[0]}/"
        self._get(address)
        took = median(_seconds(lambda: self._get(address)) for _ in range(7))
        _expect(took < HOME_PAGE_SECONDS, f"took {took * 1000:.0f} ms")
        return f"{took * 1000:.0f} ms"

    def _get(self, address: str) -> bytes:
        return self._client.get(f"{self._hub.settings.base_url}{address}", accept="*/*").body

    def _some_record(self, peer: Running, number: int) -> Held:
        with reading(peer.engine) as connection:
            records = Catalogue(connection).listing(Filter({"type": ("event",)}), number + 1).records
        _expect(len(records) > number, f"{peer.node.address} has too few events")
        return records[number]


def _count(peer: Running) -> int:
    with reading(peer.engine) as connection:
        return sum(Catalogue(connection).counts_by_origin().values())


def _entries(body: bytes, extension: str) -> int:
    """How many entries a feed has; raises ChmError when it is not well-formed."""
    try:
        if extension == "json":
            return len(json.loads(body)["items"])
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        root = etree.fromstring(body, parser)
    except (ValueError, KeyError, etree.XMLSyntaxError) as error:
        raise FailedCheckError(f"all.{extension} cannot be read: {error}") from error
    return sum(etree.QName(each).localname in ("item", "entry") for each in root.iter(etree.Element))


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise FailedCheckError(otherwise)
