"""Rendered answers, kept in front of Flask while the log stands still.

A request for something kept costs one look at the log's head and no Flask: a 304, or the bytes,
compressed when the reader takes that. After a change in the log the view is asked once, with the
kept ETag as condition; if the listing is what it was, the kept bytes serve on. Views say which
answers follow from the log alone (``conditional.answer``); nothing else is kept.
"""

import gzip
import hashlib
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.http import parse_date

from chm_node.digests import CONTENT_DIGEST, digest_field
from chm_node.web.conditional import FOLLOWS_LOG

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

KEPT_BYTES = 64 * 1024 * 1024
#: One kept answer may take this part of the whole; a larger one is rendered each time.
_LARGEST_SHARE = 8
_WORTH_COMPRESSING = 512
_COMPRESSIBLE = ("text/", "application/")
#: What a 304 repeats (RFC 9110 §15.4.5).
_ON_NOT_MODIFIED = {"cache-control", "content-location", "etag", "last-modified", "link", "vary"}
#: An address somebody made long, or a header, is no reason to keep an answer under it.
_LONGEST_KEY = 1024
_OVERHEAD_BYTES = 4096  # of the key, the headers and the bookkeeping of one answer, at most

Headers = list[tuple[str, str]]
#: Address, host and the request headers the answer varies by.
Key = tuple[str, ...]


@dataclass(frozen=True)
class _Variant:
    """An answer in one content coding, ready to be sent."""

    tag: str
    headers: Headers
    short_headers: Headers  #: for a 304
    body: bytes | None  #: None as long as only 304 was ever answered


@dataclass(frozen=True)
class _Kept:
    """An answer, and the state of the log it was checked against."""

    head: object
    status: str
    plain: _Variant
    zipped: _Variant | None

    @property
    def size(self) -> int:
        bodies = [each.body for each in (self.plain, self.zipped) if each and each.body]
        return sum(map(len, bodies)) + _OVERHEAD_BYTES


