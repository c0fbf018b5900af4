"""A wrong setting stops the start and is named."""

import os
from contextlib import contextmanager
from pathlib import Path

import certifi
import pytest

from chm_node import settings as settings_module
from chm_node.errors import SettingsError
from chm_node.settings import Settings


@pytest.fixture(autouse=True)
def _folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.txt").write_text("neither certificates nor a folder")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "oases.ttl").write_text("<oases> a", encoding="utf-8")


WRONG = [
    ("base_url", "chm.example.org"),
    ("base_url", "ftp://chm.example.org/"),
    ("base_url", "https://chm.example.org/sub/"),
    ("base_url", f"https://{'a' * 60}.{'b' * 60}.example.org/"),
    ("base_url", "https://exa mple.org/"),
    ("base_url", "https://exämple.org/"),
    ("base_url", "https://user:pw@example.org/"),
    ("base_url", "https://example.org:99999/"),
    ("base_url", "https://example.org:0/"),
    ("base_url", "https://[::1/"),
    ("base_url", "https://-example.org/"),
    ("base_url", ""),
    ("moved_from", "https://a.example.org/,https://b.example .org/"),
    ("languages", "fr,xx"),
    ("languages", ""),
    ("country", "Algeria"),
    ("country", "XX"),
    ("port", "70000"),
    ("port", "eighty"),
    ("profile", "test"),
    ("poll_minutes", "0"),
    ("poll_minutes", "nan"),
    ("max_withdrawal_share", "2"),
    ("data_dir", "file.txt"),
    ("data_dir", ""),
    ("database_url", "foo"),
    ("database_url", "mysql://chm@db.example.org/chm"),
    ("database_url", "postgresql://chm:pw@db.example.org:x/chm"),
    ("database_url", "sqlite://"),
    ("database_url", "sqlite:///:memory:"),
    ("database_url", "sqlite:///node.sqlite?timeout=abc"),
    ("titles", "foo"),
    ("titles", "[]"),
    ("titles", "{}"),
    ("titles", '{"fr": ""}'),
    ("titles", '{"fr": 1}'),
    ("titles", '{"xx yy": "a"}'),
    ("contact", "notmail"),
    ("contact", "a b@example.org"),
    ("contact", "a@example.org\nPolicy: x"),
    ("contact", "<a@example.org>"),
    ("licence", "not an iri <x>"),
    ("licence", ""),
    ("metadata_licence", "not an iri"),
    ("host", ""),
    ("host", "no host"),
    ("sparql", "https://user:pw@queries.example/"),
    ("outbound_proxy", "foo"),
    ("outbound_proxy", "socks5://proxy.example:1080"),
    ("outbound_proxy", "http://proxy.example/path"),
    ("ca_file", "/nope"),
    ("ca_file", "file.txt"),
    ("ca_file", "broken"),
    ("vocabulary_dir", "/nope"),
    ("vocabulary_dir", "file.txt"),
    ("vocabulary_dir", "broken"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_setting_is_named(monkeypatch, name, value):
    monkeypatch.setenv(f"CHM_{name.upper()}", value)
    with pytest.raises(SettingsError, match=f"^{name}( \\(CHM_{name.upper()}\\))?: ") as told:
        Settings.load()
    assert "Value error" not in str(told.value)


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_what_is_wrong_in_the_file_is_named_with_the_file(tmp_path, name, value):
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    (tmp_path / "chm.toml").write_text(f'{name} = "{quoted}"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=f"^{name}( \\(chm\\.toml\\))?: "):
        Settings.load()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("base_url", "HTTPS://Example.ORG", "https://example.org/"),
        ("base_url", "https://example.org:443/", "https://example.org/"),
        ("base_url", "http://[::1]:8100", "http://[::1]:8100/"),
        ("moved_from", "https://A.example.org, http://127.0.0.1:8111/",
         ("https://a.example.org/", "http://127.0.0.1:8111/")),
        ("country", "eu", "EU"),
        ("database_url", "sqlite:///node.sqlite", "sqlite:///node.sqlite"),
        ("database_url", "postgresql://chm:pw@[::1]:5432/chm", "postgresql://chm:pw@[::1]:5432/chm"),
        ("database_url", "postgres://chm:p%40w@localhost/chm", "postgres://chm:p%40w@localhost/chm"),
        ("languages", "fr, ar,fr", ("fr", "ar")),
        ("titles", '{"FR": " Centre d\'échange ", "zh-Hans": "信息交换所"}',
         {"fr": "Centre d'échange", "zh-hans": "信息交换所"}),
        ("contact", "focal.point+chm@environment.gov.dz", "focal.point+chm@environment.gov.dz"),
        ("contact", "", ""),
        ("host", "192.0.2.1", "192.0.2.1"),
        ("host", "::", "::"),
        ("host", "localhost", "localhost"),
        ("outbound_proxy", "http://user:pw@proxy.example.org:3128", "http://user:pw@proxy.example.org:3128"),
        ("outbound_proxy", "", ""),
        ("ca_file", certifi.where(), Path(certifi.where())),
        ("ca_file", "", None),
        ("vocabulary_dir", "", None),
    ],
)  # fmt: skip
def test_what_may_be_written(monkeypatch, name, value, expected):
    monkeypatch.setenv(f"CHM_{name.upper()}", value)
    assert getattr(Settings.load(), name) == expected


@pytest.mark.parametrize(
    ("variable", "hint"),
    [("CHM_DATABSE_URL", "CHM_DATABASE_URL"), ("CHM_BASEURL", "CHM_BASE_URL"), ("chm_contry", "CHM_COUNTRY")],
)
def test_a_variable_that_is_no_setting_is_an_error_that_names_the_nearest_one(monkeypatch, variable, hint):
    monkeypatch.setenv(variable, "x")
    with pytest.raises(SettingsError, match=f"^{variable}: there is no such setting; perhaps {hint}\\?$"):
        Settings.load()


def test_a_variable_like_no_setting_is_an_error_too(monkeypatch):
    monkeypatch.setenv("CHM_QQQQ", "x")
    with pytest.raises(SettingsError, match=r"^CHM_QQQQ: there is no such setting$"):
        Settings.load()


@pytest.mark.parametrize("named", ["nope.toml", "broken"])
def test_a_file_that_is_named_has_to_be_there(monkeypatch, named):
    monkeypatch.setenv("CHM_CONFIG", named)
    with pytest.raises(SettingsError, match=f"^CHM_CONFIG: there is no file {named}"):
        Settings.load()


def test_no_file_at_all_can_be_named(monkeypatch, tmp_path):
    (tmp_path / "chm.toml").write_text('country = "DZ"\n', encoding="utf-8")
    monkeypatch.setenv("CHM_CONFIG", os.devnull)
    assert Settings.load().country == ""


def test_titles_of_the_environment_take_the_place_of_those_of_the_file(monkeypatch, tmp_path):
    (tmp_path / "chm.toml").write_text('titles = { fr = "Nœud" }\n', encoding="utf-8")
    monkeypatch.setenv("CHM_TITLES", '{"ar": "عقدة"}')
    assert Settings.load().titles == {"ar": "عقدة"}


def test_a_country_may_come_from_a_vocabulary_of_ones_own(tmp_path):
    own = (
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
        "@base <https://w3id.org/chm/vocabulary/> .\n"
        "<countries> a skos:ConceptScheme .\n"
        '<countries/XK> a skos:Concept ; skos:inScheme <countries> ; skos:notation "XK" .\n'
    )
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "countries.ttl").write_text(own, encoding="utf-8")
    assert Settings.load(country="xk", vocabulary_dir="own").country == "XK"


