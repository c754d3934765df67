"""What rules know, what they say of it, and how they follow the corpus."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from everything import Everything
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit_auto import AutoRetriever
from retrieverkit_core import Node, QueryBundle
from retrieverkit_core.corpus import IndexSettings
from retrieverkit_core.errors import OptionError
from retrieverkit_testkit.children import in_child
from retrieverkit_testkit.filters_oracle import filter_trees, metadatas, oracle_matches, unhurried
from retrieverkit_testkit.memory_corpus import MemoryCorpus

FILMS = (
    {"director": "Greta Gerwig", "rating": 7.0, "year": 2023, "studio": "north"},
    {"director": "Wes Anderson", "rating": 8.1, "year": 2014, "studio": "north"},
    {"director": "Agnes Varda", "rating": 8.4, "year": 1962, "studio": "south"},
    {"director": "Claire Denis", "rating": 7.9, "year": 1999, "studio": "south"},
)


def ids(result):
    return [hit.node.id for hit in result]


def test_a_question_of_filters_alone_is_answered_by_all_that_pass(corpus_of, auto_over):
    pytest.importorskip("retrieverkit_bm25", reason="who is asked is another package: bm25 is not installed")
    from retrieverkit import Index

    with Index.from_documents([]) as index:
        index.add_nodes(Node(f"film {n} of many", id=f"n{n}", metadata=film) for n, film in enumerate(FILMS))
        auto = index.as_retriever("auto(bm25)")
        assert ids(auto.retrieve("movies directed by Greta Gerwig")) == ["n0"]
        result = auto.retrieve("rating above 7.5")
        assert ids(result) == ["n1", "n2", "n3"]
        assert [hit.score for hit in result] == [None, None, None]
        assert result.notes[-1] == "hits without a score pass the filters, in the order of the corpus"
        assert ids(auto.retrieve("rating above 7.5", filters="year > 1990")) == ["n1", "n3"]
        assert ids(auto.retrieve("top two movies with a rating above 7.5")) == ["n1", "n2"]
        assert ids(asyncio.run(auto.aretrieve("rating above 7.5", top_k=1))) == ["n1"]
        many = auto.retrieve("film 2 with a rating above 7.5")
        assert ids(many)[0] == "n2"
        assert None not in [hit.score for hit in many]
        unmatched = auto.retrieve("masterpieces directed by Greta Gerwig")
        assert ids(unmatched) == ["n0"]
        assert unmatched.notes[-1].startswith("nothing was found for 'masterpieces'; hits without a score")
        assert ids(auto.retrieve("masterpieces")) == []


def test_under_a_scope_or_filters_only_what_passes_is_known(corpus_of, auto_over):
    auto = auto_over(corpus_of(*FILMS))
    question = "films directed by Agnes Varda"
    assert str(auto.retrieve(question).spec.filters) == "director == 'Agnes Varda'"
    for limits in ({"scope": {"studio": "north"}}, {"filters": {"studio": "north"}}):
        result = auto.retrieve(question, **limits)
        assert result.spec.filters is None
        assert result.spec.query == question
        assert "Varda" not in " ".join(result.notes)
    both = corpus_of(
        {"sender": "Ana", "team": "a"}, {"recipients": "Ana", "from_recipients": "Ana", "team": "b"}, {"team": "a"}
    )
    assert str(auto_over(both).retrieve("mail from Ana", scope={"team": "a"}).spec.filters) == "sender == 'Ana'"
    assert "recipients" not in str(auto_over(both).plan("Ana in Ana", scope={"team": "a"}))


def test_a_doubt_names_no_field_outside_of_the_scope(corpus_of, auto_over):
    corpus = corpus_of(
        {"sent": "2021-01-01", "team": "a"}, {"sent": "2021-05-01", "due": "2021-06-01", "team": "b", "secret": 4.5}
    )
    auto = auto_over(corpus)
    assert "due or sent" in " ".join(auto.retrieve("mail after 2020").notes)
    assert auto.retrieve("mail after 2020", scope={"team": "a"}).notes == ("filters: sent >= '2021-01-01'",)
    assert "secret" not in " ".join(auto.retrieve("secret over 4", scope={"team": "a"}).notes)


def test_what_is_known_follows_every_change(corpus_of, auto_over):
    corpus = corpus_of({"country": "Peru"}, {"country": "Peru"})
    auto = auto_over(corpus)
    filters = lambda question: str(auto.retrieve(question).spec.filters)  # noqa: E731 - short
    assert filters("country: Chile") == "None"
    corpus.add(Node(id="new", text="t", metadata={"country": "Chile"}))
    assert filters("country: Chile") == "country == 'Chile'"
    corpus.delete("new")
    assert filters("country: Chile") == "None"
    assert filters("Peru stamps") == "country == 'Peru'"
    corpus.add(Node(id="text", text="stamps of Peru", metadata={"country": "Cuba"}))
    assert filters("Peru stamps") == "None"


def test_names_and_units_that_texts_use_too_are_not_taken_for_fields(corpus_of, auto_over):
    rows = {"mode": "vector", "row": 5, "seconds": 2.5}
    plain = corpus_of(rows, {"row": 6}, texts=["a measurement", "another measurement"])
    texts = ["a measurement", "a row of cabins", "The mode vector takes seconds."]
    prose = corpus_of(rows, {"row": 6}, {}, texts=texts)
    for question, read in {
        "mode vector": "mode == 'vector'",
        "a row of 5": "row == 5",
        "runs of less than 5 seconds": "seconds < 5",
    }.items():
        assert str(auto_over(plain).retrieve(question).spec.filters) == read
        assert auto_over(prose).retrieve(question).spec.filters is None
    read = auto_over(prose).retrieve("mode: vector, seconds < 5").spec.filters
    assert str(read) == "mode == 'vector' and seconds < 5"


def test_where_something_was_done_is_not_where_it_is_from(corpus_of, auto_over):
    auto = auto_over(corpus_of({"country": "Japan"}, {"country": "Japan"}))
    for question in ("movies set in Japan", "hiking in Japan", "actors born in Japan"):
        assert auto.retrieve(question).spec.filters is None
    for question in ("movies made in Japan", "movies from Japan", "movies of the country Japan"):
        assert str(auto.retrieve(question).spec.filters) == "country == 'Japan'"


def test_a_pronoun_is_not_a_country(corpus_of, auto_over):
    auto = auto_over(corpus_of({"country": "US"}, {"country": "US"}, {"country": "IT"}, {"country": "IT"}))
    for question in ("show us papers", "find it papers", "papers for us", "papers in it"):
        assert auto.retrieve(question).spec.filters is None
    assert str(auto.retrieve("papers of country US").spec.filters) == "country == 'US'"


@pytest.mark.parametrize(
    ("question", "read"),
    [("red or blue shoes", "colour in ['blue', 'red']"), ("shoes that are not red", "colour != 'red'")],
)
def test_each_value_is_looked_for_in_other_texts(corpus_of, auto_over, question, read):
    nodes = [{"colour": "red"}, {"colour": "red"}, {"colour": "blue"}, {"colour": "blue"}, {"colour": "grey"}]
    assert str(auto_over(corpus_of(*nodes)).retrieve(question).spec.filters) == read
    texts = ["shoes"] * 4 + ["for red carpets"]
    assert auto_over(corpus_of(*nodes, texts=texts)).retrieve(question).spec.filters is None


def test_rules_say_when_the_index_is_not_in_english(corpus_of, auto_over):
    result = auto_over(corpus_of(*FILMS, language="de")).retrieve("rating above 8")
    assert result.notes[-1] == "the rules read English; the index is in 'de'"


def test_the_callers_words_and_vectors_are_asked_where_nothing_is_read(corpus_of, auto_over):
    auto = auto_over(corpus_of(*FILMS))
    auto.retrieve(QueryBundle("plain words", embedding=[1.0, 2.0]))
    assert auto.asked[0].query_str == "plain words"
    assert auto.asked[0].embedding == (1.0, 2.0)
    assert auto.retrieve("") == []
    long = "rating above 8 " * 1000
    assert auto.retrieve(long).spec.query == long


def test_a_plan_says_what_would_be_read(corpus_of, auto_over):
    auto = auto_over(corpus_of(*FILMS))
    plan = auto.plan("rating above 8")
    assert plan.does == "reads by rules; filters: rating > 8"
    assert (plan.llm_calls, [part.name for part in plan.parts]) == (0, ["everything"])
    assert auto.asked == []


def test_the_class_is_the_mode(capsys):
    pytest.importorskip("retrieverkit_bm25", reason="who is asked is another package: bm25 is not installed")
    from retrieverkit import Index

    with Index.from_documents([]) as index:
        index.add_nodes(Node(f"film {n}", id=f"n{n}", metadata=film) for n, film in enumerate(FILMS))
        mode = index.as_retriever("auto(bm25, top_k=2, max_top_k=3)", verbose=True)
        own = AutoRetriever(index.as_retriever("bm25"), index.corpus, top_k=2, max_top_k=3)
        for question in ("film after 1990", "top four films rated over 7", "film by Agnes Varda", "rating over 8"):
            one, other = mode.retrieve(question), own.retrieve(question)
            assert one == other
            assert one.spec == other.spec
            assert one.notes == other.notes
    assert "auto: query 'film by Agnes Varda'; filters: director == 'Agnes Varda'" in capsys.readouterr().out


def test_a_model_named_for_rules_is_refused():
    pytest.importorskip("retrieverkit_bm25", reason="who is asked is another package: bm25 is not installed")
    from retrieverkit import Index

    with Index.from_documents([]) as index, pytest.raises(OptionError, match="rules ask no model"):
        index.as_retriever("auto(bm25, llm='openai')")


def test_many_threads_read_while_the_corpus_grows():
    pytest.importorskip("retrieverkit_bm25", reason="who is asked is another package: bm25 is not installed")
    from retrieverkit import Index

    with Index.from_documents([]) as index, ThreadPoolExecutor(8) as pool:
        index.add_nodes([Node("film", id="0", metadata={"year": 1})])
        auto = index.as_retriever("auto(bm25)")
        found = []
        for n in range(1, 20):
            found += [pool.submit(auto.retrieve, f"film with year >= {1000 + n}") for _ in range(4)]
            index.add_nodes([Node("film", id=str(n), metadata={"year": 1000 + n})])
        assert all(str(each.result().spec.filters).startswith("year >= ") for each in found)
        assert ids(auto.retrieve("film with year >= 1019")) == ["19"]


def test_a_child_reads_while_a_thread_of_its_parent_does(corpus_of, auto_over):
    reading, go_on = threading.Event(), threading.Event()

    class Slow(MemoryCorpus):
        def snapshot(self):
            if threading.current_thread() is not threading.main_thread():
                reading.set()
                go_on.wait(60)
            return super().snapshot()

    corpus = Slow()
    corpus.add(Node(id="n", text="film", metadata={"year": 1999}))
    auto = auto_over(corpus)
    reader = threading.Thread(target=auto.retrieve, args=("film with year > 1990",))
    reader.start()
    assert reading.wait(60)

    def read():
        assert str(auto.generate_retrieval_spec(QueryBundle("film with year > 1990")).filters) == "year > 1990"

    assert in_child(read) == 0
    go_on.set()
    reader.join(60)


WORDS = """papers by from to in not or and 1990 between 3 2021-03-05 May after under $5 red Smith top five with pages
year rating > = , : unread stock published sent the no é 漢字 \u202e %% '"""
words = st.sampled_from(WORDS.split())