class Shelf:
    """Kept answers, the longest unused thrown away first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._varying: dict[str, tuple[str, ...]] = {}
        self._size = 0

    def key(self, address: str, environ: Mapping[str, Any]) -> Key:
        """Under which an answer to this request is kept; what it varies by is known from an earlier one."""
        return (address, *(environ.get(name, "") for name in self._varying.get(address, ())))

    def find(self, key: Key) -> _Kept | None:
        kept = self._kept.get(key)
        if kept is not None:
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
        return kept

    def put(self, address: str, environ: Mapping[str, Any], varying: Sequence[str], kept: _Kept) -> None:
        key = (address, *(environ.get(name, "") for name in varying))
        if kept.size > self._limit // _LARGEST_SHARE or sum(map(len, key)) > _LONGEST_KEY:
            return
        with self._lock:
            self._varying[address] = tuple(varying)
            self._take(key)
            self._kept[key] = kept
            self._size += kept.size
            while self._size > self._limit:
                self._take(next(iter(self._kept)))
            if len(self._varying) > 2 * len(self._kept) + 64:
                self._varying = {each[0]: self._varying[each[0]] for each in self._kept if each[0] in self._varying}

    def _take(self, key: Key) -> None:
        if (old := self._kept.pop(key, None)) is not None:
            self._size -= old.size


class Kept:
    """WSGI middleware; ``head`` tells where the log stands, None when it cannot."""

    def __init__(self, app: "WSGIApplication", head: Callable[[], object], limit: int = KEPT_BYTES) -> None:
        self._app = app
        self._head = head
        self._shelf = Shelf(limit)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self._app(environ, start_response)
        if condition := environ.get("HTTP_IF_MATCH"):  # rare, and the view's own business
            return self._app({**environ, "HTTP_IF_MATCH": _plain_tags(condition)}, start_response)
        address = f"{environ.get('HTTP_HOST', '')}{environ.get('PATH_INFO', '')}?{environ.get('QUERY_STRING', '')}"
        # Before the view reads, so that what is kept is never older than the state it is kept under.
        head = self._head()
        kept = self._shelf.find(self._shelf.key(address, environ))
        if kept is not None and head is not None and kept.head == head and _suffices(kept, environ):
            return _send(kept, environ, start_response)
        return self._ask(address, head, kept, environ, start_response)

    def _ask(
        self,
        address: str,
        head: object,
        kept: _Kept | None,
        environ: "WSGIEnvironment",
        start_response: "StartResponse",
    ) -> Iterable[bytes]:
        asked = dict(environ)
        if head is None:
            kept = None  # nothing kept is trusted then
        if kept is not None and kept.plain.body is not None:
            asked["HTTP_IF_NONE_MATCH"] = kept.plain.tag
        elif kept is not None and kept.head == head:
            asked.pop("HTTP_IF_NONE_MATCH", None)
            asked.pop("HTTP_IF_MODIFIED_SINCE", None)
        elif condition := environ.get("HTTP_IF_NONE_MATCH"):
            asked["HTTP_IF_NONE_MATCH"] = _plain_tags(condition)
        asked["REQUEST_METHOD"] = "GET"
        status, headers, chunks = _answered(self._app, asked)
        if head is None or not asked.get(FOLLOWS_LOG) or not status.startswith(("200", "304", "410")):
            return _pass_on(status, headers, chunks, environ, start_response)
        body = _joined(chunks)
        if kept is not None and kept.plain.body is not None and status.startswith("304"):
            fresh = replace(kept, head=head)
        else:
            fresh = _made(head, status, headers, body)
        self._shelf.put(address, environ, _varying(headers), fresh)
        return _send(fresh, environ, start_response)


def log_head_reader(engine: Engine) -> Callable[[], object]:
    """Where the log stands, for a few microseconds: idle connections are handed from one request to the next."""
    # Never one a thread: a connection that dies with its thread takes the process with it.
    idle: deque[_Look] = deque()

    def read() -> object:
        try:
            look = idle.pop()
        except IndexError:
            look = None
        try:
            look = look or _Look(engine)
            rows = look.rows()
        except (SQLAlchemyError, engine.dialect.loaded_dbapi.Error):
            # Nothing kept is trusted then; the view asks the database itself and says what is wrong.
            return None
        idle.append(look)
        return rows

    return read


class _Look:
    """A connection out of the engine's pool for good, for one request at a time."""

    def __init__(self, engine: Engine) -> None:
        pooled = engine.raw_connection()
        driver: Any = pooled.driver_connection
        pooled.detach()
        weakref.finalize(self, driver.close)
        if hasattr(driver, "autocommit"):
            driver.autocommit = True  # PostgreSQL; else the first look would be the only fresh one
        self._pooled = pooled  # which would close the connection if it were forgotten
        self._cursor = driver.cursor()

    def rows(self) -> object:
        self._cursor.execute("SELECT log_time, epoch FROM log_head")
        # All rows, though there is one: a statement that is not read to its end pins SQLite's WAL.
        return self._cursor.fetchall()


def _answered(app: "WSGIApplication", environ: "WSGIEnvironment") -> tuple[str, Headers, Iterable[bytes]]:
    answered: list[Any] = []

    def started(status: str, headers: Headers, _error: Any = None) -> Callable[[bytes], object]:
        answered[:] = [status, headers]
        return _no_write

    chunks = app(environ, started)
    status, headers = answered  # Flask starts its answer before it returns
    return status, headers, chunks


def _no_write(_data: bytes) -> object:
    raise NotImplementedError("the write callable of WSGI is for old frameworks")


def _joined(chunks: Iterable[bytes]) -> bytes:
    try:
        return b"".join(chunks)
    finally:
        _close(chunks)


def _close(chunks: Iterable[bytes]) -> None:
    if (close := getattr(chunks, "close", None)) is not None:
        close()


def _pass_on(
    status: str, headers: Headers, chunks: Iterable[bytes], environ: Mapping[str, Any], start_response: "StartResponse"
) -> Iterable[bytes]:
    if environ["REQUEST_METHOD"] == "HEAD":
        _close(chunks)
        return _without_content(status, headers, start_response)
    start_response(status, headers)
    return chunks


