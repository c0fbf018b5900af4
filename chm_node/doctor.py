"""The doctor: numbered checks of a node, each OK, WARN or FAIL with one sentence and one thing to do.

Looks; repairs nothing, and never creates a database that is not there.
"""

import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import Connection, Engine, exists, func, select, text

from chm_node import disk, watermark
from chm_node.database import SCHEMA_REVISION, open_database, reading
from chm_node.errors import ChmError, FetchError, OutdatedLogError, SettingsError
from chm_node.http_client import FetchPolicy, HttpClient
from chm_node.keys import node_signer
from chm_node.proofs import fingerprint
from chm_node.record import from_milliseconds
from chm_node.search import index
from chm_node.settings import Settings, config_file
from chm_node.tables import change, log_head, membership, notification, quarantine, record, source, unknown_term

_LOW_BYTES = 1024**3
#: A source that was not reached for so many intervals is late.
_LATE_INTERVALS = 4
_SHOWN_TERMS = 10


class State(Enum):
    """How a check went; the value is the exit code it leads to."""

    OK = 0
    WARN = 1
    FAIL = 2


@dataclass(frozen=True)
class Check:
    """One thing looked at."""

    name: str
    state: State
    sentence: str
    fix: str = ""  #: a command, or what to do; empty when nothing is


def examine(now: datetime) -> list[Check]:
    """All checks, in order; without readable settings or database, those that need them are left out."""
    try:
        settings = Settings.load()
    except ChmError as error:
        return [Check("settings", State.FAIL, str(error), "Correct the setting named, then run chm doctor again.")]
    checks = [_settings(settings), _data_folder(settings), _disk_space(settings), _key(settings)]
    engine, found = _database(settings)
    checks += [found, *_secrecy(settings)]
    if engine is not None:
        checks += _held(engine, settings, now)
        engine.dispose()
    return [*checks, _address(settings)]


def exit_code(checks: Sequence[Check]) -> int:
    """0 all is well, 1 something needs attention, 2 something is broken."""
    return max((check.state.value for check in checks), default=0)


def _settings(settings: Settings) -> Check:
    place = config_file() or "the environment alone"
    if settings.profile == "demo":
        return Check("settings", State.WARN, f"The demo profile is on ({place}).", "Set profile to production.")
    if urlsplit(settings.base_url).scheme == "http":
        sentence = f"Read from {place}; base_url is not encrypted."
        return Check("settings", State.WARN, sentence, "Use a public https:// address.")
    return Check("settings", State.OK, f"Read from {place}.")


def _data_folder(settings: Settings) -> Check:
    folder = settings.data_dir
    if not folder.is_dir():
        return Check("data folder", State.FAIL, f"{folder} does not exist.", "Run chm init.")
    probe = folder / ".doctor"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        fix = f"Give the account that runs chm the right to write to {folder}."
        return Check("data folder", State.FAIL, f"{folder} cannot be written to: {error.strerror}.", fix)
    return Check("data folder", State.OK, f"{folder} can be written to.")


def _disk_space(settings: Settings) -> Check:
    free = disk.free_bytes(settings)
    fix = "Make room on the disk of the data folder and the database."
    if free < disk.LEAST_BYTES:
        sentence = f"{free / 1024**2:.0f} MB free, so nothing is harvested."
        return Check("disk space", State.FAIL, sentence, fix)
    state = State.OK if free >= _LOW_BYTES else State.WARN
    return Check("disk space", state, f"{free / 1024**3:.1f} GB free.", "" if state is State.OK else fix)


def _key(settings: Settings) -> Check:
    try:
        signer = node_signer(settings)
    except ChmError as error:
        open_ones = [str(each) for each in settings.data_dir.glob("signing-key*.pem") if _open_to_others(each)]
        fix = f"chmod 600 {' '.join(open_ones)}" if open_ones else "Put the key back, with all its files."
        return Check("signing key", State.FAIL, f"{error}.", fix)
    return Check("signing key", State.OK, f"Fingerprint {fingerprint(signer.multikey)}.")


