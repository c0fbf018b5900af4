"""The change log as a Linked Data Event Stream: root, ranges and pages (CHM Federation Profile 1.0, "The log").

Everything is text around the stored canonical bytes. Each function gives the graphs of one document;
``quads`` writes them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from chm_node.catalogue import LoggedChange
from chm_node.formats.quads import Graph
from chm_node.namespaces import AS, DCAT, DCTERMS, LDES, LDES_SPECIFICATION, PROFILE, PROV, RDF, SEC, TREE, XSD
from chm_node.proofs import CRYPTOSUITE
from chm_node.record import Action, activity_iri, timestamp

DISTRIBUTOR = "http://inspire.ec.europa.eu/metadata-codelist/ResponsiblePartyRole/distributor"
#: Pages that the root lists itself, and pages in one range when there are more.
RANGE_SIZE = 500

# Looked up once: a page has some of them two hundred times.
_TYPE = RDF.type
_OBJECT = AS.object
_ACTOR = AS.actor
_PUBLISHED = AS.published
_DATE_TIME = XSD.dateTime
_GENERATED_AT_TIME = PROV.generatedAtTime
_PROOF = SEC.proof
_WAS_DERIVED_FROM = PROV.wasDerivedFrom
_HAD_PRIMARY_SOURCE = PROV.hadPrimarySource
_QUALIFIED_ATTRIBUTION = PROV.qualifiedAttribution
_AGENT = PROV.agent
_HAD_ROLE = DCAT.hadRole
_DATA_INTEGRITY_PROOF = SEC.DataIntegrityProof
_CRYPTOSUITE = SEC.cryptosuite
_CRYPTOSUITE_STRING = SEC.cryptosuiteString
_CREATED = DCTERMS.created
_VERIFICATION_METHOD = SEC.verificationMethod
_PROOF_PURPOSE = SEC.proofPurpose
_ASSERTION_METHOD = SEC.assertionMethod
_PROOF_VALUE = SEC.proofValue
_MULTIBASE = SEC.multibase
_MEMBER = TREE.member
_ACTIVITIES = {action: AS[action.value] for action in Action}


@dataclass(frozen=True)
class Log:
    """Where a log lives and how it stands."""

    base_url: str
    epoch: int
    pages: int

    @property
    def root(self) -> str:
        return f"{self.base_url}feed"

    @property
    def stream(self) -> str:
        return f"{self.base_url}feed#stream"

    @property
    def ranges(self) -> int:
        """How many ranges stand between root and pages; none in a short log."""
        return 0 if self.pages <= RANGE_SIZE else -(-self.pages // RANGE_SIZE)

    def page(self, number: int) -> str:
        return f"{self.base_url}feed/{self.epoch}/{number}"

    def range(self, number: int) -> str:
        return f"{self.base_url}feed/{self.epoch}/r{number}"


@dataclass(frozen=True)
class _Part:
    """A page or range as the node above it states it; closed when the next one has started."""

    name: str
    node: str
    starts: datetime
    ends: datetime | None


def root_graphs(log: Log, starts: Sequence[datetime], polling_seconds: int) -> list[Graph]:
    """The root: what the stream is, and where its pages are; ``starts`` as ``ChangeLog.page_starts`` gives them."""
    stream = f"<{log.stream}>"
    facts = [
        f"{stream} <{RDF.type}> <{LDES.EventStream}> .\n",
        f"{stream} <{DCTERMS.conformsTo}> <{LDES_SPECIFICATION}> .\n",
        f"{stream} <{DCTERMS.conformsTo}> <{PROFILE}> .\n",
        f"{stream} <{LDES.timestampPath}> <{AS.published}> .\n",
        f"{stream} <{LDES.versionOfPath}> <{AS.object}> .\n",
        f"{stream} <{LDES.versionTimestampPath}> <{PROV.generatedAtTime}> .\n",
        f"{stream} <{LDES.versionCreateObject}> <{AS.Create}> .\n",
        f"{stream} <{LDES.versionUpdateObject}> <{AS.Update}> .\n",
        f"{stream} <{LDES.versionDeleteObject}> <{AS.Delete}> .\n",
        f'{stream} <{LDES.pollingInterval}> "{polling_seconds}"^^<{XSD.integer}> .\n',
        f"{stream} <{TREE.shape}> <{log.base_url}shapes/activity> .\n",
        f"{stream} <{TREE.view}> <{log.root}> .\n",
        f"<{log.root}> <{RDF.type}> <{TREE.Node}> .\n",
        f"<{log.root}> <{LDES.retentionPolicy}> <{log.root}#keep> .\n",
        f"<{log.root}#keep> <{RDF.type}> <{LDES.RetentionPolicy}> .\n",
        f'<{log.root}#keep> <{LDES.versionAmount}> "1"^^<{XSD.integer}> .\n',
        f'<{log.root}#keep> <{LDES.versionDeleteDuration}> "P5Y"^^<{XSD.duration}> .\n',
    ]
    parts = _ranges(log, starts) if log.ranges else _pages(log, starts, 1)
    return [_default_graph([*facts, *_relations(log.root, parts)])]


def range_graphs(log: Log, number: int, starts: Sequence[datetime]) -> list[Graph]:
    """A range of pages, between the root and the pages of a long log."""
    first = (number - 1) * RANGE_SIZE
    own = starts[first : first + RANGE_SIZE + 1]
    parts = _pages(log, own, first + 1)[:RANGE_SIZE]
    node = log.range(number)
    return [_default_graph([*_node_facts(log, node, closed=number < log.ranges), *_relations(node, parts)])]


def page_graphs(log: Log, number: int, changes: Sequence[LoggedChange]) -> list[Graph]:
    """A page of the log, with its changes."""
    node = log.page(number)
    graphs = [_default_graph(_node_facts(log, node, closed=number < log.pages))]
    for change in changes:
        graphs += listed_graphs(log, change)
    return graphs


def listed_graphs(log: Log, change: LoggedChange) -> list[Graph]:
    """One change as a member of the stream; that it is one is its first line."""
    first, *rest = member_graphs(log.base_url, change)
    act = rest[-1].name  # as the record graph is called
    return [Graph("", f"<{log.stream}> <{_MEMBER}> {act} .\n".encode() + first.lines), *rest]


def member_graphs(base_url: str, change: LoggedChange) -> list[Graph]:
    """One change: the activity, its proof, and the record graph in a graph named by the activity."""
    act = f"<{activity_iri(base_url, change.log_time)}>"
    graph = change.graph
    facts = [
        f"{act} <{_TYPE}> <{_ACTIVITIES[graph.action]}> .\n",
        f"{act} <{_OBJECT}> <{graph.iri}> .\n",
        f"{act} <{_ACTOR}> <{base_url}node> .\n",
        f'{act} <{_PUBLISHED}> "{timestamp(change.log_time)}"^^<{_DATE_TIME}> .\n',
        f'{act} <{_GENERATED_AT_TIME}> "{timestamp(graph.version)}"^^<{_DATE_TIME}> .\n',
        *_path_facts(act, change),
    ]
    graphs = []
    if graph.proof:
        facts.append(f"{act} <{_PROOF}> _:g{change.seq} .\n")
        graphs.append(_proof_graph(change))
    return [_default_graph(facts), *graphs, Graph(act, graph.nquads)]


def _path_facts(act: str, change: LoggedChange) -> Iterator[str]:
    if change.derived_from:
        yield f"{act} <{_WAS_DERIVED_FROM}> <{change.derived_from}> .\n"
        if len(change.hops) == 1:  # read from its owner
            yield f"{act} <{_HAD_PRIMARY_SOURCE}> <{change.derived_from}> .\n"
    for number, hop in enumerate(change.hops, start=1):
        # Blank nodes, because generic clients drop statements about other IRIs.
        label = f"_:h{change.seq}x{number}"
        yield f"{act} <{_QUALIFIED_ATTRIBUTION}> {label} .\n"
        yield f"{label} <{_AGENT}> <{hop}> .\n"
        yield f"{label} <{_HAD_ROLE}> <{DISTRIBUTOR}> .\n"


def _proof_graph(change: LoggedChange) -> Graph:
    proof = change.graph.proof or {}
    node = f"_:p{change.seq}"
    facts = [
        f"{node} <{_TYPE}> <{_DATA_INTEGRITY_PROOF}> .\n",
        f'{node} <{_CRYPTOSUITE}> "{CRYPTOSUITE}"^^<{_CRYPTOSUITE_STRING}> .\n',
        f'{node} <{_CREATED}> "{proof["created"]}"^^<{_DATE_TIME}> .\n',
        f"{node} <{_VERIFICATION_METHOD}> <{proof['verificationMethod']}> .\n",
        f"{node} <{_PROOF_PURPOSE}> <{_ASSERTION_METHOD}> .\n",
        f'{node} <{_PROOF_VALUE}> "{proof["proofValue"]}"^^<{_MULTIBASE}> .\n',
    ]
    return Graph(f"_:g{change.seq}", "".join(sorted(facts)).encode())


def _default_graph(facts: Sequence[str]) -> Graph:
    return Graph("", "".join(sorted(facts)).encode())


def _node_facts(log: Log, node: str, *, closed: bool) -> list[str]:
    facts = [f"<{node}> <{RDF.type}> <{TREE.Node}> .\n", f"<{node}> <{DCTERMS.isPartOf}> <{log.root}> .\n"]
    # Nothing new is ever added to a closed page; that superseded versions leave it is allowed.
    return [*facts, f'<{node}> <{LDES.immutable}> "true"^^<{XSD.boolean}> .\n'] if closed else facts


def _pages(log: Log, starts: Sequence[datetime], first: int) -> list[_Part]:
    ends = [*starts[1:], None]
    return [
        _Part(f"page-{number}", log.page(number), begins, until)
        for number, (begins, until) in enumerate(zip(starts, ends, strict=False), start=first)
    ]


def _ranges(log: Log, starts: Sequence[datetime]) -> list[_Part]:
    begins = starts[::RANGE_SIZE]
    ends = [*begins[1:], None]
    return [
        _Part(f"range-{number}", log.range(number), first, until)
        for number, (first, until) in enumerate(zip(begins, ends, strict=False), start=1)
    ]


def _relations(node: str, parts: Sequence[_Part]) -> Iterator[str]:
    for part in parts:
        yield from _relation(node, f"{node}#{part.name}-ge", TREE.GreaterThanOrEqualToRelation, part.node, part.starts)
        if part.ends:
            yield from _relation(node, f"{node}#{part.name}-lt", TREE.LessThanRelation, part.node, part.ends)


def _relation(node: str, relation: str, kind: str, target: str, bound: datetime) -> Iterator[str]:
    yield f"<{node}> <{TREE.relation}> <{relation}> .\n"
    yield f"<{relation}> <{RDF.type}> <{kind}> .\n"
    yield f"<{relation}> <{TREE.node}> <{target}> .\n"
    yield f"<{relation}> <{TREE.path}> <{AS.published}> .\n"
    yield f'<{relation}> <{TREE.value}> "{timestamp(bound)}"^^<{XSD.dateTime}> .\n'
