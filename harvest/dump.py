"""A peer's dump, for its first harvest: whether to take it, and how it becomes pages.

Nothing of it is read before its digest is checked. Then each stretch goes the way of a page of the log: the same
children, the same rules, the same proofs. A dump is only a faster way to the same log.
"""

import gzip
import hashlib
import re
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from chm_node.digests import stated_sha_256
from chm_node.errors import ParseError
from chm_node.foreign import MAX_LINE_BYTES
from chm_node.namespaces import TREE
from harvest.description import Description, DumpLink
from harvest.page import MAX_PAGE_BYTES
from harvest.sources import Source
from harvest.visit import Document, Seen, Visit

#: A smaller peer's log is read in less time than it takes to fetch and check a dump.
FEWEST_RECORDS = 5000
#: An older one says that nobody looks after the dumps.
MAX_AGE = timedelta(days=30)
MAX_BYTES = 2 * 1024**3
MAX_TEXT_BYTES = 16 * 1024**3  # decompressed
#: Shorter than a lease, which is not renewed meanwhile.
DEADLINE = timedelta(minutes=10)
#: Members in one stretch, as on a page of the log.
STRETCH = 200
_STRETCH_BYTES = MAX_PAGE_BYTES - 1024 * 1024
_MEMBER = re.compile(rb"<[^>]*> <" + re.escape(TREE.member).encode() + rb"> <[^>]*> \.\r?\n")
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def worthwhile(source: Source, found: Description, now: datetime) -> DumpLink | None:
    """The dump to begin with; None when the peer has none, is small, or was harvested before."""
    if source.cursor > _NEVER or found.records <= FEWEST_RECORDS or found.dump is None:
        return None
    return found.dump if found.dump.modified > now - MAX_AGE else None


@contextmanager
def fetched(visit: Visit, link: DumpLink, folder: Path, room: int) -> Iterator[Iterator[Document]]:
    """The dump in stretches that can be read as pages of the log, from a temporary file in ``folder``.

    ``room`` is how many bytes the file may have there. Raises FetchError, or ParseError when the bytes are not what the
    peer announced.
    """
    if not visit.is_own(link.address):
        raise ParseError(f"{link.address} is not on the peer's own host")
    with tempfile.TemporaryFile(dir=folder) as file:
        answer = visit.save(link.address, file, "application/gzip", min(MAX_BYTES, room), DEADLINE)
        _check(link, file, answer.headers.get("repr-digest", ""))
        yield _documents(link, file)


def reached(link: DumpLink, newest: datetime | None) -> datetime:
    """The log timestamp from which the log is to be read; raises ParseError for a dump that states none.

    What the dump holds counts, not what is said of it: a cache on the way may have given out an older one.
    """
    if newest is None:
        raise ParseError(f"{link.address} holds no dated change")
    return min(newest, link.modified)


def _check(link: DumpLink, file: BinaryIO, stated: str) -> None:
    expected = stated_sha_256(stated)
    if expected is None:
        raise ParseError(f"{link.address} comes without a SHA-256 digest (Repr-Digest), so it cannot be checked")
    file.seek(0)
    found = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]  # the stubs know no readinto of a BinaryIO
    if found.digest() != expected:
        raise ParseError(f"{link.address} is not what its digest says; it was damaged on the way")
    file.seek(0)


def _documents(link: DumpLink, file: BinaryIO) -> Iterator[Document]:
    for data in _stretches(link, file):
        yield Document(link.address, link.address, data, "application/n-quads", Seen("", ""))


def _stretches(link: DumpLink, file: BinaryIO) -> Iterator[bytes]:
    lines: list[bytes] = []
    members = size = 0
    for line in _lines(link, file):
        begins = _MEMBER.fullmatch(line) is not None
        if begins and (members == STRETCH or size > _STRETCH_BYTES):
            yield b"".join(lines)
            lines, members, size = [], 0, 0
        lines.append(line)
        members, size = members + begins, size + len(line)
        if size > MAX_PAGE_BYTES:
            raise ParseError(f"{link.address} has a change that is larger than a page may be")
    if lines:
        yield b"".join(lines)


def _lines(link: DumpLink, file: BinaryIO) -> Iterator[bytes]:
    room = MAX_TEXT_BYTES
    try:
        with gzip.GzipFile(fileobj=file) as text:
            while line := text.readline(MAX_LINE_BYTES + 2):
                room -= len(line)
                if room < 0 or not line.endswith(b"\n"):
                    raise ParseError(f"{link.address} has a line, or a whole, that is too large to be honest")
                yield line
    except (EOFError, OSError, zlib.error) as error:
        raise ParseError(f"{link.address} is no whole gzip file: {error}") from error
