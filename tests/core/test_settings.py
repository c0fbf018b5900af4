"""A wrong setting stops the start and is named."""

import pytest

from chm_node.errors import SettingsError
from chm_node.settings import Settings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHM_CONFIG", raising=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_url", "chm.example.org"),
        ("base_url", "ftp://chm.example.org/"),
        ("base_url", "https://chm.example.org/sub/"),
        ("base_url", f"https://{'a' * 120}.example.org/"),
        ("languages", "fr,xx"),
        ("languages", ""),
        ("country", "Algeria"),
        ("port", "70000"),
        ("port", "eighty"),
        ("profile", "test"),
        ("poll_minutes", "0"),
        ("max_withdrawal_share", "2"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch, name, value):
    monkeypatch.setenv(f"CHM_{name.upper()}", value)
    with pytest.raises(SettingsError, match=name):
        Settings.load()


def test_every_wrong_setting_is_named_at_once(monkeypatch):
    monkeypatch.setenv("CHM_PORT", "x")
    monkeypatch.setenv("CHM_COUNTRY", "Algeria")
    with pytest.raises(SettingsError, match=r"country.*port|port.*country"):
        Settings.load()


def test_a_key_nobody_knows_in_the_file_is_an_error(monkeypatch, tmp_path):
    (tmp_path / "chm.toml").write_text('base_ulr = "https://chm.example.org/"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="base_ulr"):
        Settings.load()


def test_a_file_that_is_no_toml_is_named(tmp_path):
    (tmp_path / "chm.toml").write_text("base_url = \n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"chm\.toml"):
        Settings.load()


def test_the_environment_wins_over_the_file(monkeypatch, tmp_path):
    (tmp_path / "chm.toml").write_text('base_url = "https://a.example.org"\ncountry = "tn"\n', encoding="utf-8")
    monkeypatch.setenv("CHM_BASE_URL", "https://b.example.org")
    settings = Settings.load()
    assert settings.base_url == "https://b.example.org/"
    assert settings.country == "TN"
    assert settings.uri_space == "https://b.example.org/id/"
    assert settings.node_iri == "https://b.example.org/node"


def test_the_demo_profile_runs_on_this_machine_alone():
    with pytest.raises(SettingsError, match="base_url"):
        Settings.load(profile="demo", base_url="https://chm.example.org/")
