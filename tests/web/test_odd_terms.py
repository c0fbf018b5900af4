"""Terms that no vocabulary has, and rows of facets as other releases wrote them: every page, feed and link works."""

import json
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import etree
from rdflib import Graph, URIRef

from chm_node.record import Action, Change, Entry, RecordGraph

PEER = "https://peer.example/"
VOCABULARY = "https://w3id.org/chm/vocabulary/"
OTHER_TERM = "http://example.org/term/x"
#: As records of ours, and of peers that read them as we do, come to have them.
STATED = {
    "treaties": ["My treaty"],
    "subjects": ["Oil spills", "Foo: bar", "and/or", "ñandú", OTHER_TERM, f"{VOCABULARY}topics/NEW", '"quoted"'],
    "coverage": ["Atlantis", f"{VOCABULARY}countries/XX"],
}
#: What else may stand in the table of facets.
STORED = [
    ("type", "of-a-package-that-is-gone"),
    *(("subject", value) for value in ("", "a\u0001\u202eb", " c ", "Oil spills")),
    ("subject", "https://other.example/" + "%C3%A9" * 46),
    ("subject", ("https://other.example/" + "%C3%A9" * 60)[:300]),
    ("country", ""),
    ("treaty", "DZ"),
    *(("language", value) for value in ("", "zh-hans", "fra", "ñandú", "http://example.org/language/FRA")),
]  # fmt: skip
THEME = URIRef("http://www.w3.org/ns/dcat#theme")
SYNTAXES = {"ttl": "turtle", "rdf": "xml", "nt": "nt", "jsonld": "json-ld"}


@pytest.fixture
def odd(site):
    """The site with two records more: one that states odd terms, one whose row has odd values."""
    site.publish("stated", "document", {"title": {"fr-ca": "Termes"}, "languages": ["zh-Hans", "pt-BR"], **STATED})
    iri = f"{PEER}id/news/1"
    nquads = f'<{iri}> <http://purl.org/dc/terms/title> "Bonjour"@fr .\n'.encode()
    graph = RecordGraph(iri, Action.CREATE, f"{PEER}node", datetime(2026, 2, 1, tzinfo=UTC), nquads, "0" * 64)
    entry = Entry("news", {"fr": "Bonjour"}, {}, [("type", "news"), ("language", "fr"), *STORED])
    site.take_over([Change(datetime(2026, 4, 1, tzinfo=UTC), graph, entry, (f"{PEER}node",), f"{PEER}act")])
    site.iris["stored"] = iri
    return site


class _Links(HTMLParser):
    """What a page links to, and what its form offers with how many records."""

    def __init__(self, page):
        super().__init__()
        self.hrefs, self.options, self._last = [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag in ("a", "link") and "href" in found:
            self.hrefs.append(found["href"])
        if tag == "input" and found.get("type") in ("checkbox", "radio"):
            self.options.append((found["name"], found["value"], 0))
        self._last = tag

    def handle_data(self, data):
        if self._last == "small" and data.strip().isdecimal() and self.options:
            name, value, _ = self.options.pop()
            self.options.append((name, value, int(data)))


def links(site, path):
    answer = site.get(path)
    assert answer.status_code == 200, path
    return _Links(answer.text)


@pytest.mark.parametrize("path", ["en/", "en/records", "fr/records", "ar/records?type=document", "en/follow"])
def test_every_link_of_a_page_works(odd, path):
    for href in links(odd, path).hrefs:
        if href.startswith(("/", odd.settings.base_url)):
            assert odd.get(href).status_code in (200, 303), href


def test_every_link_of_the_list_of_feeds_works(odd):
    root = etree.fromstring(odd.get("feeds.opml").data)
    found = [each.get(name) for each in root.iter("outline") for name in ("xmlUrl", "htmlUrl") if each.get(name)]
    assert any("My+treaty" in each for each in found)
    assert all(odd.get(each).status_code == 200 for each in found)


@pytest.mark.parametrize("query", ["", "type=document&type=event&type=news", "language=fr&treaty=%22My+treaty%22"])
def test_an_option_shows_as_many_records_as_it_says(odd, query):
    offered = links(odd, f"en/records?{query}").options
    for text in ("My treaty", "Oil spills", "Atlantis"):
        assert any(text in value for _, value, _ in offered), text
    for name, value, count in offered:
        asked = {key: each for key, each in parse_qs(query).items() if key != name} | {name: [value]}
        answer = odd.client.get("/feeds/all.json", query_string=[(key, one) for key in asked for one in asked[key]])
        assert answer.status_code == 200, value
        live = [each for each in answer.json["items"] if each["_chm"]["change"] != "withdrawn"]
        assert len(live) == count, (name, value)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('treaty="My treaty"', {"stated"}),
        ('subject="Oil spills"', {"stated", "stored"}),
        (f"country={VOCABULARY}countries/XX", {"stated"}),
        (f"subject={OTHER_TERM}", {"stated"}),
        ("language=zh-Hans&type=document", {"stated"}),
        ("language=pt", {"stated"}),
        ("language=fr&type=document", {"stated"}),
    ],
)
def test_a_term_is_found_as_it_came(odd, query, names):
    found = {each["id"] for each in odd.get(f"feeds/all.json?{query}").json["items"]}
    assert found == {odd.iris[name] for name in names}


