"""Clients that are slow on purpose do not keep others from being answered."""

import http.client
import socket
import threading
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

CLIENTS = 300
ASKED = 20


def _connect(stack: ExitStack, host: str, first: bytes) -> socket.socket:
    name, port = host.split(":")
    client = stack.enter_context(socket.create_connection((name, int(port)), timeout=10))
    client.sendall(first)
    return client


def _answers(host: str) -> int:
    """How many of some ordinary requests are answered, each within ten seconds."""
    answered = 0
    for number in range(ASKED):
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.request("GET", f"/fr/records?page={number % 2 + 1}")
        answered += connection.getresponse().status == 200
        connection.close()
    return answered


@pytest.mark.parametrize(
    ("behaviour", "first"),
    [
        ("never end their headers", b"GET /fr/ HTTP/1.1\r\nHost: x\r\nX-Slow: "),
        ("announce a body and never send it", b"POST /fr/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"),
        ("connect and say nothing", b""),
    ],
)
def test_others_are_answered_while_three_hundred_clients(live_node, behaviour, first):
    host = urlsplit(live_node.url).netloc
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            _connect(stack, host, first)
        assert _answers(host) == ASKED, behaviour


def test_others_are_answered_while_many_clients_do_not_read_what_they_asked_for(live_node):
    host = urlsplit(live_node.url).netloc
    request = f"GET /feed/1/1.trig HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() * 20
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            client = _connect(stack, host, request)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        assert _answers(host) == ASKED


def test_a_request_that_comes_in_single_bytes_is_answered(live_node):
    host = urlsplit(live_node.url).netloc
    with ExitStack() as stack:
        client = _connect(stack, host, b"")
        for byte in f"GET /livez HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode():
            client.sendall(bytes([byte]))
        assert client.recv(100).startswith(b"HTTP/1.1 200")


def test_many_readers_at_once_are_all_answered(live_node):
    host = urlsplit(live_node.url).netloc
    counts: list[int] = []
    readers = [threading.Thread(target=lambda: counts.append(_answers(host))) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert counts == [ASKED] * len(readers)
