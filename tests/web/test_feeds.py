"""Any listing as a feed, in four formats."""

import io
import json
import subprocess
import xml.etree.ElementTree as ET
from datetime import UTC, datetime

import feedparser
import pytest
from lxml import etree
from requests.utils import parse_header_links

from chm_node.database import writing
from chm_node.record import Action, Change, Entry, RecordGraph
from harvest.description import Description
from harvest.sources import propose
from harvest.trust import Authority

XML_FORMATS = ("rss", "rdf", "atom")
FORMATS = (*XML_FORMATS, "json")
ATOM = "{http://www.w3.org/2005/Atom}"
XML_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
NAUGHTY = "<script>alert(1)</script> \"q\" & ]]> <![CDATA[ \u202e \u0001 \ufffe 🦋 {{ 7*7 }} 'x' \\ \tend"


def parsed(answer):
    # As a stream: feedparser takes bytes for a file name first.
    return feedparser.parse(io.BytesIO(answer.data), response_headers={"content-type": answer.headers["Content-Type"]})


def ids(site, query="", extension="json"):
    answer = site.get(f"feeds/all.{extension}?{query}")
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json["items"]]


@pytest.mark.parametrize("extension", XML_FORMATS)
@pytest.mark.parametrize("query", ["", "lang=ar", "lang=fr&type=event&country=DZ", "q=nothing-like-this"])
def test_feed_readers_find_nothing_to_complain_about(site, extension, query):
    answer = site.get(f"feeds/all.{extension}?{query}")
    found = parsed(answer)
    assert not found.bozo, found.get("bozo_exception")
    assert len(found.entries) == len(ids(site, query))
    assert found.feed.title


@pytest.mark.parametrize("extension", FORMATS)
def test_entries_are_the_records_newest_first(site, extension):
    if extension == "json":
        found = ids(site)
    else:
        found = [entry.id for entry in parsed(site.get(f"feeds/all.{extension}")).entries]
    assert found[0] == site.iris["corrected"]
    assert found[1] == site.iris["withdrawn"]
    assert found[-1] == site.iris["workshop"]
    assert len(found) == 12