def _open_to_others(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _database(settings: Settings) -> tuple[Engine | None, Check]:
    file = disk.database_file(settings)
    if file and not file.exists():
        return None, Check("database", State.FAIL, f"{file} does not exist.", "Run chm init.")
    try:
        engine = open_database(settings.database)
        with reading(engine) as connection:
            version, damage = _version_and_damage(connection)
            read_only = _is_read_only(connection)
    except ChmError as error:
        return None, Check("database", State.FAIL, f"{error}.", "Check database_url, and that the database runs.")
    if damage:
        return engine, Check("database", State.FAIL, f"{version} is damaged: {damage}.", "Restore the last backup.")
    if read_only:
        fix = "Check that database_url leads to the primary server, and default_transaction_read_only."
        return engine, Check("database", State.FAIL, f"{version} takes no changes: it is read-only.", fix)
    return engine, Check("database", State.OK, f"{version}, schema {SCHEMA_REVISION}, no damage found.")


def _secrecy(settings: Settings) -> Iterator[Check]:
    """Whether other accounts of this machine can read the database, with the secrets of subscribers in it."""
    file = disk.database_file(settings)
    if file is None or not file.exists():
        return
    if not (_open_to_others(file.parent) and _open_to_others(file)):
        yield Check("secrecy", State.OK, f"Only its owner can read {file}.")
        return
    fix = f"chmod 700 {file.parent}; chmod 600 {file}*"
    yield Check("secrecy", State.WARN, f"Other accounts of this machine can read {file}.", fix)


def _version_and_damage(connection: Connection) -> tuple[str, str]:
    if connection.dialect.name != "sqlite":
        return f"PostgreSQL {connection.execute(text('SHOW server_version')).scalar_one()}", ""
    version = connection.execute(text("SELECT sqlite_version()")).scalar_one()
    damage = connection.execute(text("PRAGMA quick_check(1)")).scalar_one()
    return f"SQLite {version}", "" if damage == "ok" else str(damage)


def _is_read_only(connection: Connection) -> bool:
    """Whether a server of PostgreSQL refuses every change, as a standby does."""
    if connection.dialect.name == "sqlite":
        return False
    return bool(connection.execute(text("SHOW transaction_read_only")).scalar_one() == "on")


def _held(engine: Engine, settings: Settings, now: datetime) -> Iterator[Check]:
    try:
        with reading(engine) as connection:
            yield _search_index(connection)
            yield _log(connection)
            yield _reached(engine, settings)
            yield _record_addresses(engine, settings)
            yield from _sources(connection, settings, now)
            yield from _requests(connection)
            yield from _memberships(connection)
            yield _unknown_terms(connection)
    except ChmError as error:
        yield Check("catalogue", State.FAIL, f"{error}.", "Restore the last backup.")


def _search_index(connection: Connection) -> Check:
    live = connection.execute(select(func.count()).where(~record.c.withdrawn)).scalar_one()
    indexed = index.size(connection)
    if live != indexed:
        sentence = f"{indexed} records are indexed, {live} are published."
        return Check("search index", State.FAIL, sentence, "chm export -o all.nq, then import it into a new node.")
    return Check("search index", State.OK, f"All {live} records are indexed.")


def _log(connection: Connection) -> Check:
    head = connection.execute(select(log_head)).one()
    rows, newest, latest = connection.execute(
        select(func.count(), func.coalesce(func.max(change.c.seq), 0), func.coalesce(func.max(change.c.log_time), 0))
    ).one()
    if (rows, newest) != (head.seq, head.seq) or latest > head.log_time:
        sentence = f"The log has {rows} changes up to number {newest}, its head says {head.seq}."
        return Check("change log", State.FAIL, sentence, "Restore the last backup.")
    return Check("change log", State.OK, f"{rows} changes, none missing.")


def _reached(engine: Engine, settings: Settings) -> Check:
    try:
        watermark.check(engine, settings)
    except OutdatedLogError as error:
        return Check("given out", State.FAIL, f"{error}.", "chm new-epoch, then chm recover HUB for each of your hubs.")
    return Check("given out", State.OK, "The database has everything that this node is known to have given out.")


def _record_addresses(engine: Engine, settings: Settings) -> Check:
    try:
        watermark.check_address(engine, settings)
    except SettingsError as error:
        fix = "Correct moved_from or base_url; chm serve does not start until then."
        return Check("record addresses", State.FAIL, f"{error}.", fix)
    return Check("record addresses", State.OK, f"This node's records are published under {settings.base_url}.")


def _sources(connection: Connection, settings: Settings, now: datetime) -> Iterator[Check]:
    waiting = (quarantine.c.source_id == source.c.id) & (quarantine.c.decision == "waiting")
    asks = exists().where(waiting, quarantine.c.kind.in_(("withdrawal", "equivocation")))
    statement = select(source.c.address, source.c.state, source.c.last_success, source.c.failures, asks)
    late = timedelta(minutes=settings.poll_minutes) * _LATE_INTERVALS
    for address, state, last_success, failures, held in connection.execute(statement.order_by(source.c.id)):
        name = f"source {address}"
        if state == "proposed":
            yield Check(name, State.WARN, "Waits for approval.", f"chm source approve {address}")
        elif state == "approved" and not last_success:
            yield Check(name, State.WARN, "Was never harvested.", f"chm harvest {address}")
        elif state == "approved" and (failures or now - from_milliseconds(last_success) > late):
            sentence = (
                f"Last harvested {from_milliseconds(last_success):%Y-%m-%d %H:%M} UTC, {failures} failures since."
            )
            yield Check(name, State.WARN, sentence, f"chm harvest {address}")
        elif state == "approved" and held:
            yield Check(name, State.WARN, "Changes wait for a person to decide.", "chm held")
        elif state == "approved":
            yield Check(name, State.OK, f"Last harvested {from_milliseconds(last_success):%Y-%m-%d %H:%M} UTC.")


def _requests(connection: Connection) -> Iterator[Check]:
    statement = select(notification.c.node).where(notification.c.state == "waiting").order_by(notification.c.received)
    for node in connection.execute(statement).scalars():
        yield Check(f"request {node}", State.WARN, "Asks to be harvested here.", "chm source list")


def _memberships(connection: Connection) -> Iterator[Check]:
    for each in connection.execute(select(membership).order_by(membership.c.asked)):
        name = f"hub {each.address}"
        if each.state == "accepted":
            yield Check(name, State.OK, "Harvests this node.")
        elif each.state == "asked":
            fix = f"Call its operator; then chm join {each.address} --status"
            yield Check(name, State.WARN, "Has not decided about this node yet.", fix)
        elif each.state in ("rejected", "refused"):
            fix = f"Mend it, then chm join {each.address}, or chm leave {each.address}"
            yield Check(name, State.WARN, f"Does not harvest this node: {each.summary}", fix)


def _unknown_terms(connection: Connection) -> Check:
    columns = (unknown_term.c.field, unknown_term.c.value)
    rows = connection.execute(select(*columns).distinct().order_by(*columns).limit(_SHOWN_TERMS + 1)).all()
    if not rows:
        return Check("unknown terms", State.OK, "Every term is in a vocabulary.")
    listed = "; ".join(f"{field}: {value}" for field, value in rows[:_SHOWN_TERMS])
    more = " and more" if len(rows) > _SHOWN_TERMS else ""
    fix = "Add them to a vocabulary of your own (vocabulary_dir), or tell their owner."
    return Check("unknown terms", State.WARN, f"In no vocabulary: {listed}{more}.", fix)


def _address(settings: Settings) -> Check:
    policy = FetchPolicy(allow_loopback=True, ca_file=settings.ca_file, proxy=settings.outbound_proxy)
    try:
        with HttpClient(policy) as client:
            answer = client.get(f"{settings.base_url}node", accept="application/n-triples")
    except FetchError as error:
        fix = "Start chm serve, and check that the address leads to this machine."
        return Check("public address", State.WARN, f"{settings.base_url}node does not answer: {error.reason}.", fix)
    if f"<{settings.node_iri}>".encode() not in answer.body:
        sentence = f"{settings.base_url}node answers, but it is not this node."
        return Check("public address", State.FAIL, sentence, "Correct base_url, or the web server in front.")
    return Check("public address", State.OK, f"{settings.base_url} answers.")
