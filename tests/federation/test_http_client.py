"""The outbound client against peers that lie, stall and flood: real sockets on this machine."""

import base64
import gzip
import hashlib
import io
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
import urllib3
from flask import Flask, request

from chm_node.errors import FetchError, StorageError
from chm_node.http_client import Answer, FetchPolicy, HttpClient
from chm_node.http_guard import PUBLIC_PORTS

LOCAL = FetchPolicy(allow_loopback=True, deadline=timedelta(seconds=5))
HASTY = FetchPolicy(allow_loopback=True, deadline=timedelta(seconds=0.4))
Script = bytes | Callable[[socket.socket], None]


class Peer:
    """A server that answers each request with the next script, the last one for ever, and keeps what it was asked."""

    def __init__(self, scripts: tuple[Script, ...], tls: ssl.SSLContext | None) -> None:
        self.requests: list[str] = []
        self.connections = 0
        self._scripts, self._tls = list(scripts), tls
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://{'localhost' if tls else '127.0.0.1'}:{self.port}/page"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):  # closed before
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as lines:
                while head := _head(lines):
                    self.requests.append(head)
                    script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
                    if not isinstance(script, bytes):
                        script(connection)
                        return
                    connection.sendall(script)
                    if b"Connection: close" in script:
                        return


def _head(lines: io.BufferedReader) -> str:
    head = ""
    while (line := lines.readline()) not in (b"\r\n", b""):
        head += line.decode("latin-1")
    return head


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    peers: list[Peer] = []

    def start(*scripts: Script, tls: ssl.SSLContext | None = None) -> Peer:
        peers.append(Peer(scripts, tls))
        return peers[-1]

    yield start
    for started in peers:
        started.close()


def page(body: bytes = b"whole", status: str = "200 OK", **headers: str) -> bytes:
    fields = {"Content_Type": "text/turtle", "Content_Length": str(len(body))} | headers
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items() if value)
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


def redirect(location: str, body: bytes = b"") -> bytes:
    return page(body, "302 Found", Location=location)


def endless(start: bytes, piece: bytes, pause: float = 0.0) -> Script:
    def send(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(piece)
            time.sleep(pause)

    return send


def fetch(url: str, policy: FetchPolicy = LOCAL, **options) -> Answer:
    with HttpClient(policy) as client:
        return client.get(url, accept="text/turtle", **options)


def refusal(url: str, policy: FetchPolicy = LOCAL, **options) -> FetchError:
    with pytest.raises(FetchError) as refused:
        fetch(url, policy, **options)
    return refused.value


def addresses(*found: str) -> list[object]:
    """What getaddrinfo gives for a name with these addresses."""
    return [
        (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))
        for address in found
    ]


# --- whole answers


def test_a_whole_page_arrives_with_what_is_needed_to_ask_again(peer):
    there = peer(
        page(ETag='"v1"', Last_Modified="Wed, 25 Nov 2026 10:00:00 GMT", Content_Type="Text/Turtle; charset=utf-8")
    )
    answer = fetch(there.url + "?q=1#fragment")
    assert (answer.status, answer.body, answer.media_type) == (200, b"whole", "text/turtle")
    assert (answer.etag, answer.last_modified) == ('"v1"', "Wed, 25 Nov 2026 10:00:00 GMT")
    assert (answer.url, answer.headers["CONTENT-length"]) == (there.url + "?q=1", "5")
    asked = there.requests[0].splitlines()
    assert asked[0] == "GET /page?q=1 HTTP/1.1"
    assert {"Accept: text/turtle", "Accept-Encoding: gzip", "User-Agent: chm-node"} <= set(asked)


def test_an_unchanged_page_is_a_value_and_the_connection_is_kept(peer):
    there = peer(page(ETag='"v1"'), page(b"", "304 Not Modified", Content_Length="", Content_Type=""))
    with HttpClient(LOCAL) as client:
        first = client.get(there.url, accept="*/*")
        for _ in range(3):
            again = client.get(there.url, accept="*/*", etag=first.etag, last_modified="Wed, 25 Nov 2026 10:00:00 GMT")
            assert (again.not_modified, again.body, again.etag) == (True, b"", '"v1"')
    assert there.connections == 1
    assert 'If-None-Match: "v1"' in there.requests[1]
    assert "If-Modified-Since: Wed, 25 Nov 2026 10:00:00 GMT" in there.requests[1]