def test_rss_1_is_rdf(site, tmp_path):
    file = tmp_path / "feed.rdf"
    file.write_bytes(site.get("feeds/all.rdf?lang=fr").data)
    done = subprocess.run(
        ["rapper", "-q", "-i", "rdfxml", "-o", "ntriples", str(file), "https://node.example/feeds/all.rdf"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    title = "<http://purl.org/rss/1.0/title>"
    assert f'<{site.iris["workshop"]}> {title} "Atelier r\\u00E9gional sur les PCB"@fr .' in done.stdout
    assert f'<{site.iris["workshop"]}> <http://purl.org/rss/1.0/modules/event/startdate> "2010-05-02"' in done.stdout
    assert f"<http://www.w3.org/2000/01/rdf-schema#seeAlso> <{site.iris['workshop']}.ttl>" in done.stdout


def test_the_items_of_rss_1_match_the_list_in_its_channel(site):
    root = etree.fromstring(site.get("feeds/all.rdf").data)
    rdf = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
    listed = [element.get(f"{rdf}resource") for element in root.iter(f"{rdf}li")]
    assert listed == [element.get(f"{rdf}about") for element in root.iter("{http://purl.org/rss/1.0/}item")]


@pytest.mark.parametrize("extension", FORMATS)
def test_the_same_listing_gives_the_same_bytes(site, extension):
    first = site.get(f"feeds/all.{extension}?lang=fr&type=event")
    # The same query in another spelling is not answered from what is kept.
    again = site.get(f"feeds/all.{extension}?type=event&lang=fr")
    assert first.data == again.data
    assert first.headers["ETag"] == again.headers["ETag"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("type=meeting", {"meeting"}),
        ("type=meeting&type=news", {"meeting", "news", "arabic-news", "corrected"}),
        ("country=TN", {"news"}),
        ("country=Tunisia", {"news"}),
        ("country=%D8%AA%D9%88%D9%86%D8%B3", {"news"}),
        ("country=countries/TN", {"news"}),
        ("country=https://w3id.org/chm/vocabulary/countries/TN", {"news"}),
        ("treaty=stockholm", {"workshop", "meeting"}),
        ("subject=PCB", {"workshop"}),
        ("subject=1336-36-3", {"workshop"}),
        ("language=ar", {"workshop", "arabic-news"}),
        ("type=event&country=DZ&language=ar", {"workshop"}),
        ("country=DZ&type=event", {"workshop", "event-1", "event-3", "event-5", "withdrawn"}),
        ("q=formation", {f"event-{number}" for number in range(1, 7)}),
        ("q=cancelled", {"withdrawn"}),
        ("q=%22", set()),
        ("q=-+*", set()),
        ("q=%F0%9F%98%80", set()),
        ("q=%00", set()),
        ("q=%F0%9F%98%80&type=event", set()),
        ("q=+", None),
        ("origin=https://node.example/node&type=meeting", {"meeting"}),
        ("origin=https://other.example/node", set()),
        ("type=&country=&q=", None),
    ],
)
def test_filters_choose_the_records_and_their_withdrawals(site, query, expected):
    names = {iri: name for name, iri in site.iris.items()}
    assert {names[iri] for iri in ids(site, query)} == (set(site.iris) if expected is None else expected)


def test_a_term_stands_for_its_narrower_terms(site):
    region = "https://w3id.org/chm/vocabulary/cbd-regions/942E40CA-4C23-4D3A-A0B4-736CD0EFCD54"
    site.publish("albanian", "news", {"title": {"en": "From Tirana"},
                                      "coverage": ["https://w3id.org/chm/vocabulary/countries/AL"]})  # fmt: skip
    assert ids(site, f"country={region}") == [site.iris["albanian"]]


@pytest.mark.parametrize(
    ("query", "parameter", "suggestion"),
    [
        ("contry=DZ", "contry", "country"),
        ("country=Algeri", "country", "DZ"),
        ("type=evnt", "type", "event"),
        ("treaty=stokholm", "treaty", "stockholm"),
        ("lang=de", "lang", "fr"),
        ("lang=ar&lang=xx", "lang", ""),
        ("before=1&before=2", "before", ""),
        ("language=french", "language", "fr"),
        ("before=yesterday", "before", ""),
        ("origin=nonsense", "origin", ""),
        ("q=a&q=b", "q", ""),
    ],
)
def test_what_is_not_understood_is_named_with_a_suggestion(site, query, parameter, suggestion):
    answer = site.get(f"feeds/all.rss?{query}")
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"
    assert answer.json["parameter"] == parameter
    assert suggestion in " ".join(answer.json["suggestions"])


def test_an_unknown_format_is_not_found(site):
    assert site.get("feeds/all.xml").status_code == 404


def test_an_arabic_entry_says_its_language_and_runs_from_right_to_left(site):
    root = etree.fromstring(site.get("feeds/all.atom?lang=ar&type=event&country=DZ").data)
    assert root.get(XML_LANGUAGE) == "ar"
    entry = root.findall(f"{ATOM}entry")[-1]
    assert entry.get(XML_LANGUAGE) == "ar"
    assert entry.find(f"{ATOM}content").text.startswith('<div lang="ar" dir="rtl"><p>ورشة إقليمية')
    item = etree.fromstring(site.get("feeds/all.rss?lang=ar&subject=PCB").data).find("channel/item")
    assert item.get(XML_LANGUAGE) == "ar"
    assert 'dir="rtl"' in item.find("description").text


def test_an_entry_without_the_language_of_the_feed_says_which_it_has(site):
    root = etree.fromstring(site.get("feeds/all.atom?lang=fr&type=news&country=DZ").data)
    entry = root.find(f"{ATOM}entry")
    assert entry.get(XML_LANGUAGE) == "ar"
    assert 'dir="rtl"' in entry.find(f"{ATOM}content").text


def test_entry_links_keep_their_attributes(site):
    root = etree.fromstring(site.get("feeds/all.atom?subject=PCB&lang=fr").data)
    links = {
        (link.get("rel"), link.get("type"), link.get("hreflang"), link.get("href"))
        for link in root.find(f"{ATOM}entry").findall(f"{ATOM}link")
    }
    iri = site.iris["workshop"]
    assert links == {
        ("alternate", "text/html", "fr", iri.replace(".example/", ".example/fr/")),
        ("describedby", "text/turtle", None, f"{iri}.ttl"),
        ("describedby", "application/rdf+xml", None, f"{iri}.rdf"),
    }


def test_a_link_to_a_page_says_the_language_of_the_page(new_site):
    site = new_site(languages=("fr", "en"), titles={"fr": "Nœud", "en": "Node"})
    site.publish("news", "news", {"title": {"ar": "افتتاح المركز"}})
    for language, pages in (("ar", "fr"), ("ru", "fr"), ("en", "en")):
        root = etree.fromstring(site.get(f"feeds/all.atom?lang={language}").data)
        links = root.findall(f".//{ATOM}link[@rel='alternate']")
        assert len(links) == 2
        assert {(link.get("hreflang"), link.get("href").split("/")[3]) for link in links} == {(pages, pages)}


def test_the_link_of_an_rss_channel_is_the_page_of_the_listing(site):
    channel = etree.fromstring(site.get("feeds/all.rss?lang=fr&type=event").data).find("channel")
    assert channel.find("link").text == "https://node.example/fr/records?type=event"
    assert channel.find("item/guid").text in site.iris.values()
    assert channel.find("item/guid").get("isPermaLink") == "false"


def test_terms_are_categories_by_iri_and_label(site):
    pcb = "https://w3id.org/chm/vocabulary/stockholm-pops/STOCKHOLM-POP-PCB"
    item = etree.fromstring(site.get("feeds/all.rss?subject=PCB&lang=fr").data).find("channel/item")
    domains = {category.get("domain"): category.text for category in item.findall("category")}
    assert pcb in domains
    assert domains["https://w3id.org/chm/vocabulary/countries/DZ"] == "Algérie"
    entry = etree.fromstring(site.get("feeds/all.atom?subject=PCB&lang=fr").data).find(f"{ATOM}entry")
    assert pcb in {category.get("term") for category in entry.findall(f"{ATOM}category")}


def test_new_changed_and_withdrawn_are_told_apart(site):
    items = {item["id"]: item for item in site.get("feeds/all.json").json["items"]}
    assert items[site.iris["corrected"]]["_chm"]["change"] == "changed"
    assert items[site.iris["withdrawn"]]["_chm"]["change"] == "withdrawn"
    assert items[site.iris["news"]]["_chm"]["change"] == "new"
    for extension in XML_FORMATS:
        entries = {entry.id: entry for entry in parsed(site.get(f"feeds/all.{extension}")).entries}
        terms = {tag.term or tag.label for tag in entries[site.iris["withdrawn"]].tags}
        assert "withdrawn" in terms


def told(site, name, query):
    """Title and text of an entry in every format, as readers get them."""
    for extension in XML_FORMATS:
        entry = next(
            each for each in parsed(site.get(f"feeds/all.{extension}?{query}")).entries if each.id == site.iris[name]
        )
        yield entry.title, " ".join([entry.get("summary", ""), *(each.value for each in entry.get("content", []))])
        if extension == "rdf":
            yield entry.title, entry.summary
    item = next(each for each in site.get(f"feeds/all.json?{query}").json["items"] if each["id"] == site.iris[name])
    yield item["title"], item["content_html"]
    yield item["title"], item["summary"]


@pytest.mark.parametrize(
    ("language", "title", "reason"),
    [
        ("en", "Withdrawn: Cancelled course", "Withdrawn: It was cancelled."),
        ("fr", "Withdrawn: Cancelled course", "Retrait : Le formateur est malade."),
        ("ar", "Withdrawn: Cancelled course", "Withdrawn: It was cancelled."),
    ],
)
def test_an_entry_of_a_withdrawal_says_so_and_why(site, language, title, reason):
    site.publish("withdrawn", "event", {"title": {"en": "Cancelled course"}, "starts": "2020-01-01"})
    site.withdraw("withdrawn", reason={"en": "It was cancelled.", "fr": "Le formateur est malade."})
    for found, text in told(site, "withdrawn", f"lang={language}"):
        assert found == title
        assert reason in text


def test_an_entry_of_a_change_says_so_and_what_changed(site):
    note = {"ar": "صُحّح التاريخ.", "en": "The date <was> corrected.", "pt": "Data corrigida."}
    site.publish("news", "news", {"title": {"fr": "Ouverture du centre", "ar": "افتتاح"}, "change_note": note})
    for title, text in told(site, "news", "lang=ar"):
        assert title == "تغيير: افتتاح"
        assert "تغيير: صُحّح التاريخ." in text
    for title, text in told(site, "news", "lang=fr"):
        assert title == "Modification : Ouverture du centre"
        assert "Changed: The date" in text


def test_a_new_record_is_announced_by_its_title_alone(site):
    site.publish("fresh", "news", {"title": {"en": "Fresh"}, "change_note": {"en": "Made from a draft"}})
    for title, text in told(site, "fresh", "lang=en"):
        assert title == "Fresh"
        assert "draft" not in text


def test_a_remark_runs_its_own_way(site):
    site.publish("news", "news", {"title": {"fr": "Ouverture du centre"}, "change_note": {"ar": "صُحّح التاريخ."}})
    item = site.get("feeds/all.json?lang=fr&country=TN&type=news").json
    assert not item["items"]
    body = next(each for each in site.get("feeds/all.json?lang=fr").json["items"] if each["id"] == site.iris["news"])
    assert '<p lang="ar" dir="rtl">تغيير: صُحّح التاريخ.</p>' in body["content_html"]
    assert body["content_html"].startswith('<div lang="fr" dir="ltr">')


def test_atom_carries_a_tombstone(site):
    root = etree.fromstring(site.get("feeds/all.atom").data)
    gone = root.findall("{http://purl.org/atompub/tombstones/1.0}deleted-entry")
    assert [element.get("ref") for element in gone] == [site.iris["withdrawn"]]
    assert gone[0].get("when") == "2026-03-01T08:13:00.000Z"


def test_dates_are_those_of_the_records_and_never_the_clocks(site):
    root = etree.fromstring(site.get("feeds/all.atom").data)
    assert root.find(f"{ATOM}updated").text == "2026-03-01T08:14:00+00:00"
    entry = root.find(f"{ATOM}entry")
    assert entry.find(f"{ATOM}published").text == "2026-03-01T08:12:00+00:00"
    assert entry.find(f"{ATOM}updated").text == "2026-03-01T08:14:00+00:00"


def test_an_event_says_when_it_is(site):
    for extension in XML_FORMATS:
        root = ET.fromstring(site.get(f"feeds/all.{extension}?subject=PCB").data)
        event = "{http://purl.org/rss/1.0/modules/event/}"
        assert [element.text for element in root.iter(f"{event}startdate")] == ["2010-05-02"]
        assert [element.text for element in root.iter(f"{event}enddate")] == ["2010-05-03"]


EVENT = "{http://purl.org/rss/1.0/modules/event/}"


@pytest.mark.parametrize("extension", FORMATS)
def test_only_events_are_told_as_events(site, extension):
    place = {"name": {"en": "Head office"}, "locality": "Alger"}
    site.publish("plan", "project", {"title": {"en": "Plan"}, "starts": "2020-01-01", "ends": "2021-01-01"})
    site.publish("office", "organization", {"title": {"en": "Office"}, "location": place})
    site.publish("report", "document", {"title": {"en": "Report"}, "date": "2020-02-03"})
    data = site.get(f"feeds/all.{extension}?type=project&type=organization&type=document").data
    if extension == "json":
        items = json.loads(data)["items"]
        assert len(items) == 3
        assert {"starts", "ends", "event", "location", "organizers"}.isdisjoint(
            name for item in items for name in item["_chm"]
        )
    else:
        root = ET.fromstring(data)
        assert site.iris["plan"].encode() in data
        assert [element.tag for element in root.iter() if element.tag.startswith(EVENT)] == []


def said_of_events(site, extension, query):
    root = ET.fromstring(site.get(f"feeds/all.{extension}?{query}").data)
    names = ("location", "organizer", "type")
    return {name: [element.text for element in root.iter(f"{EVENT}{name}")] for name in names}


def publish_course(site):
    centre = site.publish("centre", "organization", {"title": {"fr": "Centre régional", "ar": "المركز الإقليمي"}})
    nobody = "https://elsewhere.example/id/organization/1"
    site.publish("course", "training", {
        "title": {"fr": "Formation"},
        "starts": "2021-03-01",
        "place": {"name": {"fr": "Siège du centre", "ar": "مقر المركز"}, "locality": "Alger",
                  "country": "https://w3id.org/chm/vocabulary/countries/DZ"},
        "organisers": [centre, nobody, {"name": {"fr": "Ministère <A&B>"}}],
    })  # fmt: skip


@pytest.mark.parametrize("extension", XML_FORMATS)
def test_an_event_says_where_it_is_who_organises_it_and_what_it_is(site, extension):
    publish_course(site)
    nobody = "https://elsewhere.example/id/organization/1"
    assert said_of_events(site, extension, "type=training&lang=fr") == {
        "location": ["Siège du centre, Alger, Algérie"],
        "organizer": [f"{nobody}; Centre régional; Ministère <A&B>"],
        "type": ["Formation"],
    }
    assert said_of_events(site, extension, "type=training&lang=ar")["location"] == ["مقر المركز، Alger، الجزائر"]
    assert said_of_events(site, extension, "type=news") == {"location": [], "organizer": [], "type": []}


def test_an_event_in_json_says_where_it_is_and_who_organises_it(site):
    publish_course(site)
    [item] = site.get("feeds/all.json?type=training&lang=ar").json["items"]
    assert item["_chm"]["location"] == "مقر المركز، Alger، الجزائر"
    assert item["_chm"]["organizers"][1:] == ["المركز الإقليمي", "Ministère <A&B>"]


def test_a_feed_changes_when_an_organiser_changes_its_name(site):
    publish_course(site)
    before = site.get("feeds/all.rss?type=training&lang=fr")
    site.publish("centre", "organization", {"title": {"fr": "Nouveau centre"}})
    after = site.get("feeds/all.rss?type=training&lang=fr", if_none_match=before.headers["ETag"])
    assert "Nouveau centre" in after.text


def test_a_harvested_event_of_any_shape_breaks_no_feed(site):
    iri, peer = "https://peer.example/id/event/1", "https://peer.example/node"
    schema, country = "https://schema.org/", "https://w3id.org/chm/vocabulary/countries/TN"
    organisers = "".join(f"<{iri}> <{schema}organizer> <https://o.example/{n}> .\n" for n in range(200))
    nquads = (
        f'<{iri}> <{schema}location> "Tunis\\u0001"@fr .\n<{iri}> <{schema}location> <{country}> .\n'
        f'<{iri}> <{schema}location> <{iri}#place> .\n<{iri}> <{schema}organizer> "Somebody" .\n{organisers}'
    ).encode()
    graph = RecordGraph(iri, Action.CREATE, peer, datetime(2026, 2, 1, tzinfo=UTC), nquads, "0" * 64)
    entry = Entry("event", {"fr": "Bonjour"}, {}, [("type", "event")], "2026-02-01")
    site.take_over([Change(datetime(2026, 4, 1, tzinfo=UTC), graph, entry, (peer,), f"{peer}/act")])
    found = said_of_events(site, "rss", "origin=https://peer.example/node&lang=fr")
    assert found["location"] == ["Tunis; Tunisie"]
    assert len(found["organizer"][0].split("; ")) == 10


def test_links_lead_through_the_whole_listing_and_back(site):
    for number in range(120):
        site.publish(f"page-{number}", "news", {"title": {"en": f"News number {number}"}})
    seen, address, addresses = [], "feeds/all.json?type=news", []
    while address:
        document = site.get(address).json
        assert len(document["items"]) <= 50
        seen += [item["id"] for item in document["items"]]
        addresses.append(document["feed_url"])
        address = document.get("next_url")
    assert len(seen) == len(set(seen)) == 123
    back = [site.get(each).json["_chm"].get("previous") for each in addresses]
    assert back[0] is None
    assert [site.get(each).json["items"][0]["id"] for each in back[1:]] == [
        site.get(each).json["items"][0]["id"] for each in addresses[:-1]
    ]
    root = etree.fromstring(site.get(addresses[1].replace(".json", ".atom")).data)
    assert {link.get("rel") for link in root.findall(f"{ATOM}link")} == {
        "self", "first", "previous", "next", "alternate",
    }  # fmt: skip
    assert 'rel="next"' in site.get(addresses[0]).headers["Link"]


def test_a_feed_of_a_long_search_names_its_hub_and_itself_in_less_than_a_web_server_passes_on(site):
    """nginx has 4 KiB for all headers of an answer."""
    answer = site.get(f"feeds/all.rss?q={'ز' * 300}")
    assert answer.status_code == 200
    assert len(str(answer.headers)) < 3800
    assert [link["rel"] for link in parse_header_links(answer.headers["Link"])] == ["hub", "self"]


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("language=ar&lang=fr", "Nœud d'essai – arabe"),
        ("language=ar&language=zh&lang=ar", "عقدة تجريبية – العربية – الصينية"),
        ("language=ar&lang=es", "Test node – árabe"),
        ("origin=https://node.example/node&lang=fr", "Nœud d'essai – Nœud d'essai"),
        ("origin=https://tunis.example/node&type=news&lang=ar", "عقدة تجريبية – خبر – مركز تونس"),
        ("origin=https://other.example/node&q=PCB", "Test node – PCB – other.example"),
    ],
)
def test_the_title_of_a_feed_says_in_words_what_it_is_of(site, query, title):
    tunis = Authority("https://tunis.example/node", "https://tunis.example/id/", "")
    titles = {"fr": "Centre de Tunis", "ar": "مركز تونس"}
    with writing(site.engine) as connection:
        propose(connection, "https://tunis.example/", Description(tunis, "", "", titles, "TN", ()), site.now)
    assert site.get(f"feeds/all.json?{query}").json["title"] == title


