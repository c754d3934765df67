"""Which words are searched for, in which fields, and what the answer says about it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieverkit_bm25 import Bm25Retriever
from retrieverkit_core.corpus import IndexSettings
from retrieverkit_core.errors import ConfigError
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.nodes import Node, NodeRelationship
from retrieverkit_core.query import QueryBundle
from retrieverkit_testkit.memory_corpus import MemoryCorpus


def ids(result):
    return [hit.node.id for hit in result]


def corpus_of(*texts, **settings):
    corpus = MemoryCorpus(settings=IndexSettings(**settings))
    corpus.add(*(Node(text=text, id=f"n{i}") for i, text in enumerate(texts)))
    return corpus


@pytest.mark.parametrize("query", ["the who", "IT", "can", "to be or the"])
def test_an_answer_to_stop_words_alone_says_so(tmp_path, query):
    result = Bm25Retriever(corpus_of("the who can"), tmp_path).retrieve(query)
    assert result == [] and any("stop word" in note for note in result.notes)


@pytest.mark.parametrize("query", ["unicorn", "???", "the cat"])
def test_no_other_answer_says_so(tmp_path, query):
    assert Bm25Retriever(corpus_of("the cat"), tmp_path).retrieve(query).notes == ()


@pytest.mark.parametrize(
    ("query", "found"),
    [("猫", ["n0", "n2"]), ("车", ["n1"]), ("が", ["n0"]), ("犬", []), ("tokyo 猫", ["n3", "n0", "n2"])],
)
def test_one_character_finds_what_holds_it_in_longer_runs(tmp_path, query, found):
    corpus = corpus_of("黒猫が好き 猫", "自行车很快", "黒猫と白鳥 and a long text about other things", "tokyo tower")
    retriever = Bm25Retriever(corpus, tmp_path)
    assert ids(retriever.retrieve(query)) == found
    corpus.add(*(Node(text="犬小屋", id=f"dog{i}") for i in range(2)))
    corpus.delete("dog0")
    assert ids(retriever.retrieve("犬")) == ["dog1"]


def test_words_meet_with_and_without_accents(tmp_path):
    retriever = Bm25Retriever(corpus_of("a naïve café", "the naive cafe"), tmp_path)
    assert ids(retriever.retrieve("naive café")) == ids(retriever.retrieve("naïve cafe")) == ["n0", "n1"]


def test_fields_are_searched_as_the_settings_say_and_a_change_of_them_is_seen(tmp_path):
    corpus = corpus_of(searched=("title", "author", "year"))
    corpus.add(
        Node(text="one", id="all", metadata={"title": "Pumps", "author": ["Greta Hill", "Bo"], "year": 1987}),
        Node(text="two", id="kept out", metadata={"author": "Greta"}, excluded_embed_metadata_keys=["author"]),
        Node(text="three", id="other", metadata={"place": "Greta"}),
    )
    retriever = Bm25Retriever(corpus, tmp_path)
    assert [ids(retriever.retrieve(query)) for query in ("greta", "bo", "1987", "pump")] == [["all"]] * 4
    corpus.configure(searched=("place",))
    assert ids(retriever.retrieve("greta")) == ["other"]
    assert ids(retriever.retrieve("pump")) == []


def test_the_language_is_that_of_the_settings_unless_one_is_chosen(tmp_path):
    corpus = corpus_of("Die Pumpen wurden geprüft", language="de")
    retriever = Bm25Retriever(corpus, tmp_path)
    assert ids(retriever.retrieve("Pumpe")) == ["n0"]
    assert ids(Bm25Retriever(corpus, tmp_path, language="en").retrieve("Pumpe")) == []
    corpus.configure(language="en")
    assert ids(retriever.retrieve("Pumpe")) == []
    with pytest.raises(ConfigError):
        Bm25Retriever(corpus, tmp_path, language="xx")


@pytest.mark.parametrize("query", ["turbyne", "trubine", "tubine", "turbinne"])
def test_an_unknown_word_is_replaced_by_the_nearest_and_the_answer_says_so(tmp_path, query):
    corpus = corpus_of("the turbine spins", "carbines", "nothing here")
    result = Bm25Retriever(corpus, tmp_path, typos=True).retrieve(query)
    assert ids(result) == ["n0"]
    assert ["'turbin'" in note for note in result.notes] == [True]
    plain = Bm25Retriever(corpus, tmp_path).retrieve(query)
    assert plain == [] and plain.notes == ()


@pytest.mark.parametrize("query", ["turbine", "turbines", "1988", "trb", "zzzzzzzz", "turbine1", "猫猫"])
def test_other_words_are_left_alone(tmp_path, query):
    corpus = corpus_of("turbine of 1987", "turbina", "a tub", "猫犬")
    corrected = Bm25Retriever(corpus, tmp_path, typos=True).retrieve(query)
    assert ids(corrected) == ids(Bm25Retriever(corpus, tmp_path).retrieve(query))
    assert corrected.notes == ()


def test_replacements_follow_adds_and_deletes(tmp_path, monkeypatch):
    monkeypatch.setattr("retrieverkit_bm25.index.EXACT_UP_TO", 0)  # deleted nodes stay in the engine's files
    corpus = corpus_of(*["filler words"] * 60)
    retriever = Bm25Retriever(corpus, tmp_path, typos=True)
    assert ids(retriever.retrieve("turbyne")) == []
    corpus.add(Node(text="turbine", id="t"))
    assert ids(retriever.retrieve("turbyne")) == ["t"]
    corpus.add(Node(text="turbyne", id="exact"))
    assert ids(retriever.retrieve("turbyne")) == ["exact"]
    corpus.delete("exact")
    assert ids(retriever.retrieve("turbyne")) == ["t"]
    corpus.delete("t")
    assert ids(retriever.retrieve("turbyne")) == [] == list(retriever.retrieve("turbyne").notes)


VOCABULARY = ["turbine", "turbina", "carbine", "valves", "valued", "engine", "ensign"]
MISSPELT = ["turbyne", "tarbine", "valvez", "engien", "valve", "turbine"]


@given(
    mine=st.lists(st.lists(st.sampled_from(VOCABULARY), max_size=3).map(" ".join), max_size=4),
    secret=st.lists(st.lists(st.sampled_from([*VOCABULARY, *MISSPELT]), max_size=3).map(" ".join), max_size=4),
    query=st.lists(st.sampled_from(MISSPELT), min_size=1, max_size=3).map(" ".join),
    by_id=st.booleans(),
)
@settings(suppress_health_check=list(HealthCheck))
def test_under_a_scope_nothing_outside_shows(tmp_path_factory, mine, secret, query, by_id):
    def answer(texts_of_others):
        corpus = MemoryCorpus()
        corpus.add(
            *(Node(text=text, id=f"a{i}", metadata={"tenant": "a"}) for i, text in enumerate(mine)),
            *(Node(text=text, id=f"b{i}", metadata={"tenant": "b"}) for i, text in enumerate(texts_of_others)),
        )
        retriever = Bm25Retriever(corpus, tmp_path_factory.mktemp("s"), typos=True, top_k=20)
        scope = "_node_id in ['a0', 'a1', 'a2', 'a3']" if by_id else "tenant == 'a'"
        result = retriever.retrieve(QueryBundle(query, scope=MetadataFilters.parse(scope)))
        return sorted(ids(result)), result.notes

    assert answer(secret) == answer([])


def test_a_scope_that_the_engine_cannot_apply_leaves_words_alone(tmp_path):
    corpus = MemoryCorpus()
    corpus.add(Node(text="turbine", id="n", metadata={"tenant": "alpha"}))
    retriever = Bm25Retriever(corpus, tmp_path, typos=True)
    result = retriever.retrieve(QueryBundle("turbyne", scope=MetadataFilters.parse("text_match(tenant, 'alpha')")))
    assert result == [] and result.notes == ()


def test_nodes_and_documents_can_be_filtered_by_id(tmp_path):
    corpus = MemoryCorpus()
    source = NodeRelationship.SOURCE
    corpus.add(*(Node(text="cat", id=f"n{i}", relationships={source: f"doc{i // 2}"}) for i in range(6)))
    corpus.add(Node(text="cat", id="2024-05-01"), Node(text="cat", id="2023-01-01"))
    retriever = Bm25Retriever(corpus, tmp_path, top_k=10)

    def passing(text):
        filters = MetadataFilters.parse(text)
        pushed = all(map(retriever.can_push, filters.leaves()))
        return pushed, ids(retriever.retrieve(QueryBundle("cat", filters=filters)))

    assert passing("_node_id in ['n0', 'n2', 'n4'] and _doc_id != 'doc1'") == (True, ["n0", "n4"])
    assert passing("_doc_id == 'doc2'") == (True, ["n4", "n5"])
    assert passing("_node_id == '2024-05-01'") == (True, ["2024-05-01"])
    assert passing("_node_id > '2024-01-01'") == (False, ["2024-05-01"])
