"""What can happen to an answer between a peer and its hub; each as a fault of ``bench.proxy``."""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

from bench.proxy import Answer, Exchange, Fault, Sent

_PIECES, _PAUSE = 20, 0.01
_TYPES = ("text/html; charset=utf-8", "application/json", "text/turtle", "application/octet-stream")


def _with_body(spoil: Callable[[Answer, Random], Sent]) -> Fault:
    """A fault of answers that have a body to spoil."""

    def fault(exchange: Exchange, dice: Random) -> Sent | None:
        return spoil(exchange.answer, dice) if exchange.answer.body else None

    return fault


def _cut(exchange: Exchange, dice: Random) -> Sent:
    raw = exchange.answer.wire()
    return Sent(raw[: dice.randrange(len(raw))], closes=True)


def _throttled(exchange: Exchange, _dice: Random) -> Sent:
    return Sent(exchange.answer.wire(), pieces=_PIECES, pause=_PAUSE)


def _short(answer: Answer, dice: Random) -> Sent:
    return Sent(replace(answer, body=answer.body[: dice.randrange(len(answer.body))]).wire())


def _short_decoded(answer: Answer, dice: Random) -> Sent:
    text = _decoded(answer)
    lines = text.splitlines(keepends=True)
    return Sent(_encoded(answer, b"".join(lines[: dice.randrange(len(lines))])).wire())


def _shorter_than_said(answer: Answer, dice: Random) -> Sent:
    short = replace(answer, body=answer.body[: dice.randrange(len(answer.body))])
    return Sent(short.wire(len(answer.body)), closes=True)


def _longer_than_said(answer: Answer, dice: Random) -> Sent:
    return Sent(answer.wire(dice.randrange(len(answer.body))))


def _flipped(answer: Answer, dice: Random) -> Sent:
    return Sent(replace(answer, body=_with_flipped_bits(answer.body, dice)).wire())


def _flipped_decoded(answer: Answer, dice: Random) -> Sent:
    return Sent(_encoded(answer, _with_flipped_bits(_decoded(answer), dice)).wire())


def _with_flipped_bits(data: bytes, dice: Random) -> bytes:
    spoilt = bytearray(data)
    for _ in range(dice.randint(1, 8)):
        spoilt[dice.randrange(len(spoilt))] ^= 1 << dice.randrange(8)
    return bytes(spoilt)


def _decoded(answer: Answer) -> bytes:
    return gzip.decompress(answer.body) if answer.header("Content-Encoding") == "gzip" else answer.body


def _encoded(answer: Answer, text: bytes) -> Answer:
    """The answer as a cache sends it that keeps texts uncompressed, and spoilt this one."""
    body = gzip.compress(text) if answer.header("Content-Encoding") == "gzip" else text
    return replace(answer, body=body)


def _status(status: int, reason: str, *retry_after: str) -> Fault:
    def fault(_exchange: Exchange, dice: Random) -> Sent:
        headers = [("Content-Type", "text/plain")]
        if retry_after:
            headers.append(("Retry-After", dice.choice(retry_after)))
        return Sent(Answer(status, reason, tuple(headers), b"Try again later.\n").wire())

    return fault


def _wrong_type(answer: Answer, dice: Random) -> Sent:
    return Sent(answer.having("Content-Type", dice.choice(_TYPES)).wire())


def _swapped(exchange: Exchange, dice: Random) -> Sent | None:
    return Sent(dice.choice(exchange.elsewhere).wire()) if exchange.elsewhere else None


def _stale(exchange: Exchange, dice: Random) -> Sent | None:
    now = exchange.answer if exchange.answer.body else exchange.earlier[-1] if exchange.earlier else None
    old = [each for each in exchange.earlier if now and each.body != now.body]
    return Sent(dice.choice(old).wire()) if old else None


ANSWER_FAULTS: Mapping[str, Fault] = {
    "cut at a random byte": _cut,
    "throttled": _throttled,
    "truncated, length right": _with_body(_short),
    "truncated between two lines": _with_body(_short_decoded),
    "truncated, length wrong": _with_body(_shorter_than_said),
    "longer than its length": _with_body(_longer_than_said),
    "bits flipped": _with_body(_flipped),
    "bits flipped before gzip": _with_body(_flipped_decoded),
    "500": _status(500, "Internal Server Error"),
    "503 with Retry-After": _status(503, "Service Unavailable", "120", "Wed, 01 Jan 2031 00:00:00 GMT"),
    "wrong content type": _with_body(_wrong_type),
    "answers swapped": _swapped,
    "answers stale": _stale,
}


def any_of_them(exchange: Exchange, dice: Random) -> Sent | None:
    """One fault or another."""
    return dice.choice(list(ANSWER_FAULTS.values()))(exchange, dice)
