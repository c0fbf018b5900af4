"""Asking callbacks whether they meant it, and telling subscribers what changed; in the worker, never for a request.

Every address here comes from a stranger: the guarded client asks it, one request a host at a time, and what is
answered counts only by its status and, of a challenge, by its exact words.
"""

import logging
import random
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Engine

from chm_node.database import reading, writing
from chm_node.errors import FetchError
from chm_node.http_client import HttpClient
from chm_node.websub import intents, subscribers
from chm_node.websub.intents import Intent
from chm_node.websub.subscribers import Subscriber
from chm_node.websub.wishes import SUBSCRIBE, extended, signature

#: Callbacks asked at once; most of each is waiting.
THREADS = 8
#: For one answer of a callback.
DEADLINE = timedelta(seconds=10)
GONE = 410
#: So often a worker that waits for callbacks looks whether it has been stopped, or somebody else is to be told.
_LOOK_UP_SECONDS = 1.0
_SUCCESS = range(200, 300)
_GONE_TOPIC = "this feed does not exist any more"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rendition:
    """A topic as it stands."""

    body: bytes
    content_type: str
    tag: str  #: tells it from what it was before


#: A topic as it stands; None when there is no such topic any more.
Renderer = Callable[[str], Rendition | None]


class Distributor:
    """Threads and connections of one worker, kept from one tick to the next."""

    def __init__(
        self,
        engine: Engine,
        hub: str,
        render: Renderer,
        connect: Callable[[], HttpClient],
        clock: Callable[[], datetime],
        stop: threading.Event,
    ) -> None:
        self._engine = engine
        self._hub = hub
        self._render = render
        self._connect = connect
        self._clock = clock
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="websub")
        self._own = threading.local()  # an HttpClient serves one thread
        self._clients: list[HttpClient] = []
        self._stop = stop

    def __enter__(self) -> "Distributor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End after the requests under way; what was not told yet is told by the next worker."""
        self._threads.shutdown(cancel_futures=True)
        for client in self._clients:
            client.close()

    def run(self) -> None:
        """Ask and tell until nothing is due."""
        under_way: dict[Future[None], str] = {}
        while not self._stop.is_set():
            for host, work in self._claimed(under_way):
                under_way[self._threads.submit(work)] = host
            if not under_way:
                return
            for done in wait(under_way, _LOOK_UP_SECONDS, FIRST_COMPLETED).done:
                host = under_way.pop(done)
                if not done.cancelled() and (error := done.exception()):
                    _log.error("telling %s failed", host, exc_info=error)

    def _claimed(self, under_way: dict["Future[None]", str]) -> list[tuple[str, Callable[[], None]]]:
        """What to do next, with the host it asks."""
        now, busy = self._clock(), set(under_way.values())
        with reading(self._engine) as connection:
            if not subscribers.anything_due(connection, now):
                return []  # without taking the log's lock at every tick
        with writing(self._engine) as connection:
            subscribers.end_expired(connection, now)
            intents.forget(connection, now)
            asked = intents.claim(connection, now, THREADS - len(busy), busy)
            busy.update(each.host for each in asked)
            behind = subscribers.claim(connection, now, THREADS - len(busy), busy)
        asking = [(each.host, partial(self._verify, each)) for each in asked]
        return [*asking, *((each.host, partial(self._tell, each)) for each in behind)]

    def _verify(self, intent: Intent) -> None:
        parameters = {"hub.mode": intent.mode, "hub.topic": intent.asked_topic, "hub.challenge": intent.challenge}
        if intent.mode == SUBSCRIBE:
            parameters["hub.lease_seconds"] = str(int(intent.lease.total_seconds()))
        problem, again = self._challenged(extended(intent.callback, parameters), intent.challenge)
        if not problem:
            with writing(self._engine) as connection:
                intents.confirm(connection, intent, self._clock())
            return
        _log.info("%s of %s was not confirmed: %s", intent.mode, intent.callback, problem)
        if not again or intent.attempts >= intents.MOST_ATTEMPTS:
            with writing(self._engine) as connection:
                intents.settle(connection, intent)

    def _challenged(self, address: str, challenge: str) -> tuple[str, bool]:
        """Why the callback did not agree, empty when it did; and whether that may change soon."""
        try:
            answer = self._client().get(
                address, accept="*/*", max_body_bytes=2 * len(challenge), same_host=True, accepted=_SUCCESS
            )
        except FetchError as error:
            return str(error), error.status is None or error.status >= 500
        return "" if answer.body == challenge.encode() else "it answered something else than the challenge", False

    def _tell(self, subscriber: Subscriber) -> None:
        rendition = self._render(subscriber.topic)
        if rendition is None:
            return self._deny(subscriber)
        if rendition.tag != subscriber.tag:
            try:
                self._client().deliver(subscriber.callback, rendition.body, self._headers(subscriber, rendition))
            except FetchError as error:
                return self._failed(subscriber, error)
        with writing(self._engine) as connection:
            subscribers.told(connection, subscriber, rendition.tag)
        return None

    def _headers(self, subscriber: Subscriber, rendition: Rendition) -> dict[str, str]:
        links = f'<{self._hub}>; rel="hub", <{subscriber.topic}>; rel="self"'
        headers = {"Content-Type": rendition.content_type, "Link": links}
        if subscriber.secret:
            headers["X-Hub-Signature"] = signature(subscriber.secret, rendition.body)
        return headers

    def _failed(self, subscriber: Subscriber, error: FetchError) -> None:
        _log.info("a subscriber was not told: %s", error)
        with writing(self._engine) as connection:
            if error.status == GONE:
                subscribers.end(connection, subscriber)
            else:
                dice = random.random()  # noqa: S311  only spreads the load
                subscribers.failed(connection, subscriber, self._clock(), error.retry_after, dice)

    def _deny(self, subscriber: Subscriber) -> None:
        """End a subscription whose topic is gone, and say so (WebSub §5.2); whether that arrives does not matter."""
        with writing(self._engine) as connection:
            subscribers.end(connection, subscriber)
        parameters = {"hub.mode": "denied", "hub.topic": subscriber.topic, "hub.reason": _GONE_TOPIC}
        try:
            self._client().get(
                extended(subscriber.callback, parameters), accept="*/*", same_host=True, accepted=_SUCCESS
            )
        except FetchError as error:
            _log.info("the end of a subscription was not heard: %s", error)

    def _client(self) -> HttpClient:
        if not hasattr(self._own, "client"):
            self._own.client = self._connect()
            self._clients.append(self._own.client)
        found: HttpClient = self._own.client
        return found
