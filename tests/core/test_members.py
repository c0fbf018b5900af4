"""Whom a hub may vouch for: it and the node itself have to say the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chm_node.proofs import PublicKey
from harvest import members, vouching
from harvest.members import ASKED_AGAIN, MAX_MEMBERS, Answer, Member, Word
from harvest.trust import CLOCK_TOLERANCE, Authority, Verdict

NOW = datetime(2026, 11, 22, 3, 22, 8, tzinfo=UTC)


def member(name, word=Word.UNASKED, key="zKey", **changes):
    base = f"https://{name}.example.org/"
    return Member(Authority(f"{base}node", changes.pop("space", f"{base}id/"), key), word=word, **changes)


ME, DZ = member("hub", Word.CONFIRMED, ""), member("dz", Word.CONFIRMED)
TN, OTHER_KEY = member("tn"), member("tn", key="zOther")
PINNED, ASKED, DISPUTED = (replace(TN, word=word, asked=NOW) for word in (Word.CONFIRMED, Word.SILENT, Word.DISPUTED))

IMPOSSIBLE = replace(OTHER_KEY, word=Word.DISPUTED, asked=datetime(9999, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("held", "described", "taken", "kept", "refused"),
    [
        pytest.param([], [TN], [ME, DZ], [TN], [], id="a new claim is asked about"),
        pytest.param([PINNED], [TN], [ME], [PINNED], [], id="the same again"),
        pytest.param([PINNED], [], [ME], [PINNED], [], id="silence withdraws nothing"),
        pytest.param([ASKED], [], [ME], [ASKED], [], id="nor does it of a node that was not reached"),
        pytest.param([DISPUTED], [], [ME], [], [], id="what was not pinned is forgotten"),
        pytest.param([DISPUTED], [TN], [ME], [DISPUTED], [], id="a disputed claim is not asked about anew"),
        pytest.param([DISPUTED], [OTHER_KEY], [ME], [OTHER_KEY], [], id="another claim is"),
        pytest.param([PINNED], [OTHER_KEY], [ME], [PINNED], [TN.node], id="what is pinned stays"),
        pytest.param([ASKED], [OTHER_KEY], [ME], [ASKED], [TN.node], id="on the hub's word alone too"),
        pytest.param([], [OTHER_KEY], [ME, PINNED], [IMPOSSIBLE], [TN.node], id="not as elsewhere"),
        pytest.param([IMPOSSIBLE], [OTHER_KEY], [ME], [OTHER_KEY], [], id="possible again"),
        pytest.param([], [TN], [ME, PINNED], [PINNED], [], id="two hubs that say the same"),
        pytest.param([], [TN], [ME, ASKED], [TN], [], id="two hubs that say the same of a silent node"),
    ],
)
def test_what_a_hub_claims(held, described, taken, kept, refused):
    assert members.claimed(held, described, taken) == (tuple(kept), tuple(refused))


@pytest.mark.parametrize(
    "claim",
    [
        member("tn", space="https://hub.example.org/id/"),
        member("tn", space="https://dz.example.org/"),
        member("tn", space="https://"),
        member("tn", space="https://tn.example.org/id"),
        member("tn", key=""),
        member("dz", key="zOther"),
        Member(Authority("https://dz.example.org/other", "https://dz.example.org/id/a/", "zKey")),
    ],
    ids=lambda claim: claim.authority,
)
def test_an_impossible_claim_is_never_pinned(claim):
    kept, refused = members.claimed([], [claim], [ME, DZ])
    settled = members.settled(kept, {claim.node: Answer(Word.CONFIRMED)}, [ME, DZ], NOW)
    assert refused == (claim.node,)
    assert [each.word for each in (*kept, *settled)] == [Word.DISPUTED] * 2


@pytest.mark.parametrize("word", [Word.CONFIRMED, Word.SILENT, Word.DISPUTED])
def test_the_answer_decides(word):
    [settled] = members.settled(
        [
            TN,
        ],
        {TN.node: Answer(word, "TN")},
        [ME],
        NOW,
    )
    assert settled == replace(TN, word=word, country="TN" if word is Word.CONFIRMED else "", asked=NOW)


def test_a_node_that_names_no_country_is_in_none_whatever_the_hub_says():
    [settled] = members.settled([replace(TN, country="TN")], {TN.node: Answer(Word.CONFIRMED)}, [ME], NOW)
    assert members.doubted([settled], ["TN"]) == {TN.node: Verdict.OUT_OF_SCOPE}


def test_of_two_claims_that_overlap_the_first_that_is_confirmed_counts():
    inner = Member(Authority("https://tn.example.org/other", "https://tn.example.org/id/a/", "zKey"))
    answers = dict.fromkeys((TN.node, inner.node), Answer(Word.CONFIRMED))
    assert [each.word for each in members.settled([TN, inner], answers, [ME], NOW)] == [Word.CONFIRMED, Word.DISPUTED]


def test_a_hub_that_vouches_for_too_many_keeps_what_is_pinned():
    described = [member(f"n{number}") for number in range(MAX_MEMBERS)]
    kept, _ = members.claimed([PINNED], described, [ME])
    assert len(kept) == MAX_MEMBERS
    assert kept[0] == PINNED


def test_who_is_asked():
    long_ago = NOW - ASKED_AGAIN
    again, lately = replace(ASKED, asked=long_ago), replace(DZ, word=Word.SILENT, asked=NOW - timedelta(hours=1))
    assert members.due([PINNED], NOW) == []
    assert members.due([IMPOSSIBLE], NOW) == []
    assert members.due([again, lately, member("ma")], NOW) == [member("ma"), again]


def test_a_person_reads_what_has_changed():
    [silent] = vouching.notes([TN], [ASKED], {})
    [disputed] = vouching.notes([ASKED], [DISPUTED], {})
    [confirmed] = vouching.notes([ASKED], [PINNED], {})
    assert "believed on the peer's word alone" in silent
    assert "its records are refused" in disputed
    assert "now confirmed" in confirmed
    assert list(vouching.notes([TN], [PINNED], {})) == list(vouching.notes([ASKED], [ASKED], {})) == []
    assert members.named(list("abcde")) == "a, b, c and 2 more"


def test_the_reason_says_why_a_node_is_not_believed():
    found = [replace(each, country="TN") for each in (member("a"), DISPUTED, DZ)]
    assert members.pinned(found, ["TN"]).keys() == {DZ.node}
    assert members.pinned(found, ["MA"]) == {}
    assert members.doubted(found, ["MA"]) == {
        found[0].node: Verdict.UNASKED_NODE, found[1].node: Verdict.DISPUTED_NODE, DZ.node: Verdict.OUT_OF_SCOPE
    }  # fmt: skip


@pytest.mark.parametrize(
    "each", [TN, PINNED, replace(DISPUTED, country="TN"), replace(PINNED, successor=OTHER_KEY.authority)]
)
def test_a_member_survives_being_stored(each):
    assert members.from_json(members.to_json(each)) == each


# A node that is known through hubs alone, and has a new key.

K1, K2 = "zKey", "zNew"
END = NOW - timedelta(hours=1)


def ended(key, end=END):
    return PublicKey(f"{TN.node}#{key}", key, end)


def with_key(key, *former, word=Word.UNASKED, **changes):
    return Member(replace(TN.authority, multikey=key, former=former), word=word, **changes)


ROTATED = with_key(K2, ended(K1))
WAITING = replace(PINNED, successor=ROTATED.authority, asked=datetime(1970, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("held", "claim", "taken", "kept", "refused"),
    [
        pytest.param(PINNED, ROTATED, [ME], WAITING, False, id="a key that names the pinned one is asked about"),
        pytest.param(WAITING, ROTATED, [ME], WAITING, False, id="and is not asked about anew"),
        pytest.param(replace(WAITING, asked=NOW), ROTATED, [ME], replace(WAITING, asked=NOW), False, id="nor too soon"),
        pytest.param(WAITING, TN, [ME], replace(WAITING, successor=None), False, id="the hub takes it back"),
        pytest.param(PINNED, with_key(K2), [ME], PINNED, True, id="a lost key"),
        pytest.param(PINNED, with_key(K2, ended("zThird")), [ME], PINNED, True, id="another former key"),
        pytest.param(with_key(K2, ended(K1), word=Word.CONFIRMED), with_key(K1, ended(K2)), [ME],
                     with_key(K2, ended(K1), word=Word.CONFIRMED), True, id="a key that was given up"),
        pytest.param(PINNED, ROTATED, [ME, PINNED], WAITING, False, id="another hub still has the former one"),
        pytest.param(PINNED, ROTATED, [ME, replace(ROTATED, word=Word.CONFIRMED)], WAITING, False,
                     id="another hub has it already"),
        pytest.param(with_key(K2, ended(K1), word=Word.CONFIRMED), ROTATED, [ME, PINNED],
                     with_key(K2, ended(K1), word=Word.CONFIRMED), False, id="another hub is behind"),
    ],
)  # fmt: skip
def test_a_hub_that_states_a_new_key(held, claim, taken, kept, refused):
    found = members.claimed([held], [claim], taken)
    assert found == ((kept,), (TN.node,) if refused else ())


@pytest.mark.parametrize(
    ("held", "word", "key", "after"),
    [
        (Word.CONFIRMED, Word.CONFIRMED, K2, Word.CONFIRMED),
        (Word.CONFIRMED, Word.SILENT, K1, Word.CONFIRMED),
        (Word.CONFIRMED, Word.DISPUTED, K1, Word.CONFIRMED),
        (Word.SILENT, Word.CONFIRMED, K2, Word.CONFIRMED),
        (Word.SILENT, Word.SILENT, K1, Word.SILENT),
        (Word.SILENT, Word.DISPUTED, K1, Word.DISPUTED),
    ],
)
def test_the_nodes_own_word_decides_about_a_new_key(held, word, key, after):
    [found] = members.settled([replace(WAITING, word=held)], {TN.node: Answer(word, "TN")}, [ME], NOW)
    assert (found.authority.multikey, found.word, found.asked) == (key, after, NOW)
    assert [each.multikey for each in found.authority.former] == ([K1] if key == K2 else [])


def test_a_new_key_waits_to_be_asked_about():
    assert members.due([WAITING, PINNED], NOW) == [WAITING]
    assert members.due([replace(WAITING, asked=NOW)], NOW) == []
    assert members.due([replace(WAITING, asked=NOW - ASKED_AGAIN)], NOW) != []


def test_a_new_key_over_another_hub_is_not_believed_while_the_node_is_silent():
    """Otherwise whoever makes a host unreachable could bring any key over a second hub."""
    [found] = members.settled([ROTATED], {TN.node: Answer(Word.SILENT)}, [ME, PINNED], NOW)
    assert not found.pinned
    [found] = members.settled([ROTATED], {TN.node: Answer(Word.CONFIRMED)}, [ME, PINNED], NOW)
    assert found.pinned


def test_the_end_of_a_former_key_is_what_was_pinned_and_not_ahead():
    held = with_key(K1, ended("zOldest"), word=Word.CONFIRMED)
    later = ended("zOldest", NOW), ended(K1, NOW + timedelta(days=365))
    [waiting], _ = members.claimed([held], [with_key(K2, *later)], [ME])

    [found] = members.settled([waiting], {TN.node: Answer(Word.CONFIRMED)}, [ME], NOW)

    ends = {each.multikey: each.expires for each in found.authority.former}
    assert ends == {"zOldest": END, K1: NOW + CLOCK_TOLERANCE}


def test_a_former_key_is_given_up_for_every_hub():
    stale = {TN.node: TN.authority}
    third = with_key("zThird", ended(K1), ended(K2)).authority
    assert members.newest(stale, [ROTATED.authority, third])[TN.node] == third
    assert members.newest(stale, [third, ROTATED.authority])[TN.node] == third
    assert members.newest(stale, [with_key(K2).authority]) == stale
    assert members.newest({}, [third]) == {}


def test_only_what_a_node_of_these_countries_has_said_itself_is_sure():
    tn = replace(PINNED, country="TN")
    assert members.confirmed([tn], ["TN"]) == members.confirmed([tn], []) == {TN.node: TN.authority}
    assert members.confirmed([tn], ["DZ"]) == members.confirmed([replace(tn, word=Word.SILENT)], []) == {}


def test_a_person_reads_what_came_of_a_new_key():
    def told(word):
        answers = {TN.node: Answer(word)}
        [note] = vouching.notes([WAITING], members.settled([WAITING], answers, [ME], NOW), answers)
        return note

    assert "has a new key, as it says itself" in told(Word.CONFIRMED)
    assert "was not reached; the one that is pinned counts" in told(Word.SILENT)
    assert "if that key is lost" in told(Word.DISPUTED)
    assert list(vouching.notes([WAITING], [WAITING], {})) == []