def _made(head: object, status: str, headers: Headers, body: bytes) -> _Kept:
    """What is kept of an answer; of a 304, only that it would be one."""
    others = [(name, value) for name, value in headers if name.lower() not in ("content-length", "vary", "etag")]
    tag = _header(headers, "etag")
    vary = ", ".join(filter(None, (_header(headers, "vary"), "Accept-Encoding")))
    others.append(("Vary", vary))
    if status.startswith("304"):
        plain = _variant(others, tag, None)
        return _Kept(head, "200 OK", plain, _variant(others, _zipped_tag(tag), None))
    plain = _variant(others, tag, body)
    content_type = _header(headers, "content-type")
    if len(body) < _WORTH_COMPRESSING or not content_type.startswith(_COMPRESSIBLE):
        return _Kept(head, status, plain, None)
    # Level 3 takes less than half the time of 6 on a page of the log, and leaves it a sixth larger.
    zipped = gzip.compress(body, compresslevel=3, mtime=0)
    return _Kept(head, status, plain, _variant([*others, ("Content-Encoding", "gzip")], _zipped_tag(tag), zipped))


def _variant(headers: Headers, tag: str, body: bytes | None) -> _Variant:
    full = [*headers, ("ETag", tag)]
    short = [(name, value) for name, value in full if name.lower() in _ON_NOT_MODIFIED]
    if body is not None:
        full += [("Content-Length", str(len(body))), (CONTENT_DIGEST, digest_field(hashlib.sha256(body).digest()))]
    return _Variant(tag, full, short, body)


def _zipped_tag(tag: str) -> str:
    """A strong ETag belongs to the bytes sent, so each coding has its own (RFC 9110 §8.8.3.3)."""
    return f'{tag[:-1]}-gz"'


def _plain_tags(condition: str) -> str:
    """Conditions as the view knows them, which compresses nothing."""
    return condition.replace('-gz"', '"')


def _suffices(kept: _Kept, environ: Mapping[str, Any]) -> bool:
    return kept.plain.body is not None or _reader_has(kept, environ)


def _send(kept: _Kept, environ: Mapping[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
    variant = kept.zipped if kept.zipped and _takes_gzip(environ) else kept.plain
    # Without a body, the view itself answered 304 to this request.
    if variant.body is None or _reader_has(kept, environ):
        start_response("304 NOT MODIFIED", list(variant.short_headers))
        return ()
    if environ["REQUEST_METHOD"] == "HEAD":
        return _without_content(kept.status, variant.headers, start_response)
    start_response(kept.status, list(variant.headers))
    return (variant.body,)


def _without_content(status: str, headers: Headers, start_response: "StartResponse") -> Iterable[bytes]:
    """The answer to HEAD: what is not sent has no digest (RFC 9530 §2)."""
    start_response(status, [(name, value) for name, value in headers if name != CONTENT_DIGEST])
    return ()


def _reader_has(kept: _Kept, environ: Mapping[str, Any]) -> bool:
    if not kept.status.startswith("200"):
        return False
    if (condition := environ.get("HTTP_IF_NONE_MATCH")) is not None:
        given = {tag.strip().removeprefix("W/") for tag in condition.split(",")}
        tags = {kept.plain.tag, _zipped_tag(kept.plain.tag), "*"}
        return not given.isdisjoint(tags)
    since = parse_date(environ.get("HTTP_IF_MODIFIED_SINCE"))
    modified = parse_date(_header(kept.plain.headers, "last-modified"))
    return since is not None and modified is not None and since >= modified


def _takes_gzip(environ: Mapping[str, Any]) -> bool:
    for coding in environ.get("HTTP_ACCEPT_ENCODING", "").lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _varying(headers: Headers) -> list[str]:
    """The WSGI names of the request headers an answer varies by; the coding is chosen when it is sent."""
    names = [name.strip() for name in _header(headers, "vary").split(",") if name.strip()]
    return [f"HTTP_{name.upper().replace('-', '_')}" for name in names if name.lower() != "accept-encoding"]


def _header(headers: Headers, wanted: str) -> str:
    return next((value for name, value in headers if name.lower() == wanted), "")
