"""A hub that is killed, and whose answers are spoilt, equals its peers in the end: ``chm bench faults``, short."""

import json
import os
from random import Random

import pytest

from bench import faults
from bench.answer_faults import any_of_them
from bench.faults import Trial
from bench.federation import Differences, changing_peers, make_hub
from bench.node import environment
from bench.publish import node_settings


@pytest.fixture(scope="module")
def peers(tmp_path_factory):
    """Three nodes that somebody edits while a trial runs."""
    with changing_peers(tmp_path_factory.mktemp("peers"), 3, 250, Random(20261126), faults.SHARE) as peers:
        yield peers


@pytest.fixture
def make(peers, tmp_path):
    """Makes a hub that follows the peers."""
    return lambda url="": make_hub(tmp_path / "hub", [peer.settings.base_url for peer in peers], url)


def nothing_is_lost(trial):
    return trial.found.compared > 3 * 250 and trial.well


def test_a_hub_whose_worker_is_killed_equals_its_peers_in_the_end(make, peers, database_url):
    trial = faults.kills(make(database_url), peers, 4, Random(1))

    assert trial.struck == 4
    assert trial.orphans == 0
    assert nothing_is_lost(trial), trial.line()


def test_a_hub_whose_answers_are_spoilt_equals_its_peers_in_the_end(make, peers):
    trial = faults.strikes(make(), peers, "any", any_of_them, Random(2), 40)

    assert trial.struck >= 40
    assert nothing_is_lost(trial), trial.line()


def test_a_hub_whose_reading_children_are_killed_equals_its_peers_in_the_end(make, peers):
    trial = faults.killed_readers(make(), peers, 5, Random(3))

    assert trial.struck == 5
    assert nothing_is_lost(trial), trial.line()


def test_a_difference_is_told_and_is_not_well():
    lost = Trial("cut", 1, 2, Differences(compared=3, missing=1))
    orphaned = Trial("kill -9", 1, 2, Differences(compared=3), orphans=1)

    assert not lost.well
    assert not orphaned.well
    assert json.dumps(lost.as_dict())
    assert lost.line().split()[:7] == ["cut", "1", "2", "3", "0", "1", "0"]


def test_a_benchmark_never_touches_the_node_that_is_set_up_here(monkeypatch, tmp_path):
    monkeypatch.setenv("CHM_DATABASE_URL", "sqlite:////nowhere/real.sqlite")
    monkeypatch.setenv("CHM_BASE_URL", "https://chm.example.org/")
    monkeypatch.setenv("CHM_CONFIG", str(tmp_path / "chm.toml"))
    (tmp_path / "chm.toml").write_text('contact = "focal.point@example.org"\n')

    settings = node_settings(tmp_path / "bench", port=8201)

    assert settings.database == f"sqlite:///{tmp_path}/bench/chm.sqlite"
    assert (settings.base_url, settings.contact) == ("http://127.0.0.1:8100/", "")
    told = {name: value for name, value in environment(settings).items() if name.startswith("CHM_")}
    assert told == {
        "CHM_DATA_DIR": f"{tmp_path}/bench",
        "CHM_COUNTRY": "DZ",
        "CHM_PORT": "8201",
        "CHM_CONFIG": os.devnull,
    }
    assert os.environ["PATH"] == environment(settings)["PATH"]
