"""Where outbound HTTP may go: which addresses, dialled how, for how long.

An address is checked twice: by its letters before it is asked, and by what its name resolves to when it is dialled.
The connection then goes to exactly the checked address, so a name that changes its mind in between gains nothing.
"""

import http.client
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.certs import where  # type: ignore[attr-defined]  # which takes it from certifi
from urllib3.connection import HTTPConnection, HTTPSConnection

PORTS = {"http": 80, "https": 443}
PUBLIC_PORTS = {80, 443, 8080, 8443}
_MIB = 1024 * 1024

# What Python counts as global although it leads to or through private networks: translation and tunnel prefixes,
# protocol assignments, and the metadata service of one cloud.
# fmt: off
_CLOSED_NETWORKS = tuple(map(ip_network, (
    "168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "64:ff9b::/96", "64:ff9b:1::/48",
    "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16",
)))
# fmt: on
_IPV6_UNICAST = ip_network("2000::/3")

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<rest>(?:[/?][A-Za-z0-9\-._~:/?@!$&'()*+,;=%\[\]]*)?)",
    re.IGNORECASE | re.ASCII,
)
# The last label starts with a letter: 127.1, 0x7f.1 and 2130706433 are addresses in disguise.
_HOST_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)

Address = IPv4Address | IPv6Address
Resolver = Callable[..., list[Any]]  # the shape of socket.getaddrinfo


@dataclass(frozen=True)
class FetchPolicy:
    """What we ask for and how long we wait."""

    allow_loopback: bool = False  #: demo and tests: addresses of this machine may be asked, on any port
    require_https: bool = False  #: refuse plain http but for loopback; off while peers without TLS exist
    max_wire_bytes: int = 50 * _MIB  #: as received
    max_body_bytes: int = 50 * _MIB  #: after decompression
    deadline: timedelta = timedelta(seconds=20)  #: for everything, redirects included
    connect_seconds: float = 10.0
    read_seconds: float = 60.0  #: between two pieces of an answer; the deadline comes first unless it is longer
    max_redirects: int = 5
    user_agent: str = "chm-node"
    ca_file: Path | None = None  #: certificates to trust besides the usual ones
    proxy: str | None = None  #: the operator's own; it then resolves names and must refuse private addresses itself


class Refusal(Exception):  # noqa: N818  never leaves http_client, which makes a FetchError of it
    """A reason, without the address it belongs to."""


@dataclass(frozen=True)
class Target:
    scheme: str
    host: str
    port: int
    url: str


def checked_target(url: str, policy: FetchPolicy) -> Target:
    """The parts of an address we may ask as far as its letters tell; where it leads is checked when dialling."""
    match = _URL.fullmatch(url.partition("#")[0])
    if not match:
        raise Refusal("is not a plain http or https address (no user name, no unusual characters)")
    scheme, host = match["scheme"].lower(), match["host"].lower()
    port = int(match["port"] or PORTS[scheme])
    loopback = policy.allow_loopback and _names_loopback(host)
    if not loopback and (len(host) > 253 or not _HOST_NAME.fullmatch(host)):
        raise Refusal("names no host; we ask hosts by their name, never by a number")
    if not 0 < port < 65536 or not (policy.allow_loopback or port in PUBLIC_PORTS):
        raise Refusal(f"uses port {port}; we ask only {', '.join(map(str, sorted(PUBLIC_PORTS)))}")
    if policy.require_https and scheme != "https" and not loopback:
        raise Refusal("is not encrypted; we ask only https addresses")
    explicit_port = f":{port}" if match["port"] else ""
    return Target(scheme, host, port, f"{scheme}://{host}{explicit_port}{match['rest']}")


def address_problem(url: str, policy: FetchPolicy) -> str:
    """Why an address is never asked, as far as its letters tell; empty when nothing speaks against it."""
    try:
        checked_target(url, policy)
    except Refusal as refusal:
        return str(refusal)
    return ""


def _names_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def redirected(origin: Target, location: str, policy: FetchPolicy, same_host: bool) -> Target:
    """Where a redirect leads, checked like every address; never from https to http."""
    if not location:
        raise Refusal("sends us on without saying where")
    try:
        url = urljoin(origin.url, location)
        target = checked_target(url, policy)
    except (ValueError, Refusal) as error:
        raise Refusal(f"sends us to {location[:200]!r}, which {error}") from error
    if origin.scheme == "https" and target.scheme == "http":
        raise Refusal(f"sends us from an encrypted to an unencrypted address, {target.url[:200]}")
    moved = target.host != origin.host or (target.port != origin.port and target.scheme == origin.scheme)
    if same_host and moved:
        raise Refusal(f"sends us to another host, {target.host}:{target.port}; register that one if it is right")
    return target


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _IPV6_UNICAST:
        return False
    closed = any(address in network for network in _CLOSED_NETWORKS if network.version == address.version)
    return address.is_global and not address.is_multicast and not closed


