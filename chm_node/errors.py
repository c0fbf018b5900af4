"""Every error the node raises on purpose.

ChmError
├── SettingsError              the configuration is wrong; the node does not start
├── InvalidRecordError         values break the record type's rules: .problems
├── RecordNotFoundError
├── RecordWithdrawnError       .withdrawn_at, .replaced_by, .reason
├── UnknownTermError           not a term of that vocabulary
├── BadQueryError              an address asks for what does not exist: .parameter, .suggestions
├── NotAcceptableError         no format for this Accept header
├── ConflictError              somebody else changed it meanwhile
├── MalformedQueryError        not SPARQL, or SPARQL that is refused
├── QueryStoppedError          the query used more time or memory than it may
├── QueriesBusyError           no query can be answered now: .retry_after
│   └── BudgetSpentError       this client has used up its share
├── TooManyRequestsError       more was asked than anybody gets: .retry_after
├── RefusedNotificationError   a notification for the inbox that is not taken: .code
├── StorageError               the database failed; cause attached
├── BackupError                a backup cannot be written, or is not one
├── OutdatedLogError           the database is older than what was given out: .stands, .reached
├── LeaseLostError             another run harvests the source by now
└── HarvestError               one source could not be harvested; stored in its run
    ├── FetchError             no answer, an error status, a forbidden address: .retry_after
    ├── ParseError             not what its media type promised
    │   ├── TooLargeError      more than is read at once
    │   └── ReaderDiedError    the child that read it had to be ended: .reason
    └── ImplausibleHarvestError   the peer's list lacks too much at once

Anything else that is raised is a bug and is reported as one. HTTP status codes belong to ``web``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType


class ChmError(Exception):
    """Something a caller can explain to a person."""


class SettingsError(ChmError):
    """A setting is missing or wrong; the message names it."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one field; ``language`` is empty for values without one."""

    field: str
    message: str
    language: str = ""

    def __str__(self) -> str:
        where = f"{self.field} ({self.language})" if self.language else self.field
        return f"{where}: {self.message}"


class InvalidRecordError(ChmError):
    """The values break the record type's rules; every problem is listed at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in problems))


class RecordNotFoundError(ChmError):
    """No record has this IRI."""

    def __init__(self, iri: str) -> None:
        self.iri = iri
        super().__init__(f"there is no record {iri}")


class RecordWithdrawnError(ChmError):
    """The record was withdrawn; a tombstone is all that is left."""

    def __init__(
        self,
        iri: str,
        withdrawn_at: datetime,
        replaced_by: str | None = None,
        reason: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.iri = iri
        self.withdrawn_at = withdrawn_at
        self.replaced_by = replaced_by
        self.reason = reason  #: language to sentence, in the words of its owner
        super().__init__(f"{iri} was withdrawn on {withdrawn_at:%Y-%m-%d}")


class UnknownTermError(ChmError):
    """The text names no term of that vocabulary."""

    def __init__(self, scheme: str, text: str) -> None:
        self.scheme = scheme
        self.text = text
        super().__init__(f"{text!r} is not a term of {scheme}")


class BadQueryError(ChmError):
    """An address asks for something that does not exist; names the parameter and what may be meant."""

    def __init__(self, parameter: str, message: str, suggestions: Sequence[str] = ()) -> None:
        self.parameter = parameter
        self.suggestions = tuple(suggestions)
        hint = f"; perhaps {', '.join(suggestions)}?" if suggestions else ""
        super().__init__(f"{parameter}: {message}{hint}")


class NotAcceptableError(ChmError):
    """None of the formats we write is accepted (RFC 9110 §15.5.7)."""


class ConflictError(ChmError):
    """Somebody else changed the record meanwhile; read it again and repeat."""


class MalformedQueryError(ChmError):
    """The query is not SPARQL, or asks for what is refused; the message is for the one who wrote it."""


class QueryStoppedError(ChmError):
    """The query used more time or memory than it may; asking again will not help."""


class QueriesBusyError(ChmError):
    """No query can be answered now."""

    def __init__(self, reason: str, retry_after: int) -> None:
        self.retry_after = retry_after  #: seconds
        super().__init__(f"{reason}; ask again in {retry_after} seconds")


class BudgetSpentError(QueriesBusyError):
    """This client has used up its share of computing."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("your queries have used up the computing time of this minute", retry_after)


class TooManyRequestsError(ChmError):
    """More was asked than anybody gets."""

    def __init__(self, reason: str, retry_after: timedelta) -> None:
        self.retry_after = math.ceil(retry_after.total_seconds())  #: seconds
        super().__init__(f"{reason}; ask again in {self.retry_after} seconds")


class RefusedNotificationError(ChmError):
    """A notification that the inbox does not take."""

    def __init__(self, code: str, seen: str = "") -> None:
        self.code = code  #: name of the problem type, one of ``harvest.joining.refusals``
        self.seen = seen  #: what shows it, for the one who wrote the sender
        super().__init__(f"{code}: {seen}" if seen else code)


class StorageError(ChmError):
    """The database or the disk failed; the cause is attached."""


class BackupError(ChmError):
    """A backup cannot be written, or a file is no backup that can be restored here."""


class OutdatedLogError(ChmError):
    """The database is older than what this node has given out: somebody restored it."""

    def __init__(self, stands: datetime, reached: datetime) -> None:
        self.stands = stands
        self.reached = reached
        super().__init__(
            f"the database ends at {stands:%Y-%m-%d %H:%M:%S} UTC, and the node has given out changes until "
            f"{reached:%Y-%m-%d %H:%M:%S} UTC. If it was restored from a backup, or begun anew: chm new-epoch"
        )


class LeaseLostError(ChmError):
    """Another run holds the lease of a source by now, so this one writes nothing more and ends."""

    def __init__(self, node: str) -> None:
        self.node = node
        super().__init__(f"another run harvests {node} by now")


class HarvestError(ChmError):
    """One source could not be harvested; stored in its run."""


class FetchError(HarvestError):
    """A peer gave no usable answer: no connection, an error status, or an address we never ask."""

    def __init__(
        self, url: str, reason: str, *, status: int | None = None, retry_after: timedelta = timedelta(0)
    ) -> None:
        self.url = url
        self.reason = reason
        self.status = status
        self.retry_after = retry_after
        super().__init__(f"{url}: {reason}")


class ParseError(HarvestError):
    """A document is not what its media type promised; the message says what to do."""


class TooLargeError(ParseError):
    """A document has more bytes or statements than are read at once."""


class ReaderDiedError(ParseError):
    """The child that read a document broke down or was ended; ``reason`` says over what.

    ``broke_down`` says that it ended by itself or was killed, rather than for the time it took; ``killed`` that
    somebody outside ended it, such as a machine that had no memory left.
    """

    def __init__(self, reason: str, *, broke_down: bool = False, killed: bool = False) -> None:
        self.reason = reason
        self.broke_down = broke_down
        self.killed = killed
        super().__init__(f"the document {reason}; it was refused, its sender should split or repair it")


class ImplausibleHarvestError(HarvestError):
    """More is gone from a peer's list than is looked into without a person being asked."""