# rdflib's own reader of JSON-LD uses what rdflib deprecates.
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
@pytest.mark.parametrize("extension", SYNTAXES)
def test_the_catalogue_has_themes_of_what_is_an_iri_alone(odd, extension):
    answer = odd.get(f"catalogue.{extension}")
    assert answer.status_code == 200
    graph = Graph().parse(data=answer.data, format=SYNTAXES[extension], publicID="https://node.example/")
    expected = {OTHER_TERM, f"{VOCABULARY}topics/NEW", f"{VOCABULARY}record-types/document"}
    assert {str(each) for each in graph.objects(URIRef(odd.iris["stated"]), THEME)} == expected
    # The type of this row is of a package that is gone; that of the record is there still.
    assert {str(each) for each in graph.objects(URIRef(odd.iris["stored"]), THEME)} == {
        f"{VOCABULARY}record-types/news",
        "https://other.example/" + "%C3%A9" * 46,
    }
    languages = graph.objects(URIRef(odd.iris["stored"]), URIRef("http://purl.org/dc/terms/language"))
    assert {str(each).rsplit("/", 1)[-1] for each in languages} == {"fr", "zh"}


def categories(site, name):
    """(IRI, text) of the subjects of an entry, in each format of feeds."""
    iri, query = site.iris[name], "lang=en"
    atom = etree.fromstring(site.get(f"feeds/all.atom?{query}").data)
    [entry] = [each for each in atom.iter("{*}entry") if each.findtext("{*}id") == iri]
    yield "atom", {(each.get("term"), each.get("scheme"), each.get("label")) for each in entry.iter("{*}category")}
    rss = etree.fromstring(site.get(f"feeds/all.rss?{query}").data)
    [item] = [each for each in rss.iter("item") if each.findtext("guid") == iri]
    yield "rss", {(each.get("domain"), each.text) for each in item.iter("category")}
    rdf = etree.fromstring(site.get(f"feeds/all.rdf?{query}").data)
    about, resource = (f"{{http://www.w3.org/1999/02/22-rdf-syntax-ns#}}{each}" for each in ("about", "resource"))
    [item] = [each for each in rdf.iter("{*}item") if each.get(about) == iri]
    yield "rdf", {(each.get(resource), each.text) for each in item.iter("{*}subject")}
    [item] = [each for each in json.loads(site.get(f"feeds/all.json?{query}").data)["items"] if each["id"] == iri]
    yield "json", {*item["tags"], *item["_chm"]["terms"]}


def parts(categories):
    return {part for each in categories for part in ((each,) if isinstance(each, str) else each)}


def test_a_feed_has_texts_as_texts_and_iris_of_what_is_one(odd):
    found = dict(categories(odd, "stated"))
    assert ("Oil spills", None, "Oil spills") in found["atom"]
    assert (OTHER_TERM, "https://w3id.org/chm/ns#subject", OTHER_TERM) in found["atom"]
    assert (None, "Oil spills") in found["rss"]
    assert (f"{VOCABULARY}topics/NEW", "topics/NEW") in found["rss"]
    assert {(None, "Oil spills"), (None, "ñandú"), (OTHER_TERM, None)} <= found["rdf"]
    assert {"Oil spills", "Foo: bar", OTHER_TERM} <= found["json"]
    made_up = {f"{VOCABULARY}{text}" for text in ("Oil spills", "ñandú", "and/or", "Atlantis", "My treaty")}
    for each in found.values():
        assert made_up.isdisjoint(parts(each))
    for each in dict(categories(odd, "stored")).values():
        assert "" not in parts(each)


def test_links_keep_what_was_chosen(odd):
    page = links(odd, "en/records?treaty=%22My+treaty%22&country=DZ")
    queries = [parse_qs(urlsplit(href).query) for href in page.hrefs if href.startswith("/en/records?")]
    assert {"treaty": ['"My treaty"']} in queries
    assert {"country": ["DZ"]} in queries
    assert ("treaty", '"My treaty"', 1) in links(odd, "en/records?treaty=%22My+treaty%22").options
