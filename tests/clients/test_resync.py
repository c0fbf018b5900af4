"""The ResourceSync client ``resync-sync`` keeps a copy of a node: baseline, incremental, audit."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chm_node.database import open_database
from chm_node.publishing import with_defaults, withdraw
from chm_node.record import Tombstone
from chm_node.record_types import RECORD_TYPES

PROGRAM = Path(sys.executable).with_name("resync-sync")
HASHES = ("--hash", "sha-256")


@pytest.fixture
def resync(run_client, live_node, tmp_path):
    """Runs the client with its copy in a folder of the test; what it said."""
    copy = tmp_path / "copy"
    copy.mkdir()

    def run(*options):
        log = tmp_path / f"log{options[0]}"
        log.unlink(missing_ok=True)
        # In a folder of its own, because the client remembers there how far it has read.
        run_client(str(PROGRAM), *options, "--logger", "--logfile", log.name, f"{live_node.url}={copy}", cwd=tmp_path)
        return log.read_text()

    run.copy = copy
    return run


def _copies(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.nq")}


def _withdraw(node, iri):
    engine = open_database(node.settings.database)
    withdraw(engine, node.settings, node.signer, Tombstone(iri, "event"), datetime.now(UTC))
    engine.dispose()


def test_a_copy_is_made_followed_and_audited(live_node, resync):
    assert "does not match" not in resync("--baseline", *HASHES)
    copies = _copies(resync.copy)
    assert len(copies) == 25
    gone = live_node.record("event", "workshop-4", title={"fr": "x"}, starts="2026").iri
    changed = live_node.record("document", "guide-2", title={"en": "Guide 2, corrected"})
    live_node.publish(changed, live_node.record("news", "new", title={"en": "News"}))
    _withdraw(live_node, gone)

    audit = resync("--audit", *HASHES)
    resync("--incremental", "--delete")  # which the client cannot do with hashes

    assert "NOT IN SYNC (same=23, to create=1, to update=1, to delete=1)" in audit
    after = _copies(resync.copy)
    assert len(after) == 25
    assert Path(gone.removeprefix(live_node.url) + ".nq") not in after
    assert b"Guide 2, corrected" in after[Path(changed.iri.removeprefix(live_node.url) + ".nq")]
    assert "  IN SYNC (same=25," in resync("--audit", *HASHES)


def test_a_copy_that_is_followed_loses_what_was_withdrawn_and_regains_what_came_back(live_node, resync):
    resync("--baseline", *HASHES)
    back = live_node.record("event", "workshop-4", title={"fr": "Atelier n° 4, à nouveau"}, starts="2026-06-01")
    place = Path(back.iri.removeprefix(live_node.url) + ".nq")
    _withdraw(live_node, back.iri)
    assert "Will apply 2 changes, and delete 1 resources" in resync("--incremental", "--delete")
    without = _copies(resync.copy)
    assert place not in without

    resync("--incremental", "--delete")
    assert _copies(resync.copy) == without

    live_node.publish(back)
    assert "created=0, updated=1, deleted=0" in resync("--incremental", "--delete")
    assert "Atelier n° 4, à nouveau".encode() in _copies(resync.copy)[place]
    assert "  IN SYNC (same=25," in resync("--audit", *HASHES)


def test_records_with_addresses_in_any_script_are_copied(live_node, resync):
    iris = [f"{live_node.settings.uri_space}event/{name}" for name in ("été", "ورشة-2026")]
    values = with_defaults({"title": {"fr": "Atelier"}, "starts": "2026-06-21"}, live_node.settings)
    live_node.publish(*(RECORD_TYPES["event"].record(iri, values) for iri in iris))
    assert "does not match" not in resync("--baseline", *HASHES)
    copies = b"".join(_copies(resync.copy).values())
    assert all(f"<{iri}>".encode() in copies for iri in iris)


def test_an_audit_finds_what_was_damaged_or_lost_in_the_copy_and_a_baseline_heals_it(live_node, resync):
    resync("--baseline", *HASHES)
    damaged, lost, *_ = sorted(resync.copy.rglob("*.nq"))
    damaged.write_bytes(damaged.read_bytes().replace(b"Atelier", b"ateliers"))
    lost.unlink()
    assert "NOT IN SYNC (same=23, to create=1, to update=1, to delete=0)" in resync("--audit", *HASHES)
    resync("--baseline", *HASHES)
    assert "  IN SYNC (same=25," in resync("--audit", *HASHES)
