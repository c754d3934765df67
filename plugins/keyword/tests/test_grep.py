import re
import threading
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from retrieverkit import Document, Index
from retrieverkit_core import Node, QueryBundle
from retrieverkit_core.errors import DeadlineExceededError, OptionError, QueryError
from retrieverkit_keyword import GrepRetriever, PatternError, TimeLimitError
from retrieverkit_keyword.grep import trigrams
from retrieverkit_keyword.grep.patience import FIRST, patiently
from retrieverkit_testkit.memory_corpus import MemoryCorpus

LETTERS = 'abAB ii"Iıİsſkßσς\n_.0'
quick = settings(deadline=None)


def ids(result):
    return [hit.node.id for hit in result]


def lines(hit):
    return [(each["line"], each["column"], each["text"]) for each in hit.evidence[0].details["lines"]]


class Shelf:
    """Texts that come and go, and what greps them."""

    def __init__(self, folder, batches, deletes):
        self.corpus, self.folder, self.texts = MemoryCorpus(), folder, {}
        for at, batch in enumerate(batches):
            fresh = {f"n{len(self.texts) + n}": text for n, text in enumerate(batch)}
            self.corpus.add(*(Node(text=text, id=node_id, metadata={"batch": at}) for node_id, text in fresh.items()))
            self.texts |= fresh
            for node_id in {f"n{n}" for n in deletes[at::3]} & {
                i for i, text in self.texts.items() if text is not None
            }:
                self.corpus.delete(node_id)
                self.texts[node_id] = None
            self.grep().retrieve("x")

    def grep(self, **options):
        return GrepRetriever(self.corpus, self.folder, **{"top_k": 1000, **options})

    def by_hand(self, count):
        counts = {node_id: count(text) for node_id, text in self.texts.items() if text is not None}
        return sorted(((-n, int(i[1:])) for i, n in counts.items() if n), key=lambda hit: hit)


def told(result):
    return [(-hit.score, int(hit.node.id[1:])) for hit in result]


texts = st.text(LETTERS, max_size=12)
batches = st.lists(st.lists(texts, max_size=5), min_size=1, max_size=3)
deletes = st.lists(st.integers(0, 14), max_size=6)


@given(
    batches=batches,
    deletes=deletes,
    query=st.text(LETTERS, min_size=1, max_size=5),
    case=st.sampled_from(["ignore", "match"]),
    word=st.booleans(),
)
@quick
def test_a_literal_is_found_where_it_is(tmp_path_factory, monkeypatch, batches, deletes, query, case, word):
    assume(query.strip())
    assume(case == "match" or "ß" not in query + "".join(sum(batches, [])))  # for `re` it is one letter
    monkeypatch.setattr("retrieverkit_keyword.grep.index.GrepIndex.rebuild_share", 10.0)
    shelf = Shelf(tmp_path_factory.mktemp("g"), batches, deletes)
    pattern = re.escape(query)
    pattern = re.compile(rf"(?<!\w){pattern}(?!\w)" if word else pattern, re.I if case == "ignore" else 0)
    found = shelf.grep(case=case, word=word).retrieve(query)
    assert told(found) == shelf.by_hand(lambda text: len(pattern.findall(text)))
    for hit in found:
        first = pattern.search(hit.node.text)
        line = hit.node.text.count("\n", 0, first.start()) + 1
        assert lines(hit)[0][:2] == (line, first.start() - hit.node.text.rfind("\n", 0, first.start()))


atoms = st.one_of(
    st.text("abAiI_ ", min_size=1, max_size=4),
    st.sampled_from(
        [".", r"\w", r"\s", r"\.", "[ab]", "[^a]", "[]b]", r"\b", "^", "$", r"\n", "(?=a)", "(?!b)", "(?<=a)"]
    ),
)


def grown(inner):
    return st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: "(?:" + "|".join(some) + ")"),
        inner.map(lambda one: f"({one})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,1}", "{1,2}", "*?", "+?"])).map(
            lambda both: f"(?:{both[0]}){both[1]}"
        ),
        st.tuples(st.sampled_from("abAiI"), st.sampled_from(["*", "+", "?", "{0}", "{2}"])).map("".join),
    )