@settings(unhurried)
@given(
    corpus=st.lists(metadatas(), max_size=8),
    question=st.lists(words | st.text(max_size=6), max_size=14).map(" ".join),
    filters=st.none() | filter_trees(),
    scope=st.none() | filter_trees(),
)
def test_whatever_is_asked_hits_are_within_the_callers_filters_and_what_was_read(corpus, question, filters, scope):

    from retrieverkit_auto import AutoRetriever

    memory = MemoryCorpus(settings=IndexSettings())
    memory.add(*(Node(id=f"n{n}", text=f"text {n}", metadata=metadata) for n, metadata in enumerate(corpus)))
    auto = AutoRetriever(Everything(memory), memory, top_k=50, max_top_k=50)
    result = auto.retrieve(QueryBundle(question, filters=filters, scope=scope))
    trees = [tree.model_dump(mode="json") for tree in (filters, scope) if tree is not None]
    if result.spec is not None and result.spec.filters is not None:
        trees.append(result.spec.filters.model_dump(mode="json"))
    passing = [f"n{n}" for n, m in enumerate(corpus) if all(oracle_matches(tree, m) for tree in trees)]
    if result.spec is None:
        assert not question.strip()
    elif result.spec.top_k is None:
        assert ids(result) == passing
    else:
        assert ids(result) == passing[: result.spec.top_k]