def test_compressed_and_chunked_pages_arrive_whole(peer):
    text = b"<a:a> <a:b> <a:c> .\n" * 10_000
    packed = gzip.compress(text)
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (packed[:10], packed[10:])) + b"0\r\n\r\n"
    chunked = {"Transfer_Encoding": "chunked", "Content_Length": "", "Content_Encoding": "gzip"}
    there = peer(page(packed, Content_Encoding="gzip"), page(chunks, **chunked), page(text))
    with HttpClient(LOCAL) as client:
        assert [client.get(there.url, accept="*/*").body == text for _ in range(3)] == [True] * 3
    assert there.connections == 1


def sha_256(data):
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


@pytest.mark.parametrize("digested", ["as sent", "before a proxy compressed it"])
def test_a_page_that_is_what_its_digest_says_arrives(peer, digested):
    packed = gzip.compress(b"whole")
    digest = sha_256(packed if digested == "as sent" else b"whole")
    there = peer(page(packed, Content_Encoding="gzip", Content_Digest=f"sha-512=:AAAA:, {digest}"))
    assert fetch(there.url).body == b"whole"


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_page_that_is_not_what_its_digest_says_was_damaged_on_its_way(peer, encoding):
    body = gzip.compress(b"while") if encoding else b"while"
    there = peer(page(body, Content_Encoding=encoding, Content_Digest=sha_256(b"whole")))
    assert "damaged on its way" in refusal(there.url).reason


@pytest.mark.parametrize("digest", ["sha-512=:AAAA:", "sha-256=:no base64:", "sha-256=:AAA:", "nonsense"])
def test_a_digest_that_cannot_be_read_says_nothing(peer, digest):
    assert fetch(peer(page(Content_Digest=digest)).url).body == b"whole"


def test_links_are_absolute_and_by_relation(peer):
    header = '<page/2>; rel="next", </hub>; rel="hub self", '
    header += '<https://x.example/>; rel=license; title="a, b", <//[bad>; rel=bad'
    answer = fetch(peer(page(Link=header)).url)
    root = answer.url.removesuffix("/page")
    assert answer.links == {
        "next": [root + "/page/2"],
        "hub": [root + "/hub"],
        "self": [root + "/hub"],
        "license": ["https://x.example/"],
    }


def test_cookies_are_neither_kept_nor_sent_and_the_environment_is_not_asked(peer, monkeypatch, tmp_path):
    canary = peer(page(b"proxy"))
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, canary.url)
    there = peer(page(Set_Cookie="id=1; Path=/"), redirect("/again", b""), page(Set_Cookie="id=2"))
    with HttpClient(LOCAL) as client:
        for _ in range(3):
            assert client.get(there.url, accept="*/*").body == b"whole"
    assert not canary.requests
    assert not any(word in asked.lower() for asked in there.requests for word in ("cookie", "authorization"))


def test_the_operators_proxy_is_used(peer):
    proxy = peer(page(b"by proxy"))
    policy = FetchPolicy(proxy=f"http://127.0.0.1:{proxy.port}", deadline=timedelta(seconds=5))
    assert fetch("http://peer.example/x", policy).body == b"by proxy"
    assert proxy.requests[0].startswith("GET http://peer.example/x HTTP/1.1")


# --- where it never goes


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "http://localhost./", "http://LOCALHOST/", "http://2130706433/",
        "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/", "http://127.0.1/", "http://0/",
        "http://0.0.0.0/", "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/",
        "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[fe80::1%25lo]/", "http://169.254.169.254/",
        "http://user@localhost/", "http://peer.example@127.0.0.1/", "http://127.0.0.1:80\\@peer.example/",
        "http://peer.example#@127.0.0.1/", "http://peer.example:22/", "http://peer.example:99999/", "http://127.0.0.1%00/",
        "http://①②⑦.0.0.1/", "http://ⓛocalhost/", "http://127。0。0。1/", "http://loc\talhost/", "http:///etc/passwd",
        "http:localhost/", "//localhost/", "file:///etc/passwd", "ftp://localhost/", "gopher://localhost/", "data:,x",
        "", "http://peer.example/a b", "http://peer.example/\r\nHost: x", "https://8.8.8.8/",
        "http://a..example/", "http://-/",
    ],
)  # fmt: skip
def test_odd_spellings_and_forbidden_addresses_are_refused_without_a_connection(url):
    def resolve(host, *_):
        return addresses({"localhost": "127.0.0.1", "peer.example": "10.0.0.1"}.get(host, "127.0.0.1"))

    client = HttpClient(FetchPolicy(), resolve=resolve)
    with client, pytest.raises(FetchError):
        client.get(url, accept="*/*")


