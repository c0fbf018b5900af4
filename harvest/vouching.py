"""Whom a hub vouches for, as one run hears it, asks the nodes themselves, and writes it down.

The nodes are on hosts that only the hub names, so whatever it takes, few are asked in one run and not for long.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from chm_node.errors import FetchError, ParseError
from harvest import members, receipts, sources
from harvest.compare import is_about_the_peer
from harvest.description import RDF_SYNTAXES, read_word
from harvest.members import Answer, Member, Word
from harvest.sources import Source
from harvest.store import Ledger
from harvest.trust import Authority, Verdict
from harvest.visit import Visit

#: Nodes that are asked in one run whether a hub speaks for them.
MOST_ASKED = 200
#: Nobody could say who speaks for the record.
_DOUBTS = (Verdict.UNKNOWN_NODE, Verdict.UNASKED_NODE, Verdict.DISPUTED_NODE)


def hear(ledger: Ledger, described: Iterable[Member]) -> tuple[Source, Sequence[str]]:
    """Note whom a hub's description names, and say which are refused; nobody is believed before being asked."""
    source, settings = ledger.source, ledger.settings
    foreign = [each for each in described if each.node not in (settings.node_iri, source.node)]
    taken = sources.taken(ledger.connection, settings, source)
    claimed, refused = members.claimed(source.members, foreign, taken)
    sources.set_members(ledger.connection, source.id, claimed)
    return replace(source, members=claimed), refused


def ask(visit: Visit, due: Sequence[Member], go_on: Callable[[], bool]) -> dict[str, Answer]:
    """What the nodes themselves say of a hub's claims, for as many as may be asked in one run."""
    answers: dict[str, Answer] = {}
    for member in due[:MOST_ASKED]:
        if not go_on():
            break
        answers[member.node] = _answer(visit.elsewhere(member.node), member)
    return answers


def settle(ledger: Ledger, answers: Mapping[str, Answer]) -> tuple[Source, bool]:
    """Note what came of asking, and whether the log has to be read anew.

    That is so when somebody is believed by now whose records were refused.
    """
    source = ledger.source
    taken = sources.taken(ledger.connection, ledger.settings, source)
    settled = members.settled(source.members, answers, taken, ledger.now)
    sources.set_members(ledger.connection, source.id, settled)
    before = {each.node: each.authority.multikey for each in source.members}
    believed = [each.authority for each in settled if each.node in answers and each.pinned]
    anew = any(_has_refused(ledger, each, new_key=each.multikey != before[each.node]) for each in believed)
    if anew:
        sources.read_anew(ledger.connection, source.id)
    return sources.get(ledger.connection, source.id), anew


def notes(before: Iterable[Member], after: Iterable[Member], answers: Mapping[str, Answer]) -> Iterator[str]:
    """What came of asking that a person should read."""
    before, after = tuple(before), tuple(after)
    yield from _of_new_keys(before, after, answers)
    words = {each.node: each.word for each in before}
    fresh = [each for each in after if each.word is not words.get(each.node)]
    sentences = {
        Word.SILENT: "not reached, and believed on the peer's word alone until reached",
        Word.DISPUTED: "not confirmed by the node itself, so its records are refused",
        Word.CONFIRMED: "now confirmed by the node itself",
    }
    for word, sentence in sentences.items():
        nodes = [each.node for each in fresh if each.word is word]
        if nodes and (word is not Word.CONFIRMED or any(words.get(node) is not Word.UNASKED for node in nodes)):
            yield f"the peer vouches for {members.named(nodes)}: {sentence}"


def _of_new_keys(before: Iterable[Member], after: Iterable[Member], answers: Mapping[str, Answer]) -> Iterator[str]:
    keys = {each.node: each.authority.multikey for each in after}
    for each in before:
        if each.successor is None or each.node not in answers:
            continue
        if keys[each.node] == each.successor.multikey:
            yield f"{each.node} has a new key, as it says itself; what the former one signed until its end stands"
        elif answers[each.node].word is Word.SILENT:
            yield f"{each.node} has a new key by the peer's word, and was not reached; the one that is pinned counts"
        else:
            yield (
                f"{each.node} has a new key by the peer's word alone; the one that is pinned counts. Ask its operator: "
                "if that key is lost, remove the peer and approve it anew"
            )


def _has_refused(ledger: Ledger, authority: Authority, *, new_key: bool) -> bool:
    """Whether records were refused that would be believed now."""
    reasons = (Verdict.BAD_PROOF,) if new_key else _DOUBTS
    return receipts.refuses_under(ledger.connection, ledger.source.id, authority.uri_space, reasons)


def _answer(visit: Visit, member: Member) -> Answer:
    try:
        document = visit.get(member.node, RDF_SYNTAXES)
        assert document  # noqa: S101  only what was seen before can be unchanged
        answer: Answer = visit.read(read_word, document, member.claim)
    except FetchError as error:
        return Answer(Word.SILENT if is_about_the_peer(error) else Word.DISPUTED)
    except ParseError:
        return Answer(Word.DISPUTED)
    return answer
