"""What may not be asked is refused however it is disguised, and nothing else is."""

import contextlib
import time

import pyoxigraph as ox
import pytest

from chm_node.budget import Budget, client_of
from chm_node.errors import MalformedQueryError
from chm_node.sparql.gate import GraphChoice, check
from chm_node.sparql.results import TABLES, write_rows

BASE = "https://node.example/sparql"
PREFIXES = "PREFIX ex: <https://e.example/> PREFIX : <https://e.example/> PREFIX urn: <https://e.example/> "

#: Each has the pattern ``?s ?p ?o`` asked of another server, as the parser reads it or as a reader of the
#: specification would.
DISGUISED = {
    "plain": "SERVICE <http://other.example/> {?s ?p ?o}",
    "lower case": "service <http://other.example/> {?s ?p ?o}",
    "mixed case": "sErViCe sIlEnT <http://other.example/> {?s ?p ?o}",
    "silent": "SERVICE SILENT <http://other.example/> {?s ?p ?o}",
    "no space after it": "SERVICE<http://other.example/>{?s ?p ?o}",
    "no space before SILENT": "SERVICESILENT<http://other.example/>{?s ?p ?o}",
    "glued to a prefix": "SERVICEex:sparql{?s ?p ?o}",
    "glued to the empty prefix": "SERVICE:sparql{?s ?p ?o}",
    "glued to a number": "?s ?p 1SERVICE<http://other.example/>{?s ?p ?o}",
    "glued to a truth value": "?s ?p trueSERVICE<http://other.example/>{?s ?p ?o}",
    "glued to a bracket": "{}SERVICE<http://other.example/>{?s ?p ?o}",
    "a variable": "VALUES ?x {<http://other.example/>} SERVICE ?x {?s ?p ?o}",
    "a prefixed name": "SERVICE ex:sparql {?s ?p ?o}",
    "a comment before": "# nothing\nSERVICE <http://other.example/> {?s ?p ?o}",
    "a comment between": "SERVICE # nothing {\n<http://other.example/> {?s ?p ?o}",
    "a comment with a quotation mark": "# \"\"\"\nSERVICE <http://other.example/> {?s ?p ?o}\n# \"\"\"\n",
    "a carriage return ends the comment": "# nothing\rSERVICE <http://other.example/> {?s ?p ?o}",
    "a number sign in an address is no comment": "?s <http://e.example/#> ?o SERVICE <http://other.example/> {}",
    "a quotation mark in a text": "?s ?p \"\\\"\" SERVICE <http://other.example/> {} # \"",
    "an apostrophe in a name": "?s ex:a\\'b ?o SERVICE <http://other.example/> {} # '",
    "a long text that ends": "?s ?p '''it's''' SERVICE <http://other.example/> {} # '''",
    "a comparison like an address": "FILTER(1<2)SERVICE#>\n<http://other.example/> {?s ?p ?o}",
    "a comparison with a text": "FILTER(\"a\"<'>')SERVICE <http://other.example/> {?s ?p ?o} #'\n",
    "a comparison with a comment": 'FILTER(1<2)#>"""\nSERVICE <http://other.example/> {?s ?p ?o}\n#"""\n',
    "a comparison with a prefixed name": 'FILTER(?s<urn:a#>"""\n)SERVICE <http://other.example/> {?s ?p ?o}#"""\n',
    "escaped": "\\u0053ERVICE <http://other.example/> {?s ?p ?o}",
    "escaped at length": "SERVIC\\U00000045 <http://other.example/> {?s ?p ?o}",
    "nested": "OPTIONAL { { SELECT * { SERVICE <http://other.example/> {?s ?p ?o} } } }",
    "in a condition": "FILTER EXISTS { SERVICE <http://other.example/> {?s ?p ?o} }",
}  # fmt: skip

HARMLESS = {
    "in a text": '?s ?p "SERVICE <http://other.example/> {}"',
    "in a text with apostrophes": "?s ?p 'a SERVICE'",
    "in a long text": '?s ?p """one "quoted"\nSERVICE <http://other.example/> {} # """',
    "in a long text with apostrophes": "?s ?p '''SERVICE'''@en",
    "escaped in a text": '?s ?p "\\u0053ERVICE \\" SERVICE"',
    "in a comment": "?s ?p ?o # SERVICE <http://other.example/> {}\n",
    "in an address": "?s <https://service.example/SERVICE#service> ?o",
    "an address with brackets": "?s <https://e.example/a_(b)'c#d> ?o",
    "in a name": "?s ex:SERVICE ?o . ?s :service ?o",
    "a variable": "?service ?SERVICE $service",
    "a blank node": "_:service ?p ?o",
    "a language": '?s ?p "x"@service',
    "comparisons": "?s ?p ?o FILTER(?o < 5 && ?o > 3 || ?o<=4 && 1<2)",
    "an address without authority": "?s <urn:x:y> <mailto:a@b.example>",
    "a path": "?s (<https://e.example/a>|^ex:b)/ex:c* ?o",
    "an escaped name": "?s ex:a\\,b ?o . ?s ex:%53ERVICE ?o",
}


@pytest.mark.parametrize("pattern", DISGUISED.values(), ids=DISGUISED)
def test_a_query_that_asks_another_server_is_refused(pattern):
    with pytest.raises(MalformedQueryError):
        check(f"{PREFIXES}SELECT * {{ {pattern} }}", BASE)