PRIVATE = [
    "0.0.0.0",  # noqa: S104  an address to refuse, not to listen on
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
    "224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.0.170", "192.0.2.1", "192.88.99.1",
    "168.63.129.16", "::1", "::", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "64:ff9b::808:808", "64:ff9b:1::1",
    "2002:7f00:1::", "2001::1", "2001:db8::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "5f00::1",
    "3fff::1", "100::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
@pytest.mark.parametrize("policy", [FetchPolicy(), LOCAL], ids=["public", "loopback allowed"])
def test_a_name_for_a_private_address_is_refused_even_among_public_ones(address, policy):
    for found in ([address], ["93.184.215.14", address], [address, "2606:2800:21f::1"]):
        if policy is LOCAL and found in (["127.0.0.1"], ["::1"]):
            continue  # what that profile is for
        client = HttpClient(policy, resolve=lambda *_, found=found: addresses(*found))
        with client, pytest.raises(FetchError, match="private or reserved network"):
            client.get("https://peer.example/", accept="*/*")


def test_loopback_is_the_only_exception_and_other_ports_of_public_hosts_stay_closed():
    client = HttpClient(LOCAL, resolve=lambda *_: addresses("93.184.215.14"))
    with client, pytest.raises(FetchError, match="uses port 9000 of a public host"):
        client.get("http://peer.example:9000/", accept="*/*")
    assert "number" in refusal("http://10.0.0.1/").reason
    assert 9000 not in PUBLIC_PORTS


def test_a_name_is_resolved_once_and_the_checked_address_is_dialled(peer):
    there = peer(page())
    asked = []

    def rebinding(host, port, *_):
        asked.append(host)
        found = ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]
        return [(*start, (found[0], port)) for *start, _ in addresses(*found)]

    with HttpClient(LOCAL, resolve=rebinding) as client:
        for _ in range(2):
            assert client.get(f"http://peer.example:{there.port}/", accept="*/*").body == b"whole"
    assert asked == ["peer.example"]
    assert f"Host: peer.example:{there.port}" in there.requests[0]


def test_a_name_that_does_not_exist_and_a_closed_port_are_told_apart(peer):
    def unknown(*_):
        raise socket.gaierror(-2, "Name or service not known")

    with HttpClient(FetchPolicy(), resolve=unknown) as client, pytest.raises(FetchError, match="name is unknown"):
        client.get("https://peer.example/", accept="*/*")
    there = peer(page())
    there.close()
    assert "does not answer" in refusal(there.url).reason


def test_plain_http_can_be_refused():
    policy = FetchPolicy(require_https=True)
    assert "not encrypted" in refusal("http://peer.example/", policy).reason


# --- redirects


def test_redirects_are_followed_by_hand_and_their_bodies_are_never_read(peer):
    there = peer(endless(page(b"", "302 Found", Location="/new", Content_Length=str(10**12)), b"x" * 65536), page())
    answer = fetch(there.url)
    assert (answer.body, answer.url) == (b"whole", there.url.replace("/page", "/new"))


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "http://10.0.0.1/", "gopher://127.0.0.1/", "",
        "http://[::ffff:127.0.0.1]/", "http://user:pw@127.0.0.1/", "http://0x7f.1/", "http://[/", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_a_redirect_is_checked_like_an_address(peer, location):
    assert "sends us" in refusal(peer(redirect(location)).url).reason


def test_a_redirect_loop_ends(peer):
    there = peer(redirect("/page"))
    assert "more than 5 times" in refusal(there.url).reason
    assert len(there.requests) == 6


def test_a_registered_peer_may_not_send_us_to_another_host(peer):
    other = peer(page())
    there = peer(redirect(other.url))
    assert fetch(there.url).body == b"whole"
    assert "another host" in refusal(there.url, same_host=True).reason
    assert fetch(peer(redirect("/same"), page()).url, same_host=True).body == b"whole"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context for the name localhost, and the file that makes it trusted."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


def test_encrypted_peers_are_verified_by_name_and_by_the_operators_certificates(peer, certificate):
    tls, trusted = certificate
    there = peer(page(), tls=tls)
    policy = FetchPolicy(allow_loopback=True, ca_file=trusted)
    with HttpClient(policy) as client:
        assert [client.get(there.url, accept="*/*").body for _ in range(2)] == [b"whole"] * 2
    assert there.connections == 1
    assert "certificate" in refusal(there.url, LOCAL).reason
    assert "certificate" in refusal(there.url.replace("localhost", "127.0.0.1"), policy).reason


def test_an_encrypted_peer_may_not_send_us_to_an_unencrypted_address(peer, certificate):
    tls, trusted = certificate
    there = peer(redirect(peer(page()).url), tls=tls)
    policy = FetchPolicy(allow_loopback=True, ca_file=trusted)
    assert "encrypted to an unencrypted" in refusal(there.url, policy).reason