@pytest.mark.parametrize(
    ("question", "read"),
    [
        ("cases decided in June 2022", "decided >= '2022-06-01' and decided < '2022-07-01'"),
        ("cases since June 2022", "decided >= '2022-06-01'"),
        ("an accident in June 2022", "None"),
        ("the judge was drunk in June 2022", "None"),
    ],
)
def test_a_time_beside_another_event_is_not_that_of_the_field(corpus_of, auto_over, question, read):
    auto = auto_over(corpus_of({"decided": "2022-06-03"}, {"decided": "2023-01-05"}))
    assert str(auto.retrieve(question).spec.filters) == read


@pytest.mark.parametrize(
    ("question", "read"),
    [
        ("Italian soup", "cuisine == 'Italian'"),
        ("Italian recipes", "cuisine == 'Italian'"),
        ("Italian sauces", "cuisine == 'Italian'"),
        ("Indian breads", "None"),
        ("Indian summer", "None"),
        ("Italian summer", "None"),
    ],
)
def test_a_value_describes_what_its_nodes_speak_of(corpus_of, auto_over, question, read):
    cuisines = [{"cuisine": "Italian"}, {"cuisine": "Italian"}, {"cuisine": "Indian"}, {"cuisine": "Indian"}]
    auto = auto_over(corpus_of(*cuisines, texts=["Soup of beans.", "Bread.", "Lentils.", "Rice."]))
    assert str(auto.retrieve(question).spec.filters) == read


def test_two_values_of_a_field_that_has_one_are_both_left(corpus_of, auto_over):
    auto = auto_over(corpus_of({"county": "Kent"}, {"county": "Kent"}, {"county": "Orange"}, {"county": "Orange"}))
    assert auto.retrieve("a woman from Kent sued in Orange").spec.filters is None
    assert str(auto.retrieve("a woman from Kent").spec.filters) == "county == 'Kent'"
