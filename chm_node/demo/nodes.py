"""The demo's four nodes: who they are, where they listen, where their data lies."""

import contextlib
import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chm_node.serving import claimed
from chm_node.settings import Settings

HOST = "127.0.0.1"
FIRST_PORT = 8101
_LAST_PORT = 8999


@dataclass(frozen=True)
class Node:
    """One node of the demo."""

    key: str  #: names its data, and stands for it in the shipped records: ``https://<key>.chm.example/``
    label: str
    country: str
    languages: tuple[str, ...]  #: of the interface; the first is the default
    titles: Mapping[str, str]
    publisher: str
    sparql: str = "off"
    port: int = 0
    folder: Path = Path()

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}/"

    def settings(self) -> Settings:
        """Its settings, whatever the environment and a settings file say of another node."""
        return Settings.of(**self._decided())

    def environment(self) -> dict[str, str]:
        """The environment of its processes."""
        own = {f"CHM_{name.upper()}": _as_text(value) for name, value in self._decided().items()}
        others = {name: value for name, value in os.environ.items() if not name.startswith("CHM_")}
        return others | own | {"CHM_CONFIG": os.devnull}

    def _decided(self) -> dict[str, Any]:  # Any: the value of a setting
        return {
            "base_url": self.address,
            "profile": "demo",
            "data_dir": self.folder,
            "titles": dict(self.titles),
            "publisher": self.publisher,
            "country": self.country,
            "languages": self.languages,
            "host": HOST,
            "port": self.port,
            "threads": 2,
            "sparql": self.sparql,
            "poll_minutes": 0.25,
        }


ALGERIA = Node(
    "dz",
    "Algeria",
    "DZ",
    ("fr", "ar"),
    {
        "fr": "Centre d’échange d’Algérie – Centre régional de la Convention de Stockholm",
        "ar": "مركز تبادل المعلومات للجزائر – المركز الإقليمي لاتفاقية ستوكهولم",
    },
    "Centre National des Technologies de Production plus Propre (CNTPP)",
)
TUNISIA = Node(
    "tn",
    "Tunisia",
    "TN",
    ("ar", "fr"),
    {
        "ar": "مركز تبادل المعلومات لتونس – مركز تونس الدولي لتكنولوجيا البيئة",
        "fr": "Centre d’échange de Tunisie – Centre international des technologies de l’environnement de Tunis",
    },
    "Centre International des Technologies de l’Environnement de Tunis (CITET)",
)
SECRETARIAT = Node(
    "secretariat",
    "Secretariat",
    "",
    ("en", "fr"),
    {"en": "Decisions and meetings of the conventions", "fr": "Décisions et réunions des conventions"},
    "Secretariat",
)
HUB = Node(
    "hub",
    "North African hub",
    "",
    ("ar", "fr", "en"),
    {
        "ar": "بوابة شمال أفريقيا لتبادل المعلومات",
        "fr": "Portail nord-africain d’échange d’informations",
        "en": "North African clearing-house hub",
    },
    "Centre régional de la Convention de Stockholm, Alger",
    sparql="on",
)
NODES = (ALGERIA, TUNISIA, SECRETARIAT, HUB)


def claimed_ports(wanted: Sequence[int]) -> dict[int, socket.socket]:
    """For each wanted port that port, or the next free one when it is taken; ours until the socket is closed."""
    found: dict[int, socket.socket] = {}
    for port in wanted:
        claims = map(_claimed, (port, *range(FIRST_PORT, _LAST_PORT)))
        claim = next(each for each in claims if each)
        found[claim.getsockname()[1]] = claim
    return found


def _claimed(port: int) -> socket.socket | None:
    with contextlib.suppress(OSError):
        return claimed(HOST, port)
    return None


def _as_text(value: Any) -> str:  # Any: the value of a setting
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return ",".join(value) if isinstance(value, tuple) else str(value)