# --- slow, endless, broken


@pytest.mark.parametrize(
    "script",
    [
        endless(b"", b"", 0.05),
        endless(b"HTTP/1.1 200 OK\r\n", b"X", 0.02),
        endless(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x", 0.02),
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.02),
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n", 0.02),
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["silence", "slow headers", "slow body", "slow chunks", "endless trailers", "slow 1xx", "1xx storm"],
)
def test_a_slow_peer_is_cut_off_at_the_deadline(peer, script):
    assert "took too long" in refusal(peer(script).url, HASTY).reason


def test_redirects_share_one_deadline(peer):
    def slowly(connection):
        time.sleep(0.15)
        connection.sendall(page(b"", "302 Found", Location="/page", Connection="close"))

    assert "took too long" in refusal(peer(slowly).url, HASTY).reason


def test_a_slow_handshake_is_cut_off_at_the_deadline(peer, certificate):
    there = peer(endless(b"", b"", 0.05))
    assert "took too long" in refusal(there.url.replace("http:", "https:"), HASTY).reason


def test_the_next_fetch_works_after_a_cut(peer):
    there = peer(endless(b"", b"", 0.05), page())
    with HttpClient(HASTY) as client:
        with pytest.raises(FetchError):
            client.get(there.url, accept="*/*")
        assert client.get(there.url, accept="*/*").body == b"whole"


@pytest.mark.parametrize(
    "script",
    [
        endless(b"HTTP/1.1 200 OK\r\n", b"X-Header: y\r\n"),
        endless(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65536),
        endless(b"HTTP/1.1 ", b"y" * 65536),
        b"SSH-2.0-OpenSSH_9.2\r\nConnection: close\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nwhole",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nwhole",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nwhole",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nwhole\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nwh",
        page(Content_Length="6", Connection="close"),
        page(Content_Length="", Connection="close"),
        page(b"cut"[:2], Content_Length="3", Connection="close"),
    ],
)
def test_what_is_no_whole_http_answer_is_refused(peer, script):
    assert refusal(peer(script).url).status is None


# --- compression and size

BOMB = gzip.compress(b"0" * 60_000_000, mtime=0)  # or two processes would name the tests differently


@pytest.mark.parametrize(
    ("body", "encoding", "reason"),
    [
        (BOMB, "gzip", "50 MiB"),
        (gzip.compress(BOMB, mtime=0), "gzip, gzip", "compresses its answer as"),
        (b"x", "br", "compresses its answer as"),
        (b"x", "deflate", "compresses its answer as"),
        (gzip.compress(b"whole", mtime=0)[:-4], "gzip", "is cut"),
        (gzip.compress(b"whole", mtime=0) + b"more", "gzip", "followed by"),
        (b"", "gzip", "is cut"),
        (b"not gzip", "gzip", "damaged"),
    ],
)
def test_compressed_answers_are_whole_single_and_bounded(peer, body, encoding, reason):
    assert reason in refusal(peer(page(body, Content_Encoding=encoding)).url).reason


def test_a_page_may_be_as_large_as_allowed_and_no_larger(peer):
    there = peer(page(b"x" * 1000))
    assert len(fetch(there.url, max_body_bytes=1000).body) == 1000
    assert "999 bytes" in refusal(there.url, max_body_bytes=999).reason
    packed = peer(page(gzip.compress(b"x" * 1000), Content_Encoding="gzip"))
    assert len(fetch(packed.url, max_body_bytes=1000).body) == 1000
    assert "999 bytes" in refusal(packed.url, max_body_bytes=999).reason


def test_endless_answers_are_cut_by_size(peer):
    small = FetchPolicy(allow_loopback=True, max_wire_bytes=1_000_000)
    flood = endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n")
    assert "more than" in refusal(peer(flood).url, small).reason
    assert "more than 50 MiB" in refusal(peer(page(Content_Length=str(10**15))).url).reason


# --- status


@pytest.mark.parametrize(
    "status",
    [
        "201 Created",
        "204 No Content",
        "206 Partial Content",
        "304 Not Modified",
        "103 Early",
        "300 Multiple",
        "400 Bad",
        "401 No",
        "403 No",
        "404 No",
        "410 Gone",
        "500 No",
        "999 ?",
    ],
)
def test_only_200_is_a_page(peer, status):
    error = refusal(peer(page(b"part", status, Connection="close")).url)
    assert error.status == int(status[:3])
    assert error.reason
    assert error.retry_after == timedelta(0)


@pytest.mark.parametrize("status", ["502 Bad Gateway", "504 Gateway Time-out"])
def test_a_node_that_is_stopped_behind_its_web_server_is_told_from_one_with_a_fault(peer, status):
    assert "no answer from the node behind it" in refusal(peer(page(b"<html>", status)).url).reason


def test_a_304_with_a_body_that_never_comes_does_not_hold_us_up(peer):
    there = peer(page(b"", "304 Not Modified", Transfer_Encoding="chunked", Content_Length=""))
    assert fetch(there.url, etag='"v1"').not_modified


NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "date", "now", "wait"),
    [
        ("120", "", None, timedelta(seconds=120)),
        ("0", "", None, timedelta(minutes=1)),
        ("999999999999999999", "", None, timedelta(hours=24)),
        ("Wed, 25 Nov 2026 12:30:00 GMT", "Wed, 25 Nov 2026 12:00:00 GMT", None, timedelta(minutes=30)),
        ("Sun, 25 Nov 2001 12:30:00 GMT", "Sun, 25 Nov 2001 12:00:00 GMT", NOW, timedelta(minutes=30)),
        ("Wed, 25 Nov 2026 12:30:00 GMT", "", NOW, timedelta(minutes=30)),
        ("Wed, 25 Nov 2026 12:30:00 GMT", "", None, timedelta(minutes=1)),
        ("Wed, 25 Nov 2020 12:30:00 GMT", "", NOW, timedelta(minutes=1)),
        ("Wed, 25 Nov 2099 12:30:00 GMT", "", NOW, timedelta(hours=24)),
        ("Wed, 99 Nov 2026 12:30:00 -9999", "", NOW, timedelta(minutes=1)),
        ("-5", "", NOW, timedelta(minutes=1)),
        ("soon", "", NOW, timedelta(minutes=1)),
        ("", "", NOW, timedelta(0)),
    ],
)
def test_retry_after_is_understood_in_both_forms_and_bounded(peer, asked, date, now, wait):
    there = peer(page(b"", "503 Busy", Retry_After=asked, Date=date))
    error = refusal(there.url, now=now)
    assert (error.status, error.retry_after) == (503, wait)