@given(
    texts=st.lists(st.text("abAiI_ .\n", max_size=14), max_size=6),
    pattern=st.recursive(atoms, grown, max_leaves=8),
    case=st.sampled_from(["ignore", "match"]),
)
@quick
def test_a_regular_expression_finds_what_python_s_re_finds(tmp_path_factory, texts, pattern, case):
    assume(pattern.strip())
    compiled = re.compile(pattern, re.M | (re.I if case == "ignore" else 0))
    shelf = Shelf(tmp_path_factory.mktemp("g"), [texts], [])
    found = shelf.grep(regex=True, case=case).retrieve(pattern)
    assert told(found) == shelf.by_hand(lambda text: sum(1 for _ in compiled.finditer(text)))


@given(
    texts=st.lists(st.text(max_size=20), max_size=6), start=st.integers(0, 9), size=st.integers(1, 8), options=st.data()
)
@quick
def test_trigrams_change_no_answer(tmp_path_factory, texts, start, size, options):
    shelf = Shelf(tmp_path_factory.mktemp("g"), [texts], [])
    bare = shelf.grep(case="ignore")
    query = options.draw(st.sampled_from([text[start : start + size] for text in texts] + ["x"]))
    for changed in (query, query.upper(), query.lower(), query.swapcase()):
        assume(changed.strip())
        for chosen in ({"case": "ignore"}, {"case": "ignore", "regex": True}):
            pattern = re.escape(changed) if "regex" in chosen else changed
            narrowed = shelf.grep(**chosen).retrieve(pattern)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(trigrams, "query", lambda needed: "")
                assert told(narrowed) == told(shelf.grep(**chosen).retrieve(pattern))
    assert bare.index.status().rebuilds == 0


def test_without_trigrams_in_sqlite_all_texts_are_searched(new_corpus, tmp_path, monkeypatch):
    corpus = new_corpus(["a turbine", "an inlet", "Turbines"])
    with_them = GrepRetriever(corpus, tmp_path)
    monkeypatch.setattr(trigrams, "available", lambda: False)
    without = GrepRetriever(corpus, tmp_path)
    assert without.index.folder != with_them.index.folder
    for query in ("turbine", "in", "Turb", "nothing"):
        assert ids(without.retrieve(query)) == ids(with_them.retrieve(query))
    corpus.delete("n0")
    assert ids(without.retrieve("turbine")) == ids(with_them.retrieve("turbine")) == ["n2"]


@pytest.mark.parametrize(
    ("query", "options", "found"),
    [
        ("strasse", {}, ["n0"]),
        ("Strasse", {}, []),
        ("STRASSE", {"case": "ignore"}, ["n0"]),
        ("istanbul", {}, ["n1"]),
        ("İstanbul", {}, ["n1"]),
        ("ist", {"word": True}, []),
        ("istanbul", {"word": True}, ["n1"]),
        (r"\W\d", {"regex": True}, ["n2"]),
        (r"X\W", {"regex": True}, []),
        ("(?P<Name>x) 1", {"regex": True}, ["n2"]),
        ("foo|bar", {"regex": True}, []),
        ("foo|x 1", {"regex": True}, ["n2"]),
        ("(?i)X 1", {"regex": True}, ["n2"]),
        (r"(?x) x \  1 # a number", {"regex": True}, ["n2"]),
        (r"(?:stra{e<=1}sse)", {"regex": True, "case": "ignore"}, []),
        ("京都", {}, ["n3"]),
        ("都", {}, ["n3"]),
        ("a\0b", {}, ["n4"]),
        ("cd", {}, ["n4"]),
        ('"" OR', {}, ["n5"]),
    ],
)
def test_what_is_found(new_corpus, tmp_path, query, options, found):
    corpus = new_corpus(["Die Straße", "İstanbul", "x 1", "東京都と京都", "a\0b \ud800cd", 'say "" OR'])
    assert ids(GrepRetriever(corpus, tmp_path, **options).retrieve(query)) == found


