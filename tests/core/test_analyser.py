"""The search analyser against a corpus in six languages, in a real FTS5 table."""

import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pysqlite3 as sqlite3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chm_node.search.analyser import MAX_QUERY_WORDS, Query, document_text, fts5_match, query, tokens, tsquery

CASES = tomllib.loads(Path(__file__).with_name("search_cases.toml").read_text(encoding="utf-8"))
TABLE = "CREATE VIRTUAL TABLE found USING fts5(text, content='', contentless_delete=1, detail=column, tokenize='ascii')"
TEXT = st.text(max_size=60) | st.lists(
    st.sampled_from(
        ["COP.6", "l'eau", "309-00-2", "والمياه", "生物多样性", "озёр", '"', "*", "NEAR(", "AND", "é", "^", "-"]
    )
).map(" ".join)
LANGUAGE = st.sampled_from(["", "en", "fr", "es", "ru", "ar", "zh", "fr-DZ", "pt"])


class Index:
    """An FTS5 table as the catalogue keeps it, with readable keys."""

    def __init__(self, texts: dict[str, dict[str, str]]) -> None:
        self.keys = list(texts)
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute(TABLE)
        rows = ((n, document_text((v, k) for k, v in text.items())) for n, text in enumerate(texts.values()))
        self.connection.executemany("INSERT INTO found (rowid, text) VALUES (?, ?)", rows)

    def find(self, wanted: Query) -> set[str]:
        rows = self.connection.execute("SELECT rowid FROM found WHERE found MATCH ?", [fts5_match(wanted)])
        return {self.keys[rowid] for (rowid,) in rows}

    def close(self) -> None:
        self.connection.close()


@pytest.fixture(scope="module")
def corpus() -> Iterator[Index]:
    index = Index(CASES["documents"])
    yield index
    index.close()


@pytest.mark.parametrize(("text", "case"), CASES["queries"].items(), ids=list(CASES["queries"]))
def test_a_query_finds_its_documents_and_no_others(corpus: Index, text: str, case: dict[str, Any]) -> None:
    assert corpus.find(query(text)) == {*case["finds"], *case.get("also", [])}


def test_the_corpus_names_only_documents_it_has() -> None:
    named = {key for case in CASES["queries"].values() for keys in case.values() for key in keys}
    assert named <= CASES["documents"].keys()


@pytest.mark.parametrize(("key", "texts"), CASES["documents"].items(), ids=list(CASES["documents"]))
def test_every_word_of_a_document_finds_it(corpus: Index, key: str, texts: dict[str, str]) -> None:
    words = [word for text in texts.values() for word in text.split() if query(word).words]
    assert [word for word in words if key not in corpus.find(query(word))] == []


@pytest.mark.parametrize("text", ["", "  ", "\"'*-()", "…", "、。", "\u064b\u0640"])
def test_text_without_letters_and_digits_asks_for_nothing(corpus: Index, text: str) -> None:
    assert query(text) == Query(())
    assert corpus.find(query(text)) == set()


def test_small_words_are_wanted_only_when_nothing_else_is() -> None:
    assert query("the air of the city").words == query("air city").words
    assert query("de la").words != ()


def test_a_query_has_at_most_twelve_words() -> None:
    assert len(query(" ".join(f"word{'abcdefghijklmnop'[n]}" for n in range(16))).words) == MAX_QUERY_WORDS
    assert len(query("国家生物多样性战略与行动计划国家生物多样性战略与行动计划").words) == MAX_QUERY_WORDS


def test_repeated_words_are_asked_once() -> None:
    assert query("water Water WATER").words == query("water").words


def test_the_same_query_is_written_for_both_engines() -> None:
    wanted = Query((("polici", "policy"), ("cop6",)))
    assert fts5_match(wanted) == '("polici" OR "policy") AND ("cop6")'
    assert tsquery(wanted) == "('polici' | 'policy') & ('cop6')"


def test_the_language_of_a_document_chooses_one_stem() -> None:
    assert tokens("policies", "en") == ["polici"]
    assert tokens("policies", "en-GB") == ["polici"]
    assert tokens("policies", "fil") == tokens("policies")
    assert set(tokens("policies")) > {"polici"}


def test_threads_get_the_stems_that_one_alone_gets() -> None:
    words = [f"{stem}{'bcdfghklmnp'[n % 11]}{n % 7 * 'a'}tions" for n, stem in enumerate(["protec", "évalua"] * 400)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(tokens, words))
    assert together == [tokens(f"{word}.") for word in words]


def test_overlong_words_are_cut_alike_everywhere() -> None:
    word = "x" * 5_000
    assert tokens(word) == list(query(word).words[0])
    assert max(map(len, tokens(f"{word}-{word}"))) < 200


@given(TEXT, LANGUAGE)
def test_the_engine_keeps_every_token_as_one_word(text: str, language: str) -> None:
    index = sqlite3.connect(":memory:")
    index.execute("CREATE VIRTUAL TABLE found USING fts5(text, tokenize='ascii')")
    index.execute("CREATE VIRTUAL TABLE words USING fts5vocab(found, instance)")
    index.execute("INSERT INTO found VALUES (?)", [document_text([(text, language)])])
    kept = [term for (term,) in index.execute("SELECT term FROM words ORDER BY offset")]
    index.close()
    assert kept == tokens(text, language)


@given(TEXT)
def test_no_query_is_a_syntax_error(text: str) -> None:
    index = Index({"a": {"": "water"}})
    index.find(query(text))
    index.close()


@given(TEXT, LANGUAGE)
def test_any_text_finds_itself(text: str, language: str) -> None:
    index = Index({"a": {language: text}})
    wanted = query(text)
    found = index.find(wanted)
    index.close()
    assert found == ({"a"} if wanted.words else set())


@given(st.lists(TEXT, max_size=4), LANGUAGE)
def test_a_document_is_the_tokens_of_its_texts(texts: Sequence[str], language: str) -> None:
    expected = [token for text in texts for token in tokens(text, language)]
    assert document_text((text, language) for text in texts).split() == expected