@pytest.mark.parametrize("pattern", HARMLESS.values(), ids=HARMLESS)
def test_the_word_in_other_places_is_no_reason_to_refuse(pattern):
    query = f"{PREFIXES}SELECT * {{ {pattern} }}"
    check(query, BASE)
    ox.Store().query(query, base_iri=BASE)  # and it is a query


@pytest.mark.parametrize(
    ("query", "default", "named"),
    [
        ("SELECT * {?s ?p ?o}", (), ()),
        ("SELECT * FROM <https://a.example/1> {?s ?p ?o}", ("https://a.example/1",), ()),
        ("select * from <https://a.example/1> from named <https://a.example/2> {?s ?p ?o}",
         ("https://a.example/1",), ("https://a.example/2",)),
        ("SELECT*FROM<https://a.example/1>FROM NAMED<https://a.example/2>{}",
         ("https://a.example/1",), ("https://a.example/2",)),
        ("PREFIX a: <https://a.example/> SELECT * FROM a:b\\,c {}", ("https://a.example/b,c",), ()),
        ("BASE <https://a.example/x/> SELECT * FROM <1> {}", ("https://a.example/x/1",), ()),
        ("SELECT * FROM <1> {}", ("https://node.example/1",), ()),
        ("SELECT * { ?s ?p 'FROM <https://a.example/1>' } # FROM <https://a.example/2>", (), ()),
    ],
)  # fmt: skip
def test_the_graphs_a_query_names_are_known_before_it_is_evaluated(query, default, named):
    assert check(query, BASE) == GraphChoice(default, named)


def test_a_query_of_more_than_twenty_thousand_bytes_is_refused():
    query = "SELECT * {?s ?p ?o} #"
    check(query + "é" * ((20_000 - len(query)) // 2), BASE)
    with pytest.raises(MalformedQueryError, match="20,000"):
        check(query + "é" * 10_000, BASE)


BOMBS = {
    "quotation marks": '"' * 19_000,
    "long texts": "'''" * 6_000,
    "a text that never ends": '"""' + '\\"' * 9_000,
    "comparisons": "<a" * 9_000,
    "dots in a word": "a." * 9_000,
    "dots in a name": "ex:a." * 3_900,
    "dots after a name": "ex:" + "." * 19_000,
    "backslashes": "\\" * 19_000,
    "languages": "@a-" * 6_000,
    "graphs": "PREFIX a: <b> " * 700 + "FROM a:b " * 1_000,
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_twice_the_query_costs_the_gate_twice_the_work_and_never_four_times(bomb):
    # What looks at each character again for every other one takes four times as long in every try; a busy machine
    # disturbs one try or another.
    assert any(cost(bomb) < 3 * cost(bomb[: len(bomb) // 2]) for _ in range(20))


def cost(bomb):
    started = time.process_time()
    with contextlib.suppress(MalformedQueryError):
        check(f"SELECT * {{ {bomb}", BASE)
    return time.process_time() - started


def test_a_client_that_has_used_its_minute_waits_until_it_is_filled_up_again():
    budget = Budget(60.0)
    assert budget.wait("a", now=100.0) == 0
    budget.charge("a", 62.0, now=100.0)
    assert budget.wait("a", now=100.0) == pytest.approx(3.0)
    assert budget.wait("b", now=100.0) == 0
    assert budget.wait("a", now=103.0) == 0


@pytest.mark.parametrize(
    ("remote", "forwarded", "client"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::"),
        ("127.0.0.1", "2001:db8:1:2:9::", "2001:db8:1:2::"),
        ("127.0.0.1", "nonsense", "nonsense"),
    ],
)
def test_only_a_proxy_on_this_machine_is_believed(remote, forwarded, client):
    assert client_of(remote, forwarded) == client


TERMS = 'SELECT ?a ?b ?c ?d ?e { VALUES (?a ?b ?c ?d) { (<http://e.example/?a&b> "x<y,\\n\\"z\\"" "ة"@ar 1) } }'


@pytest.mark.parametrize(
    ("media_type", "syntax"),
    [
        ("application/sparql-results+json", ox.QueryResultsFormat.JSON),
        ("application/sparql-results+xml", ox.QueryResultsFormat.XML),
        ("text/tab-separated-values", ox.QueryResultsFormat.TSV),
    ],
)
@pytest.mark.parametrize("query", [TERMS, "SELECT ?a {FILTER(false)}", "SELECT * {}"])
def test_another_reader_reads_the_results_we_write(media_type, syntax, query):
    written = write_rows(ox.Store().query(query), media_type, 10, 10_000)
    expected = ox.Store().query(query)
    read = ox.parse_query_results(written.body, syntax)
    assert [variable.value for variable in read.variables] == [variable.value for variable in expected.variables]
    assert [list(row) for row in read] == [list(row) for row in expected]


def test_csv_is_quoted_and_ends_each_line_with_two_characters():
    written = write_rows(ox.Store().query(TERMS), "text/csv", 10, 10_000)
    assert written.body.decode() == 'a,b,c,d,e\r\nhttp://e.example/?a&b,"x<y,\n""z""",ة,1,\r\n'


@pytest.mark.parametrize("media_type", TABLES)
def test_a_result_that_is_cut_says_so_where_the_format_has_a_place(media_type):
    rows = "SELECT * { VALUES ?a { 1 2 3 } }"
    cut = write_rows(ox.Store().query(rows), media_type, 2, 10_000)
    assert (cut.rows, cut.cut) == (2, True)
    assert (b"result-cut" in cut.body) == ("sparql-results" in media_type)
    assert not write_rows(ox.Store().query(rows), media_type, 3, 10_000).cut
    assert write_rows(ox.Store().query(rows), media_type, 3, 4).cut
