"""The reference LDES client replicates a node, in order, resumes where it stopped, and follows while others write."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from chm_node.catalogue import ChangeLog
from chm_node.database import open_database, reading
from chm_node.record import activity_iri

LAUNCHER = ("node", "node_modules/ldes-client/dist/bin/cli.js")


def _members(said: str) -> list[str]:
    """The activity of each member, in the order the client printed them."""
    return list(dict.fromkeys(re.findall(r"<([^>\s]*/act/\d{8}T\d{9}Z)>", said)))


def _replicate(run_client, node, folder) -> tuple[list[str], str]:
    said = run_client(*LAUNCHER, f"{node.url}feed", "-o", "ascending", "-s", str(folder))
    return _members(said), said


def test_it_receives_every_record_once_and_in_order(live_node, tmp_path, run_client):
    members, said = _replicate(run_client, live_node, tmp_path / "state")
    assert len(members) == 25
    assert members == sorted(members)
    assert "Atelier n° 7 sur les polluants" in said
    assert "ورشة عمل 7 حول الملوثات" in said


def test_it_resumes_with_exactly_what_changed(live_node, tmp_path, run_client):
    first, _ = _replicate(run_client, live_node, tmp_path / "state")
    again, _ = _replicate(run_client, live_node, tmp_path / "state")
    assert len(first) == 25
    assert again == []
    live_node.publish(
        live_node.record("document", "guide-9", title={"en": "A tenth guide"}),
        live_node.record("event", "workshop-0", title={"fr": "Atelier reporté"}, starts="2026-06-01"),
    )
    later, said = _replicate(run_client, live_node, tmp_path / "state")
    assert len(later) == 2
    assert "A tenth guide" in said
    assert "Atelier reporté" in said


WRITERS, WRITES, AT_FIRST = 8, 25, 25
#: What one of the processes does: publish its records, each in a transaction of its own.
WRITER = """
import sys
from datetime import UTC, datetime
from chm_node.database import open_database
from chm_node.publishing import identifier_of, publish, record_iri, with_defaults
from chm_node.record_types import RECORD_TYPES
from chm_node.settings import Settings
from chm_node.signing import load_signer

base_url, data_dir, writes, writer = sys.argv[1:]
settings = Settings.load(base_url=base_url, data_dir=data_dir, profile="demo")
signer = load_signer(settings.key_file, f"{settings.node_iri}#key")
engine = open_database(settings.database)
for number in range(int(writes)):
    iri = record_iri(settings, "news", identifier_of(settings, f"writer-{writer}-{number}"))
    values = with_defaults({"title": {"fr": f"Nouvelle {number} de {writer}"}}, settings)
    list(publish(engine, settings, signer, [RECORD_TYPES["news"].record(iri, values)], datetime.now(UTC)))
"""
#: The one line of a member that says when its activity was published.
PUBLISHED = re.compile(r"<([^>\s]*/act/[^>\s]*)> <https://www\.w3\.org/ns/activitystreams#published> ")


def test_it_follows_eight_processes_that_write_and_loses_doubles_and_swaps_nothing(live_node):
    command = [*LAUNCHER, f"{live_node.url}feed", "--follow", "-o", "ascending", "--poll-interval", "200"]
    with subprocess.Popen(command, cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True) as client:
        giving_up = threading.Timer(100, client.kill)
        giving_up.start()
        try:
            received = _received(client.stdout, AT_FIRST)
            _write_at_once(live_node.settings)
            # Whatever the client says twice, it says before a change that came later, which it can only see anew.
            for number in (1, 2):
                live_node.publish(live_node.record("news", f"last-{number}", title={"fr": f"Dernière {number}"}))
                log = _log(live_node)
                received += _received(client.stdout, len(log) - len(received), log[-1])
        finally:
            giving_up.cancel()
            client.kill()
    assert len(log) == AT_FIRST + WRITERS * WRITES + 2
    assert received == log


def _write_at_once(settings):
    given = (settings.base_url, str(settings.data_dir), str(WRITES))
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, *given, str(number)]) for number in range(WRITERS)]
    assert [writer.wait(timeout=90) for writer in writers] == [0] * WRITERS


def _received(said: Iterable[str], at_least: int, last: str = "") -> list[str]:
    """The activities that the client tells of, until it has told of so many, and of the last one."""
    found: list[str] = []
    for line in said:
        found += PUBLISHED.findall(line)
        if len(found) >= at_least and last in ("", *found):
            break
    return found


def _log(node) -> list[str]:
    """The activities of the node's log, in order."""
    engine = open_database(node.settings.database)
    with reading(engine) as connection:
        log = ChangeLog(connection).after(datetime(1970, 1, 2, tzinfo=UTC), 10_000)
    engine.dispose()
    return [activity_iri(node.url, each.log_time) for each in log]