class Guard:
    """Dials for urllib3: resolves once, checks every address, connects to exactly the checked ones."""

    fetch: "Fetch"  #: the one under way

    def __init__(self, policy: FetchPolicy, resolve: Resolver) -> None:
        self._policy = policy
        self._resolve = resolve

    def connect(self, host: str, port: int, timeout: float) -> socket.socket:
        try:
            found = self._resolve(host, port, 0, socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Refusal("is on a host whose name is unknown; check the spelling, or try later") from error
        if not self._policy.proxy:
            self._check([ip_address(address[0]) for *_, address in found], port)
        cause: OSError | None = None
        for family, _, _, _, address in found:
            try:
                return self._dial(family, address, min(timeout, self.fetch.remaining()))
            except OSError as error:
                cause = error
        raise Refusal(f"is on a host that does not answer ({cause})") from cause

    def _check(self, addresses: list[Address], port: int) -> None:
        if self._policy.allow_loopback and all(address.is_loopback for address in addresses):
            return
        if not addresses or not all(map(_is_public, addresses)):
            raise Refusal("leads to a private or reserved network, which we never ask")
        if port not in PUBLIC_PORTS:
            raise Refusal(f"uses port {port} of a public host, which we never ask")

    def _dial(self, family: int, address: tuple[Any, ...], timeout: float) -> socket.socket:
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.connect(address)
            if connection.getpeername()[:2] != address[:2]:
                raise OSError("connected to another address than the one checked")
            self.fetch.watch(connection)
        except BaseException:
            connection.close()
            raise
        return connection


class Fetch:
    """One fetch under way: where it is, and a timer that shuts its socket at the deadline."""

    def __init__(self, url: str, policy: FetchPolicy) -> None:
        self.url = url
        self.cut = False
        seconds = policy.deadline.total_seconds()
        self._ends = time.monotonic() + seconds
        self._descriptor: int | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> "Fetch":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._forget()

    def remaining(self) -> float:
        """Seconds, more than none."""
        seconds = self._ends - time.monotonic()
        if seconds <= 0:
            self.cut = True
            raise TimeoutError
        return seconds

    def watch(self, connection: socket.socket) -> None:
        # A duplicate, because TLS takes the original away and urllib3 may close it while the answer is still read.
        self._forget()
        with self._lock:
            self._descriptor = os.dup(connection.fileno())
        self.remaining()

    def _forget(self) -> None:
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
            self._descriptor = None

    def _cut(self) -> None:
        with self._lock:
            self.cut = True
            if self._descriptor is not None:
                with socket.socket(fileno=os.dup(self._descriptor)) as connection, suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class GuardedAdapter(HTTPAdapter):
    def __init__(self, guard: Guard, policy: FetchPolicy) -> None:
        self._pool_classes = _pool_classes(guard)
        self._tls = _tls_context(policy.ca_file)
        super().__init__(pool_maxsize=1)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **settings: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._tls, **settings)
        self.poolmanager.pool_classes_by_scheme = self._pool_classes

    def proxy_manager_for(self, proxy: str, **settings: Any) -> Any:  # as requests declares it
        manager = super().proxy_manager_for(proxy, ssl_context=self._tls, **settings)
        manager.pool_classes_by_scheme = self._pool_classes
        return manager

    def cert_verify(self, *_: object) -> None:
        """Nothing: the TLS context verifies, and loading the certificates for each connection costs 20 ms."""

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        del resp._original_response.msg["Set-Cookie"]  # a harvester keeps no cookies
        return super().build_response(req, resp)


@cache
def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=where())
    if ca_file:
        context.load_verify_locations(ca_file)
    return context


class _StrictResponse(http.client.HTTPResponse):
    def begin(self) -> None:
        """Refuses a length that can be understood in two ways (RFC 9112 §6.3), before anybody understands it."""
        super().begin()
        lengths = self.headers.get_all("Content-Length", [])
        if lengths and (len(lengths) > 1 or self.chunked or not re.fullmatch("[0-9]{1,18}", lengths[0], re.ASCII)):
            raise http.client.HTTPException(f"unclear length {', '.join(lengths)[:100]!r}")


class _Watched:
    """What urllib3's connections become: dialled and watched by the guard."""

    guard: Guard
    response_class = _StrictResponse

    def _new_conn(self: Any) -> socket.socket:  # Any: mixed into urllib3's connections
        guard: Guard = self.guard
        return guard.connect(self._dns_host, self.port, self.timeout)

    def request(self: Any, *args: Any, **settings: Any) -> None:
        if self.sock:  # kept alive from an earlier fetch
            self.guard.fetch.watch(self.sock)
        super().request(*args, **settings)  # type: ignore[misc]  # of the urllib3 connection


def _pool_classes(guard: Guard) -> dict[str, type]:
    plain = type("Plain", (_Watched, HTTPConnection), {"guard": guard})
    encrypted = type("Encrypted", (_Watched, HTTPSConnection), {"guard": guard})
    return {
        "http": type("PlainPool", (urllib3.HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("EncryptedPool", (urllib3.HTTPSConnectionPool,), {"ConnectionCls": encrypted}),
    }