# --- a federation in one process


class FlaskAdapter(requests.adapters.BaseAdapter):
    """Hands each request to the Flask app that owns the host."""

    def __init__(self, apps: dict[str, Flask]) -> None:
        super().__init__()
        self._apps = apps

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
        host = request.url.split("/")[2]
        given = self._apps[host].test_client().get(request.url, headers=dict(request.headers))
        raw = urllib3.HTTPResponse(
            io.BytesIO(given.data),
            given.headers.items(),
            given.status_code,
            preload_content=False,
            decode_content=False,
        )
        return requests.adapters.HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        pass


def test_the_same_rules_hold_when_apps_of_this_process_answer():
    app = Flask("node")

    @app.get("/feed")
    def feed():
        if request.headers.get("If-None-Match") == '"v1"':
            return "", 304
        return "x" * 1000, 200, {"ETag": '"v1"', "Content-Type": "application/trig"}

    @app.get("/old")
    def old():
        return "", 301, {"Location": "/feed"}

    @app.get("/away")
    def away():
        return "", 302, {"Location": "http://10.0.0.1/"}

    with HttpClient(FetchPolicy(), adapter=FlaskAdapter({"dz.example": app})) as client:
        answer = client.get("https://dz.example/old", accept="*/*")
        assert (answer.url, len(answer.body), answer.media_type) == (
            "https://dz.example/feed",
            1000,
            "application/trig",
        )
        assert client.get(answer.url, accept="*/*", etag=answer.etag).not_modified
        with pytest.raises(FetchError, match="sends us to"):
            client.get("https://dz.example/away", accept="*/*")
        with pytest.raises(FetchError, match="999 bytes"):
            client.get("https://dz.example/feed", accept="*/*", max_body_bytes=999)
        with pytest.raises(FetchError) as missing:
            client.get("https://dz.example/missing", accept="*/*")
    assert missing.value.status == 404


@pytest.mark.parametrize("size", [5, 100_000])  # less and more than a file keeps in its buffer
def test_a_full_disk_of_our_own_is_not_blamed_on_the_peer(peer, size):
    url = peer(page(b"x" * size)).url
    with (
        HttpClient(LOCAL) as client,
        Path("/dev/full").open("w+b") as file,
        pytest.raises(StorageError, match="No space"),
    ):
        client.save(url, file, accept="*/*", max_bytes=1_000_000, deadline=timedelta(seconds=5))
