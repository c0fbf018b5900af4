"""What goes wrong, as machines and browsers are told."""

import logging
import re

import pytest

from chm_node.errors import ChmError
from chm_node.web.problems import PROBLEMS, STATUSES

ADDRESSES = ["", "feed", "feeds/all.rss", "catalogue", "node", "livez", "nowhere"]


def subclasses(error):
    return {error}.union(*(subclasses(each) for each in error.__subclasses__()))


def test_every_error_has_a_status():
    assert all(any(each in STATUSES for each in error.__mro__) for error in subclasses(ChmError))


def test_an_address_nobody_serves_is_a_problem_with_a_type(site):
    answer = site.get("nowhere", accept="application/json")
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
    assert answer.json["type"].startswith(PROBLEMS)
    assert answer.json["status"] == 404


def test_a_browser_gets_a_page(site):
    answer = site.get("nowhere", accept="text/html")
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("ar/records?page=99", 404, "لا يوجد شيء في هذا العنوان"),
        ("ar/record?iri=http://x.example/y", 404, "لا تحفظ هذه العقدة السجل http://x.example/y."),
        ("fr/records?page=x", 400, "La partie « page » de l’adresse n’est pas comprise."),
        ("fr/records?contry=DZ", 400, "Peut-être l’une de celles-ci : country"),
        ("feeds/all.rss?country=Algeri", 400, "La partie « country » de l’adresse n’est pas comprise."),
        ("hub", 405, "Une erreur s’est produite"),
    ],
)
def test_an_error_page_is_in_the_language_of_the_page(site, path, status, says):
    headers = {"Accept": "text/html", "Accept-Language": "fr"}
    answer = site.client.open(f"/{path}", method="DELETE" if status == 405 else "GET", headers=headers)
    assert answer.status_code == status
    main = re.sub(r"<[^>]+>", "", answer.text.partition("<main")[2].partition("</main>")[0])
    assert says in " ".join(main.split())
    assert "URL" not in main
    assert "page:" not in main
    assert 'lang="en"' not in answer.text.partition("<main")[2]


def test_an_error_page_in_english_has_the_detail(site):
    answer = site.get("en/records?page=x", accept="text/html")
    assert "page: write a number from 1 to 500" in answer.text


def test_an_error_page_does_no_harm(site):
    for language in ("en", "ar"):
        answer = site.get(f"{language}/record?iri=http://x.example/%3Cscript%3E'%22", accept="text/html")
        assert "<script>" not in answer.text
        answer = site.get(f"{language}/records?%3Cscript%3E=1", accept="text/html")
        assert "<script>" not in answer.text


def test_a_method_nobody_serves_says_which_there_are(site):
    answer = site.client.post("/feed")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_an_unexpected_error_is_logged_and_not_shown(site, monkeypatch, caplog):
    site.app.testing = False
    monkeypatch.setitem(site.app.view_functions, "node.ready", lambda: 1 / 0)
    with caplog.at_level(logging.ERROR):
        answer = site.get("readyz")
    assert answer.status_code == 500
    assert "ZeroDivisionError" not in answer.text
    assert answer.json["reference"] in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_database_that_fails_is_a_503_with_advice(site, caplog):
    with site.app.extensions["chm"].engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE log_head")
    answer = site.get("readyz")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "log_head" not in answer.text
    assert site.get("feeds/all.rss").status_code == 503


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_is_guarded_and_sets_no_cookie(site, address):
    answer = site.get(address)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"]
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")


def test_addresses_come_from_the_settings_and_not_from_the_request(site):
    answer = site.client.get("/feeds/all.rss", headers={"Host": "evil.example"})
    assert "evil.example" not in answer.text
    redirect = site.client.get("/node", headers={"Host": "evil.example", "Accept": "text/html"})
    assert redirect.headers["Location"].startswith("https://node.example/")


@pytest.mark.parametrize(
    ("path", "right"), [("/fr", "fr/"), ("/id//event/x", "id/event/x"), ("/fr?a=%C3%A9", "fr/?a=%C3%A9")]
)
@pytest.mark.parametrize("host", ["node.example", "127.0.0.1:8100"], ids=["passed on", "as nginx asks by default"])
def test_a_missing_or_doubled_slash_leads_to_the_public_address(site, path, right, host):
    """A web server with HTTPS asks without encryption; a redirect to http would be one that hubs refuse."""
    answer = site.client.get(path, headers={"Host": host}, base_url=f"http://{host}")
    assert (answer.status_code, answer.headers["Location"]) == (308, f"https://node.example/{right}")
    assert host not in answer.text


def test_a_request_that_is_too_large_is_refused(site):
    answer = site.client.post("/feed", data=b"x" * 3_000_000)
    assert answer.status_code in (405, 413)


@pytest.mark.parametrize(
    "path",
    [
        "/en/records?page=" + "9" * 28,
        "/en/records?page=" + "1" * 5000,
        "/en/records?page=0005000",
        "/catalogue.ttl?page=" + "9" * 28,
        "/feeds/all.rss?before=999999999999999",
        "/record?iri=https://node.example/id/%0d%0aX-A:1",
        "/record?iri=%00",
        "/en/record?iri=%00",
    ],
)
def test_what_nobody_means_is_a_bad_request(site, path):
    assert site.client.get(path).status_code == 400


@pytest.mark.parametrize("path", ["/id/event/%00", "/en/id/event/%00", "/receipts?node=x%00"])
def test_an_address_that_cannot_be_is_not_found(site, path):
    assert site.client.get(path).status_code == 404


def test_a_page_in_a_language_the_node_does_not_speak_is_not_found(new_site):
    site = new_site(languages=("en",))
    for path in ("/ar/", "/ar/network", "/ar/records"):
        assert site.client.get(path).status_code == 404, path


#: Everything that takes a text from its address, with a text that PostgreSQL cannot be asked for.
WITH_ZERO = [
    "en/id/news/a%00", "id/news/a%00.ttl", "en/record?iri=https://n.example/%00", "record?iri=https://n.example/%00",
    "en/records?q=%00", "en/records?origin=https://n.example/%00", "en/records?subject=%00a", "catalogue?page=%00",
    "feeds/all.atom?before=%00", "feed/1/%00", "act/%00", "vocabulary/%00", "ping/%00", "en/receipts?record=%00",
    "en/receipts?record=https://n.example/%00", "en/receipts?page=%00", "receipts?node=%00",
    "receipts?node=https://n.example/node&after=%00", "receipts.atom?node=a%00", "en/network/receipts?node=a%00",
    "en/check?url=%00", "en/check.txt?url=https://n.example/%00", "check.json?url=a%00", "badge.svg?node=%00",
]  # fmt: skip


def test_a_zero_byte_in_an_address_is_the_reader_s_fault_on_both_databases(new_site, database_url):
    site = new_site(database_url=database_url)
    answered = {path: site.get(path).status_code for path in WITH_ZERO}
    assert {path: status for path, status in answered.items() if status not in (200, 400, 404)} == {}
