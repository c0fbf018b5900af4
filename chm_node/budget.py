"""How much each client may still ask for. Bounded in memory; knows no clock."""

import threading
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

#: Clients remembered; who is forgotten starts afresh, the longest idle first.
_CLIENTS = 10_000


class Budget:
    """An account for each client, of requests or of seconds of computing: a minute's worth at most, filled steadily."""

    def __init__(self, a_minute: float) -> None:
        self._full = a_minute
        self._lock = threading.Lock()
        self._accounts: OrderedDict[str, tuple[float, float]] = OrderedDict()  # balance, and when it stood so

    def wait(self, client: str, now: float) -> float:
        """Seconds until the client may ask again; 0 when it may now. ``now`` is any steady clock, in seconds."""
        return max(0.0, 1.0 - self._balance(client, now)) * 60.0 / self._full

    def charge(self, client: str, cost: float, now: float) -> None:
        """Takes what a request cost off the client's account, which may so fall below zero."""
        with self._lock:
            self._accounts[client] = (self._balance(client, now) - cost, now)
            self._accounts.move_to_end(client)
            if len(self._accounts) > _CLIENTS:
                self._accounts.popitem(last=False)

    def _balance(self, client: str, now: float) -> float:
        balance, since = self._accounts.get(client, (self._full, now))
        return min(self._full, balance + (now - since) * self._full / 60.0)


def client_of(remote: str, forwarded_for: str) -> str:
    """Whose account a request is on: its address, of IPv6 the network.

    What a proxy says of its client counts only when the proxy runs on this machine, for anybody may send the header.
    """
    try:
        if ip_address(remote).is_loopback and forwarded_for:
            remote = forwarded_for.split(",")[-1].strip()
        address = ip_address(remote)
    except ValueError:
        return remote[:64]
    if isinstance(address, IPv6Address):
        return str(IPv6Address(int(address) >> 64 << 64))
    return str(address)