@pytest.mark.parametrize(
    ("query", "options", "found"),
    [
        ("cafe", {"word": True}, []),
        ("हिन", {"word": True}, []),
        ("हिन्दी", {"word": True}, ["n1"]),
        (r"\p{Lu}", {"regex": True}, ["n2"]),
        (r"^\p{Ll}+$", {"regex": True}, ["n3"]),
        (r"[[:upper:]]", {"regex": True}, ["n2"]),
        (r"\N{LATIN SMALL LETTER A} 1", {"regex": True}, ["n2"]),
        (r"(?V1)a 1(?#Note)", {"regex": True}, ["n2"]),
        (r"(?P<One>a) (?!(?P=One)|\g<One>)", {"regex": True}, ["n2"]),
        (r"(?P<one>A)(?=B)", {"regex": True}, []),
        (r"(?=A)a", {"regex": True}, []),
        ("(?x) abc # all of it", {"regex": True, "word": True}, ["n3"]),
        (r"(?:a|\{){1}[{9999999}]?b{1,999999999}c", {"regex": True}, ["n3"]),
    ],
)
def test_marks_belong_to_words_and_classes_of_capitals_mean_capitals(new_corpus, tmp_path, query, options, found):
    corpus = new_corpus(["cafe\u0301", "हिन्दी", "A 1", "abc"])
    assert ids(GrepRetriever(corpus, tmp_path, **options).retrieve(query)) == found
    if "word" in options and "regex" not in options:  # as an expression says it
        assert ids(GrepRetriever(corpus, tmp_path, regex=True, **options).retrieve(query)) == found


@pytest.mark.parametrize("pattern", ["x{99999999}", "((x{500}){500}){500}", "(?:xy){5000000,}", r"[\]{]{999999}+"])
def test_repetitions_that_would_fill_the_memory_are_an_error(new_corpus, tmp_path, pattern):
    with pytest.raises(PatternError, match="repetitions"):
        GrepRetriever(new_corpus(["x"]), tmp_path, regex=True).retrieve(pattern)


def test_lines_are_told_with_their_numbers_and_columns(new_corpus, tmp_path):
    text = "one\r\ntwo fish two\r\n\r\n" + "x" * 1000 + "two" + "y" * 1_000_000 + "\n" + "two\n" * 100
    hit = GrepRetriever(new_corpus([text]), tmp_path).retrieve("two")[0]
    assert hit.score == hit.evidence[0].details["matches"] == 103
    told_lines = lines(hit)
    assert told_lines[0] == (2, 1, "two fish two")
    assert told_lines[1][:2] == (4, 1001)
    assert "xtwoy" in told_lines[1][2]
    assert len(told_lines[1][2]) < 300
    assert [line for line, _, _ in told_lines] == [2, *range(4, 23)]


def test_lines_are_told_in_their_order_where_the_expression_is_searched_backwards(new_corpus, tmp_path):
    hit = GrepRetriever(new_corpus(["x 1\nx 2 x\n\nx 3"]), tmp_path, regex=True).retrieve(r"(?r)x")[0]
    assert lines(hit) == [(1, 1, "x 1"), (2, 1, "x 2 x"), (4, 1, "x 3")]


def test_most_matches_come_first_or_the_corpus_s_order_is_kept(new_corpus, tmp_path):
    corpus = new_corpus(["fog", "sea", "fog fog", "fog"])
    assert [(hit.node.id, hit.score) for hit in GrepRetriever(corpus, tmp_path).retrieve("fog")] == [
        ("n2", 2.0),
        ("n0", 1.0),
        ("n3", 1.0),
    ]
    kept = GrepRetriever(corpus, tmp_path, order="corpus").retrieve(QueryBundle("fog", top_k=2))
    assert [(hit.node.id, hit.score, hit.evidence[0].details["matches"]) for hit in kept] == [
        ("n0", 1.0, 1),
        ("n2", 1.0, 2),
    ]


@pytest.mark.parametrize(
    ("pattern", "column", "problem"),
    [("a(b", 4, "missing )"), ("ab)", 3, "unbalanced"), ("[a", 3, "unterminated"), ("*", 1, "nothing to repeat")],
)
def test_a_pattern_that_cannot_be_read_says_where(new_corpus, tmp_path, pattern, column, problem):
    with pytest.raises(PatternError, match=re.escape(problem)) as caught:
        GrepRetriever(new_corpus(["x"]), tmp_path, regex=True).retrieve(pattern)
    assert caught.value.column == column
    assert f"(column {column})" in str(caught.value)


