"""From what was seen of a node and its log to findings. Decides; touches nothing."""

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from itertools import pairwise

from chm_node.proofs import is_multikey
from chm_node.text import clean_text, host_of
from harvest.checker.checks import Finding, State
from harvest.checker.reading import PROFILE_PATHS, Described, LogPage
from harvest.checker.seen import Cached, DescriptionSeen, LogSeen, PageSeen, RecordsSeen
from harvest.plan import Judged
from harvest.trust import Verdict, space_problem

#: Compressing less than this saves nothing.
WORTH_COMPRESSING_BYTES = 1024
_SHOWN, _SHOWN_CHARACTERS = 5, 300
#: Which check a refusal of the harvest belongs to.
_RULES = {
    "records.authority": (
        Verdict.UNKNOWN_NODE, Verdict.FOREIGN_IRI, Verdict.FOREIGN_SUBJECT, Verdict.TOO_MANY_HOPS,
    ),
    "records.version": (Verdict.NO_IDENTITY, Verdict.FUTURE),
    "records.licence": (Verdict.NO_LICENCE,),
    "records.title": (Verdict.NO_TITLE,),
    "records.content": (Verdict.NO_PAYLOAD, Verdict.BLANK_NODE, Verdict.BAD_CHARACTERS, Verdict.TOO_LARGE),
}  # fmt: skip
_UNPROVEN = (Verdict.UNSIGNED, Verdict.BAD_PROOF)
_GONE = 410


def finding(check: str, failed: Sequence[str] = (), warned: Sequence[str] = ()) -> Finding:
    """Failed or a warning when something speaks for it, else passed."""
    state = State.FAILED if failed else State.WARNING if warned else State.PASSED
    seen = [clean_text(each)[:_SHOWN_CHARACTERS] for each in dict.fromkeys((*failed, *warned))][:_SHOWN]
    return Finding(check, state, tuple(seen))


def judge_description(seen: DescriptionSeen) -> Iterator[Finding]:
    """What is there; for what is not, see ``judge_absence``."""
    if seen.is_absent:
        return
    yield finding("description.found")
    yield finding("description.api-catalog", [seen.catalog] if seen.catalog else [])
    yield finding("description.rdf", [] if seen.described else seen.unreadable)
    if seen.described is None:
        return
    yield finding("description.void", (), _void_problems(seen, seen.described))
    yield from _judge_node(seen.described)
    yield finding("description.interfaces", [each.trouble for each in seen.interfaces if each.answer is None])


def judge_absence(seen: DescriptionSeen, *, has_other: bool) -> Iterator[Finding]:
    """``has_other``: there is a feed or an event stream, which can do without a description."""
    if seen.is_absent:
        yield finding("description.found", *(((), seen.tried) if has_other else (seen.tried, ())))


def _void_problems(seen: DescriptionSeen, described: Described) -> list[str]:
    if seen.void.answer is None:
        return [seen.void.trouble]
    led = seen.void.answer.url
    return [] if led == described.address else [f"{seen.void.address} leads to {led}"]


def _judge_node(described: Described) -> Iterator[Finding]:
    own = described.address.partition("#")[0]
    yield finding("description.node-iri", [] if described.node == own else [f"{own} describes {described.node}"])
    yield finding("description.uri-space", _space_problems(described))
    yield _key(described)
    lacking = sorted({each for each in described.languages if each not in described.titles})
    yield finding("description.titles", [] if described.titles else ["no title"], [f"no title: {x}" for x in lacking])
    yield finding("description.licence", [] if described.licensed else [f"{described.node} states no licence"])


def _space_problems(described: Described) -> list[str]:
    if len(described.spaces) != 1:
        return [f"void:uriSpace is stated {len(described.spaces)} times"]
    [space] = described.spaces
    if problem := space_problem(space):
        return [f"{space} {problem}"]
    return [] if host_of(space) == host_of(described.node) else [f"{space} lies on another host"]


def _key(described: Described) -> Finding:
    if not described.key_id:
        return finding("description.key", (), [f"{described.node} states no key"])
    if host_of(described.key_id) != host_of(described.node):
        return finding("description.key", [f"{described.key_id} lies on another host"])
    fine = len(described.multikeys) == 1 and is_multikey(described.multikeys[0])
    return finding("description.key", [] if fine else [f"{described.key_id} is no Ed25519 Multikey"])


def judge_log(seen: LogSeen) -> Iterator[Finding]:
    """The root and the sampled pages."""
    yield finding("log.found", [seen.trouble] if seen.trouble else [])
    if seen.stream is None:
        return
    stream = seen.stream
    one = len(stream.streams) == 1
    yield finding("log.stream", [] if one and stream.viewed else [f"{seen.address}: {len(stream.streams)} streams"])
    wrong = [f"{name}: {stream.paths[name] or 'missing'}" for name, right in PROFILE_PATHS.items()
             if stream.paths[name] != right]  # fmt: skip
    timeless = stream.paths["timestampPath"] != PROFILE_PATHS["timestampPath"]
    yield finding("log.paths", *((wrong, ()) if timeless else ((), wrong)))
    if len(seen.pages) > 1:
        yield finding("log.pages", [each.trouble for each in seen.pages if each.trouble])
    read = [each.page for each in seen.pages if each.page]
    if any(each.members for each in read):
        yield finding("log.order", list(_order_problems(read)))
        yield _bounds(seen)
        yield _immutable(seen.pages)
    yield finding("log.ends", list(_loops(seen.pages)))