def test_settings_made_of_values_alone_heed_neither_environment_nor_file(monkeypatch, tmp_path):
    (tmp_path / "chm.toml").write_text('titles = { en = "Another" }\nnonsense = 1\n', encoding="utf-8")
    monkeypatch.setenv("CHM_PORT", "x")
    settings = Settings.of(titles={"fr": "Démonstration"})
    assert (settings.titles, settings.port) == ({"fr": "Démonstration"}, 8100)


def test_every_wrong_setting_is_named_at_once(monkeypatch):
    wrong = {
        "base_url": "chm.example.org",
        "database_url": "foo",
        "vocabulary_dir": "/nope",
        "contact": "notmail",
        "host": "no host",
        "port": "x",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(f"CHM_{name.upper()}", value)
    with pytest.raises(SettingsError) as told:
        Settings.load()
    assert [each.split(" ")[0] for each in str(told.value).split("; ") if "(CHM_" in each] == list(wrong)


def test_what_depends_on_another_setting_is_named_with_what_does_not(monkeypatch):
    wrong = {
        "moved_from": "https://chm.example.org/",
        "profile": "demo",
        "country": "XX",
        "port": "x",
    }
    for name, value in {"base_url": "https://chm.example.org/", **wrong}.items():
        monkeypatch.setenv(f"CHM_{name.upper()}", value)
    with pytest.raises(SettingsError) as told:
        Settings.load()
    for name in wrong:
        assert f"{name} (CHM_{name.upper()}): " in str(told.value)


@pytest.mark.parametrize("written", ["secret@db.example.org:x", "p@secret@db.example.org"])
def test_no_message_shows_a_password(monkeypatch, written):
    monkeypatch.setenv("CHM_DATABASE_URL", f"postgresql://chm:{written}/chm")
    with pytest.raises(SettingsError) as told:
        Settings.load()
    assert "secret" not in str(told.value)


def test_a_key_nobody_knows_in_the_file_is_an_error(monkeypatch, tmp_path):
    (tmp_path / "chm.toml").write_text('base_ulr = "https://chm.example.org/"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"^base_ulr \(chm\.toml\): there is no such setting; perhaps base_url\?$"):
        Settings.load()


def test_a_file_that_is_no_toml_is_named(tmp_path):
    (tmp_path / "chm.toml").write_text("base_url = \n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"chm\.toml"):
        Settings.load()


@contextmanager
def by_somebody_else():
    """As an account that may not look into folders of ours, as far as we are root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_working_directory_that_may_not_be_looked_into_has_no_file(tmp_path, monkeypatch):
    """As `sudo -u chm` leaves it; what stands at a fixed place has to be readable."""
    tmp_path.chmod(0)
    monkeypatch.setattr(settings_module, "CONFIG_NAMES", (Path("chm.toml"),))
    with by_somebody_else():
        with pytest.raises(
            SettingsError, match=r"^data_dir \(the default\): chm-data lies where this account may not look$"
        ):
            Settings.load()
        assert Settings.load(data_dir="/").port == 8100
        monkeypatch.setattr(settings_module, "CONFIG_NAMES", (Path("chm.toml"), tmp_path / "chm.toml"))
        with pytest.raises(SettingsError, match="Permission denied"):
            Settings.load()
        monkeypatch.setenv("CHM_CONFIG", str(tmp_path / "chm.toml"))
        with pytest.raises(SettingsError, match="Permission denied"):
            Settings.load()
    tmp_path.chmod(0o700)


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