def test_a_pattern_that_is_too_long_or_too_deep_is_an_error(new_corpus, tmp_path):
    grep = GrepRetriever(new_corpus(["x"]), tmp_path, regex=True)
    with pytest.raises(QueryError, match="20,000 characters"):
        grep.retrieve("x" * 20_000)
    with pytest.raises(PatternError, match="too deep"):
        grep.retrieve("(?:" * 2000 + ")" * 2000)
    assert ids(GrepRetriever(grep.index.corpus, tmp_path).retrieve("x" * 20_000)) == []


CATASTROPHE = r"(\w+\s?)+$"


def test_a_catastrophic_pattern_ends_at_its_limit(new_corpus, tmp_path, with_time):
    corpus = new_corpus(["a b"] * 3 + ["word " * 5000 + "!"] + ["a b"])

    def the_first_are_in_time(seconds):
        grep = GrepRetriever(corpus, tmp_path, regex=True, time_limit=seconds)
        ticks = []
        ticking = threading.Timer(0.0, lambda: ticks.append(1))
        ticking.start()
        result = grep.retrieve(CATASTROPHE)
        ticking.join()
        assert result.outcome == "partial"
        assert ids(result) == ["n0", "n1", "n2"]
        assert f"grep searched 3 of 5 texts within {seconds:g} s" in str(result.legs[0].error)

    with_time(0.2, the_first_are_in_time)
    only = GrepRetriever(new_corpus(["word " * 5000 + "!"], "d"), tmp_path / "d", regex=True, time_limit=0.1)
    with pytest.raises(TimeLimitError, match="searched 0 of 1 texts"):
        only.retrieve(CATASTROPHE)
    with pytest.raises(DeadlineExceededError):
        GrepRetriever(only.index.corpus, tmp_path / "d", regex=True, time_limit=60).retrieve(CATASTROPHE, timeout=0.1)


def test_what_runs_out_of_the_processor_s_time_is_done_again_while_there_is_time():
    given = []

    def work(seconds):
        given.append(seconds)
        if len(given) < 4:
            raise TimeoutError
        return "done"

    assert patiently(time.monotonic() + 3600, work) == "done"
    assert given[0] == FIRST
    with pytest.raises(TimeoutError):
        patiently(time.monotonic(), work)
    assert len(given) == 4


def test_filters_are_applied_before_the_cut(new_corpus, tmp_path):
    corpus = MemoryCorpus()
    corpus.add(*(Node(text="fog " * (9 - n), id=f"n{n}", metadata={"n": n}) for n in range(9)))
    for order in ("matches", "corpus"):
        result = GrepRetriever(corpus, tmp_path, order=order).retrieve("fog", top_k=2, filters="n >= 4", scope="n != 5")
        assert ids(result) == ["n4", "n6"]
        assert result.filters.rechecked == ""
        assert ids(GrepRetriever(corpus, tmp_path, order=order).retrieve("f", filters="n == 7")) == ["n7"]


def test_a_blank_query_finds_nothing_and_white_space_counts(new_corpus, tmp_path):
    grep = GrepRetriever(new_corpus(["a b", "a  b"]), tmp_path)
    assert ids(grep.retrieve("")) == ids(grep.retrieve(" ")) == []
    assert ids(grep.retrieve(QueryBundle("", embedding=[1.0]))) == []
    assert ids(grep.retrieve("a  b")) == ["n1"]
    assert ids(grep.retrieve(" b")) == ["n0", "n1"]


def test_the_class_answers_as_the_mode_string_does():
    index = Index.from_documents([Document("Fog\nand fog", id="a"), Document("a fog", id="b")])
    named = index.as_retriever('grep(regex=True, case="match", word=True, order="corpus", top_k=1)')
    made = GrepRetriever(index.corpus, index.storage, regex=True, case="match", word=True, order="corpus", top_k=1)
    for query in ("f.g", "F", "Fog"):
        one, other = named.retrieve(query), made.retrieve(query)
        assert list(one) == list(other)
        assert [hit.evidence[0].details for hit in one] == [hit.evidence[0].details for hit in other]


def test_options_that_cannot_be(new_corpus, tmp_path):
    for name, value in [("time_limit", 0.0), ("case", "upper"), ("order", "best")]:
        with pytest.raises(OptionError, match=name):
            GrepRetriever(new_corpus(), tmp_path, **{name: value})