def _order_problems(pages: Sequence[LogPage]) -> Iterator[str]:
    members = [member for page in pages for member in page.members]
    yield from (f"{each.activity} has no time" for each in members if each.published is None)
    times = Counter(each.published for each in members if each.published)
    twice = [each for each in members if each.published and times[each.published] > 1]
    # The same entry on two pages is no second entry.
    same = {each.activity for each in members}
    if len(same) == len(members):
        yield from (f"{each.activity} shares its time with another entry" for each in twice)
    else:
        yield "an entry stands on several pages"


def _bounds(seen: LogSeen) -> Finding:
    relations = seen.stream.relations if seen.stream else ()
    stated = sorted((each for each in relations if each.since), key=lambda each: each.since or 0)
    problems = [problem for each in seen.pages for problem in _outside(each)]
    for earlier, later in pairwise(stated):
        if earlier.before != later.since:
            problems.append(f"{earlier.page} ends at {earlier.before}, {later.page} begins at {later.since}")
    unstated = [each.page for each in relations if not each.since]
    return finding("log.bounds", problems, [f"{each} has no bounds" for each in unstated])


def _outside(seen: PageSeen) -> Iterator[str]:
    since, before = seen.relation.since, seen.relation.before
    for each in seen.page.members if seen.page else ():
        if each.published and ((since and each.published < since) or (before and each.published >= before)):
            yield f"{each.activity} lies outside the bounds of {seen.relation.page}"


def _immutable(pages: Sequence[PageSeen]) -> Finding:
    failed, warned = [], []
    for each in pages:
        if each.page is None:
            continue
        if each.page.closed and not each.immutable:
            failed.append(f"{each.relation.page} is complete, without Cache-Control: immutable")
        elif each.immutable and not each.page.closed:
            failed.append(f"{each.relation.page} may still grow, with Cache-Control: immutable")
        elif each.relation.before and not each.page.closed:
            warned.append(f"{each.relation.page} has an end and does not say that it is complete")
    return finding("log.immutable", failed, warned)


def _loops(pages: Sequence[PageSeen]) -> Iterator[str]:
    for each in pages:
        way = (*each.led_from, each.relation.page)
        for relation in each.page.relations if each.page else ():
            if relation.page in way:
                yield f"{each.relation.page} leads back to {relation.page}"


def judge_records(seen: RecordsSeen) -> Iterator[Finding]:
    """The harvest's own rules, and the records at their own addresses."""
    if seen.judged:
        for check, verdicts in _RULES.items():
            yield finding(check, _where(seen.judged, verdicts))
        yield finding("records.rules", (), [f"{x.offer.iri}: {x.detail}" for x in seen.judged if x.detail])
    if any(each.verdict in (*_UNPROVEN, Verdict.ACCEPTED) for each in seen.judged):
        unsigned = [] if seen.signed else ["the node states no key"]
        yield finding("records.proof", _where(seen.judged, _UNPROVEN), unsigned)
    if seen.dereferenced:
        yield finding("records.negotiation", [f"{x.iri}: {why}" for x in seen.dereferenced for why in x.refused])
        yield finding("records.hash", [f"{x.iri}: {which}" for x in seen.dereferenced for which in x.different])
    if seen.withdrawn:
        alive = [f"{each.address} still answers" for each in seen.withdrawn if each.answer]
        vague = [each.trouble for each in seen.withdrawn if not each.answer and each.status != _GONE]
        yield finding("log.tombstones", alive, vague)


def _where(judged: Sequence[Judged], verdicts: Container[Verdict]) -> list[str]:
    return [f"{each.offer.iri}: {each.verdict.value}" for each in judged if each.verdict in verdicts]


def judge_caching(seen: Sequence[Cached]) -> Iterator[Finding]:
    """The log and the feeds."""
    if not seen:
        return
    bare = [each.address for each in seen if not each.etag and not each.last_modified]
    yield finding("caching.etag", bare, [each.address for each in seen if not each.etag and each.last_modified])
    dated = [each for each in seen if each.etag or each.last_modified]
    if dated:
        yield finding("caching.not-modified", [each.address for each in dated if not each.not_modified])
    feeds = [each for each in seen if each.is_feed]
    if feeds:
        yield finding("caching.last-modified", (), [each.address for each in feeds if not each.last_modified])
    plain = [each.address for each in seen if not each.compressed and each.size >= WORTH_COMPRESSING_BYTES]
    yield finding("caching.gzip", (), plain)