def test_a_harvested_record_names_its_origin(site):
    iri, peer = "https://peer.example/id/news/1", "https://peer.example/node"
    nquads = f'<{iri}> <http://purl.org/dc/terms/title> "Bonjour"@fr .\n'.encode()
    graph = RecordGraph(iri, Action.CREATE, peer, datetime(2026, 2, 1, tzinfo=UTC), nquads, "0" * 64)
    entry = Entry("news", {"fr": "Bonjour"}, {}, [("type", "news")])
    site.take_over([Change(datetime(2026, 4, 1, tzinfo=UTC), graph, entry, (peer,), f"{peer}/act")])
    atom = etree.fromstring(site.get("feeds/all.atom").data).find(f"{ATOM}entry")
    assert atom.find(f"{ATOM}id").text == iri
    assert atom.find(f"{ATOM}source/{ATOM}id").text == peer
    assert atom.find(f"{ATOM}author/{ATOM}name").text == "peer.example"
    rss = etree.fromstring(site.get("feeds/all.rss").data).find("channel/item")
    assert rss.find("source").get("url") == "https://peer.example/feeds/all.rss"
    rss_1 = etree.fromstring(site.get("feeds/all.rdf").data)
    assert rss_1.find(".//{http://purl.org/dc/elements/1.1/}source").text == peer


