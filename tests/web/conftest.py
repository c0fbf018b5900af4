"""A node with a dozen real records, for all tests of what it serves: ``site``."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from chm_node.app import create_app
from chm_node.catalogue import ChangeLog
from chm_node.database import open_database, writing
from chm_node.publishing import identifier_of, publish, record_iri, withdraw
from chm_node.record import Change, Record, Tombstone
from chm_node.record_types import RECORD_TYPES
from chm_node.settings import Settings
from chm_node.signing import Signer, create_key, load_signer
from chm_node.web.sparql import POOL

BASE = "https://node.example/"
BEGINNING = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
_TERM = "https://w3id.org/chm/vocabulary/"

#: Name, record type, values; published in this order, a minute apart.
RECORDS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "workshop",
        "event",
        {
            "title": {"ar": "ورشة عمل حول مركبات ثنائي الفينيل", "fr": "Atelier régional sur les PCB"},
            "summary": {"ar": "ورشة إقليمية", "fr": "Atelier de deux jours.\nÀ Alger."},
            "starts": "2010-05-02",
            "ends": "2010-05-03",
            "coverage": [f"{_TERM}countries/DZ"],
            "treaties": [f"{_TERM}treaties/TREATY-STOCKHOLM"],
            "subjects": [f"{_TERM}stockholm-pops/STOCKHOLM-POP-PCB"],
        },
    ),
    (
        "meeting",
        "meeting",
        {
            "title": {"en": "Seventh meeting of the Conference of the Parties", "fr": "Septième réunion"},
            "starts": "2015-05-04",
            "treaties": [f"{_TERM}treaties/TREATY-STOCKHOLM"],
        },
    ),
    ("news", "news", {"title": {"fr": "Ouverture du centre"}, "coverage": [f"{_TERM}countries/TN"]}),
    ("arabic-news", "news", {"title": {"ar": "افتتاح المركز"}, "coverage": [f"{_TERM}countries/DZ"]}),
    *(
        (
            f"event-{number}",
            "event",
            {
                "title": {"en": f"Training day {number}", "fr": f"Journée de formation {number}"},
                "starts": f"2021-0{number}-10",
                "coverage": [f"{_TERM}countries/{'DZ' if number % 2 else 'MA'}"],
                "subjects": [f"{_TERM}sdgs/SUSTAINABLE-DEVELOPMENT-GOAL-15"],
            },
        )
        for number in range(1, 7)
    ),
    ("withdrawn", "event", {"title": {"en": "Cancelled course"}, "starts": "2020-01-01",
                            "coverage": [f"{_TERM}countries/DZ"]}),
    ("corrected", "news", {"title": {"en": "A notice with a mistake"}, "coverage": [f"{_TERM}countries/MA"]}),
)  # fmt: skip


@dataclass
class SiteUnderTest:
    """A running node with its client; what is published comes a minute after what was published before."""

    settings: Settings
    app: Flask
    engine: Engine
    signer: Signer
    client: FlaskClient
    now: datetime = BEGINNING
    iris: dict[str, str] = field(default_factory=dict)  #: name of a record to its IRI

    def publish(self, name: str, type_name: str, values: dict[str, Any]) -> str:
        """Publish or revise a record known by a name; gives its IRI."""
        iri = record_iri(self.settings, type_name, identifier_of(self.settings, name))
        self.publish_all([RECORD_TYPES[type_name].record(iri, values)])
        self.iris[name] = iri
        return iri

    def publish_all(self, records: list[Record]) -> None:
        self.now += timedelta(minutes=1)
        list(publish(self.engine, self.settings, self.signer, records, self.now))

    def withdraw(
        self,
        name: str,
        type_name: str = "event",
        replaced_by: str | None = None,
        reason: Mapping[str, str] = MappingProxyType({"en": "It was cancelled."}),
    ) -> None:
        self.now += timedelta(minutes=1)
        stone = Tombstone(self.iris[name], type_name, reason, replaced_by)
        withdraw(self.engine, self.settings, self.signer, stone, self.now)

    def take_over(self, changes: list[Change]) -> None:
        """Add changes of another node's records to the log, as a harvest does."""
        with writing(self.engine) as connection:
            ChangeLog(connection).append(changes)

    def get(self, path: str, **headers: str) -> TestResponse:
        """GET with headers written as keyword arguments: ``accept="text/turtle"``."""
        path = "/" + path.removeprefix(BASE).removeprefix("/")
        return self.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def make_site(folder: Path, **settings: Any) -> SiteUnderTest:
    """A node without records."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = Settings(
        **{
            "base_url": BASE,
            "data_dir": folder,
            "titles": {"en": "Test node", "fr": "Nœud d'essai", "ar": "عقدة تجريبية"},
            "publisher": "Institut d'essai",
            "contact": "focal.point@node.example",
            "country": "DZ",
            **settings,
        }
    )
    create_key(chosen.key_file)
    app = create_app(chosen)
    app.testing = True
    # A database handle of the test's own, so that the app sees every change as another process's.
    engine = open_database(chosen.database)
    signer = load_signer(chosen.key_file, f"{chosen.node_iri}#key")
    return SiteUnderTest(chosen, app, engine, signer, app.test_client())


@pytest.fixture
def new_site(tmp_path: Path) -> Iterator[Callable[..., SiteUnderTest]]:
    """Makes nodes without records, with settings of their own."""
    made: list[SiteUnderTest] = []

    def make(**settings: Any) -> SiteUnderTest:
        made.append(make_site(tmp_path / f"node-{len(made)}", **settings))
        return made[-1]

    yield make
    for each in made:
        each.engine.dispose()
        each.app.extensions["chm"].engine.dispose()


@pytest.fixture
def empty_site(new_site: Callable[..., SiteUnderTest]) -> SiteUnderTest:
    """A node without records."""
    return new_site()


@pytest.fixture
def site(empty_site: SiteUnderTest) -> SiteUnderTest:
    """A node with twelve records: several types, Arabic ones, one corrected, one withdrawn."""
    return _filled(empty_site)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteUnderTest]:
    """The same node with its query service on, for the tests of a module that change nothing."""
    made = _filled(make_site(tmp_path_factory.mktemp("asked"), sparql="on"))
    yield made
    made.app.extensions[POOL].close()
    made.engine.dispose()
    made.app.extensions["chm"].engine.dispose()


def _filled(site: SiteUnderTest) -> SiteUnderTest:
    for name, type_name, values in RECORDS:
        site.publish(name, type_name, values)
    site.withdraw("withdrawn")
    site.publish("corrected", "news", {**RECORDS[-1][2], "title": {"en": "A notice, corrected"}})
    return site
