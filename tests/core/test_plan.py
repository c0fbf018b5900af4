"""The changes that make held records equal to offered ones."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chm_node.record import Action, Entry
from harvest.plan import Guard, Judged, plan, without
from harvest.trust import HeldVersion, Offer, Verdict

T0 = datetime(2026, 11, 22, tzinfo=UTC)
NOW = T0 + timedelta(hours=1)
ENTRY = Entry("event", {"en": "Workshop"}, {}, ())


def offer(iri="a", version=1, digest="", action=Action.UPDATE, verdict=Verdict.ACCEPTED):
    at = T0 + timedelta(seconds=version)
    found = Offer(f"act/{iri}/{version}", action, iri, "node", at, digest=digest or f"{iri}{version}")
    return Judged(found, verdict, ENTRY)


def held(version=1, digest="", withdrawn=False, iri="a"):
    return {iri: HeldVersion(T0 + timedelta(seconds=version), digest or f"{iri}{version}", withdrawn)}


def actions(made):
    return [each.action for each in made.changes]


CASES = [
    ("new", {}, offer(), [Action.CREATE], Verdict.ACCEPTED),
    ("newer", held(1), offer(version=2), [Action.UPDATE], Verdict.ACCEPTED),
    ("the same", held(1), offer(version=1), [], Verdict.UNCHANGED),
    ("older", held(2), offer(version=1), [], Verdict.STALE),
    ("two texts as one version", held(1), offer(version=1, digest="other"), [], Verdict.EQUIVOCATION),
    ("withdrawn", held(1), offer(version=2, action=Action.DELETE), [Action.DELETE], Verdict.ACCEPTED),
    ("withdrawn before it was ever here", {}, offer(action=Action.DELETE), [Action.DELETE], Verdict.ACCEPTED),
    ("an old version of what was withdrawn", held(2, withdrawn=True), offer(version=1), [], Verdict.STALE),
    ("published again", held(1, withdrawn=True), offer(version=2), [Action.UPDATE], Verdict.ACCEPTED),
    ("ten minutes early", held(1), offer(version=3600 + 600), [Action.UPDATE], Verdict.ACCEPTED),
    ("more than ten minutes early", held(1), offer(version=3600 + 601), [], Verdict.FUTURE),
    ("early when it was read", held(1), offer(version=2, verdict=Verdict.FUTURE), [Action.UPDATE], Verdict.ACCEPTED),
    ("early, and accepted by a person", held(9999), offer(version=9999), [], Verdict.UNCHANGED),
    ("refused already", {}, offer(verdict=Verdict.BAD_PROOF), [], Verdict.BAD_PROOF),
]


@pytest.mark.parametrize(
    ("held", "offered", "made", "verdict"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_the_version_rule(held, offered, made, verdict):
    found = plan(held, [offered], NOW)
    assert (actions(found), [each.verdict for each in found.judged]) == (made, [verdict])


def test_absence_is_never_a_deletion():
    assert plan({f"{n}": HeldVersion(T0, "", False) for n in range(100)}, [], NOW).changes == ()


def test_of_several_versions_on_one_page_the_newest_is_one_change():
    found = plan({}, [offer(version=1), offer(version=3), offer(version=2)], NOW)

    assert [each.judged.offer.version for each in found.changes] == [T0 + timedelta(seconds=3)]
    assert actions(found) == [Action.CREATE]
    assert [each.verdict for each in found.judged] == [Verdict.ACCEPTED, Verdict.ACCEPTED, Verdict.STALE]


def test_only_live_records_count_as_withdrawn():
    known = held(1, iri="live") | held(1, withdrawn=True, iri="gone")
    offered = [offer(iri, 2, action=Action.DELETE) for iri in ("live", "gone", "never here")]

    assert plan(known, offered, NOW).withdrawals == 1


def test_a_record_withdrawn_and_published_again_on_one_page_is_not_withdrawn():
    assert plan(held(1), [offer(version=2, action=Action.DELETE), offer(version=3)], NOW).withdrawals == 0


@pytest.mark.parametrize(
    ("held", "before", "more", "plausible"),
    [
        (6, 0, 5, True),  # never fewer than five
        (6, 0, 6, False),
        (100, 0, 10, True),
        (100, 0, 11, False),
        (1000, 60, 40, True),  # what earlier pages withdrew counts
        (1000, 60, 41, False),
        (1000, 500, 0, True),  # a page that withdraws nothing is always welcome
    ],
)
def test_the_withdrawal_guard(held, before, more, plausible):
    assert Guard(held, before, max_share=0.1).stops(more) is not plausible


def test_withdrawals_that_are_left_for_a_person_leave_the_rest_of_the_page():
    known = held(iri="a") | held(iri="b") | held(iri="c")
    page = [
        offer("a", 2), offer("a", 3, action=Action.DELETE), offer("b", 2, action=Action.DELETE), offer("c", 2),
    ]  # fmt: skip
    going = plan(known, page, NOW).going

    found = plan(known, without(going, page), NOW)

    assert [each.iri for each in going] == ["a", "b"]
    assert [(each.judged.offer.iri, each.action) for each in found.changes] == [
        ("a", Action.UPDATE), ("c", Action.UPDATE),
    ]  # fmt: skip
    assert [each.verdict for each in found.judged] == [
        Verdict.ACCEPTED, Verdict.WITHDRAWAL_HELD, Verdict.WITHDRAWAL_HELD, Verdict.ACCEPTED,
    ]  # fmt: skip
    assert found.going == ()


offers = st.lists(
    st.builds(offer, st.sampled_from("abc"), st.integers(1, 5), action=st.sampled_from([Action.UPDATE, Action.DELETE]))
)


@given(offers)
def test_a_record_changes_at_most_once_and_never_goes_back(offered):
    found = plan({}, offered, NOW)
    newest = {
        each.offer.iri: max(e.offer.version for e in offered if e.offer.iri == each.offer.iri) for each in offered
    }

    assert {each.judged.offer.iri: each.judged.offer.version for each in found.changes} == newest
    assert len(found.judged) == len(offered)


@given(offers)
def test_offering_the_same_again_changes_nothing(offered):
    first = plan({}, offered, NOW)
    known = {
        each.judged.offer.iri: HeldVersion(
            each.judged.offer.version, each.judged.offer.digest, each.action is Action.DELETE
        )
        for each in first.changes
    }
    assert plan(known, offered, NOW).changes == ()