@pytest.mark.parametrize("extension", FORMATS)
def test_naughty_strings_break_no_feed(site, extension):
    # A harvested record is stored as it came, so no door of ours has cleaned this one.
    iri, peer = "https://peer.example/id/news/1", "https://peer.example/node"
    graph = RecordGraph(iri, Action.CREATE, peer, datetime(2026, 2, 1, tzinfo=UTC), b"", "0" * 64)
    entry = Entry("news", {"en": NAUGHTY}, {"en": f"{NAUGHTY}\n{NAUGHTY}"}, [("type", "news"), ("subject", "a<b&c")])
    site.take_over([Change(datetime(2026, 4, 1, tzinfo=UTC), graph, entry, (peer,), f"{peer}/act")])
    data = site.get(f"feeds/all.{extension}").data
    if extension == "json":
        assert json.loads(data)["items"][0]["id"] == iri
    else:
        etree.fromstring(data)
        found = feedparser.parse(io.BytesIO(data))
        assert not found.bozo
        assert "<script>" not in found.entries[0].summary


def test_opml_lists_feeds_that_exist(site):
    root = etree.fromstring(site.get("feeds.opml").data)
    addresses = [element.get("xmlUrl") for element in root.iter("outline") if element.get("xmlUrl")]
    assert "https://node.example/feeds/all.rss?country=DZ&lang=ar" in addresses
    assert "https://node.example/feeds/all.atom?lang=fr" in addresses
    assert all(site.get(address).status_code == 200 for address in addresses)
