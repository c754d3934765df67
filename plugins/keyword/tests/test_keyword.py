import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import retrieverkit_keyword.table as table
from retrieverkit import Document, Index
from retrieverkit_core import IndexSettings, MetadataFilters, Node, QueryBundle
from retrieverkit_core.errors import ConfigError, OptionError, UnknownModeError, UnknownOptionError
from retrieverkit_keyword import KeywordRetriever
from retrieverkit_testkit.memory_corpus import MemoryCorpus

WORDS = ["ice", "sea", "fog", "mast", "keel", "rope", "tide"]


def frequent(text, most):
    words = text.split()
    return sorted(set(words), key=lambda word: (-words.count(word), words.index(word)))[:most]


def ids(result):
    return [hit.node.id for hit in result]


texts = st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join)


@given(
    batches=st.lists(st.lists(texts, max_size=4), min_size=1, max_size=5),
    deletes=st.lists(st.integers(0, 19), max_size=8),
    query=texts.filter(str.strip),
    most=st.integers(1, 4),
    rank_by=st.sampled_from(["count", "weight"]),
    parity=st.none() | st.integers(0, 1),
)
@settings(deadline=None)
def test_hits_are_those_of_a_count_by_hand(
    tmp_path_factory, monkeypatch, batches, deletes, query, most, rank_by, parity
):
    monkeypatch.setattr(table, "ROW", 3)
    monkeypatch.setattr(table, "_AT_ONCE", 2)
    monkeypatch.setattr(table, "_HELD", 5)
    monkeypatch.setattr(table.KeywordTable, "rebuild_share", 10.0)
    corpus = MemoryCorpus()
    retriever = KeywordRetriever(
        corpus,
        tmp_path_factory.mktemp("k"),
        top_k=3,
        max_keywords=most,
        max_query_keywords=most,
        rank_by=rank_by,
    )
    nodes = []
    for at, batch in enumerate(batches):
        fresh = [
            Node(text=text, id=f"n{len(nodes) + n}", metadata={"even": (len(nodes) + n) % 2})
            for n, text in enumerate(batch)
        ]
        corpus.add(*fresh)
        nodes += fresh
        gone = {f"n{n}" for n in deletes[at::5]} & {node.id for node in nodes}
        if gone:
            corpus.delete(*gone)
        nodes = [Node(text="", id="-") if node.id in gone else node for node in nodes]
        retriever.index.reader()
    here = [node for node in nodes if node.id != "-"]
    wanted = frequent(query, most)
    kept = {node.id: frequent(node.text, most) for node in here}
    having = Counter(word for words in kept.values() for word in words)
    weights = {w: math.log(1 + (len(here) - having[w] + 0.5) / (having[w] + 0.5)) for w in wanted}
    scored = []
    for at, node in enumerate(here):
        matched = [word for word in wanted if word in kept[node.id]]
        if matched and (parity is None or node.metadata["even"] == parity):
            rarity = sum(sorted(weights[word] for word in matched))
            score = len(matched) if rank_by == "count" else rarity
            scored.append((-round(score, 9), -round(rarity, 9), at, node.id, matched))
    filters = None if parity is None else MetadataFilters.parse(f"even == {parity}")
    found = retriever.retrieve(QueryBundle(query, top_k=100, filters=filters))
    told = [(-round(hit.score, 9), hit.node.id, hit.evidence[0].details["keywords"]) for hit in found]
    assert told == [(score, node_id, matched) for score, _, _, node_id, matched in sorted(scored)]
    assert ids(retriever.retrieve(QueryBundle(query, filters=filters))) == ids(found)[:3]


def test_of_equal_counts_the_rare_keyword_is_first(new_corpus, tmp_path):
    retriever = KeywordRetriever(new_corpus(["sea sea sea fog", "sea", "keel", "keel fog", "sea"]), tmp_path, top_k=9)
    result = retriever.retrieve("keels, fogs and masts at sea")
    assert ids(result) == ["n3", "n0", "n2", "n1", "n4"]
    assert [hit.score for hit in result] == [2.0, 2.0, 1.0, 1.0, 1.0]
    assert result[0].evidence[0].details == {"keywords": ["keels", "fogs"]}


def test_only_the_most_frequent_terms_are_keywords(new_corpus, tmp_path):
    retriever = KeywordRetriever(new_corpus(["fog fog sea ice ice", "mast sea"]), tmp_path, max_keywords=2)
    assert ids(retriever.retrieve("ice")) == ["n0"]
    assert ids(retriever.retrieve("sea")) == ["n1"]
    one = KeywordRetriever(retriever.index.corpus, tmp_path, max_keywords=2, max_query_keywords=1)
    assert ids(one.retrieve("ice mast mast")) == ["n1"]


@pytest.mark.parametrize("query", ["the of and", "...", "?!"])
def test_a_query_without_a_keyword_says_so(new_corpus, tmp_path, query):
    result = KeywordRetriever(new_corpus(["the fog"]), tmp_path).retrieve(query)
    assert list(result) == []
    assert result.notes == ("keyword: the query has no keywords, so nothing was searched for",)


def test_texts_without_spaces_are_found_by_pairs_and_by_single_characters(new_corpus, tmp_path):
    retriever = KeywordRetriever(new_corpus(["東京の天気", "京都の寺", "fog"]), tmp_path)
    assert ids(retriever.retrieve("東京")) == ["n0"]
    result = retriever.retrieve("京")
    assert ids(result) == ["n0", "n1"]
    assert result[0].evidence[0].details == {"keywords": ["京"]}


def test_the_language_is_the_index_s_unless_another_is_named(tmp_path):
    corpus = MemoryCorpus(settings=IndexSettings(language="de"))
    corpus.add(Node(text="der Hund und die Katzen", id="a"), Node(text="die the", id="b"))
    assert ids(KeywordRetriever(corpus, tmp_path).retrieve("the Katze")) == ["a", "b"]
    assert ids(KeywordRetriever(corpus, tmp_path, language="en").retrieve("die")) == ["a", "b"]
    with pytest.raises(ConfigError, match="unknown language 'xx'"):
        KeywordRetriever(corpus, tmp_path, language="xx")


def test_a_retriever_follows_documents_and_settings(tmp_path):
    corpus = MemoryCorpus()
    corpus.add(Node(text="A calm sea", id="a", metadata={"author": "Turner", "title": "Fog"}))
    retriever = KeywordRetriever(corpus, tmp_path)
    assert ids(retriever.retrieve("fog")) == ["a"]
    assert not retriever.retrieve("Turner")
    corpus.add(Node(text="Fog on the sea", id="b"))
    assert ids(retriever.retrieve("sea")) == ["a", "b"]
    corpus.configure(searched=["author"])
    assert ids(retriever.retrieve("Turner")) == ["a"]
    assert ids(retriever.retrieve("fog")) == ["b"]
    corpus.delete("a")
    assert ids(retriever.retrieve("sea")) == ["b"]


def test_the_class_answers_as_the_mode_string_does():
    index = Index.from_documents([Document(text, id=text) for text in ("ice ice fog", "fog sea", "sea sea fog ice")])
    named = index.as_retriever('keyword(top_k=2, max_keywords=2, rank_by="weight", max_query_keywords=2)')
    made = KeywordRetriever(
        index.corpus, index.storage, top_k=2, max_keywords=2, rank_by="weight", max_query_keywords=2
    )
    for query in ("ice fog sea", "sea ice", "fog"):
        one, other = named.retrieve(query), made.retrieve(query)
        assert list(one) == list(other)
        assert [hit.evidence for hit in one] == [hit.evidence for hit in other]
    assert named.index.folder == made.index.folder


def test_options_that_cannot_be(new_corpus, tmp_path):
    with pytest.raises(OptionError, match="max_keywords"):
        KeywordRetriever(new_corpus(), tmp_path, max_keywords=0)
    with pytest.raises(OptionError, match="rank_by"):
        KeywordRetriever(new_corpus(), tmp_path, rank_by="rarity")


def test_names_of_another_library_lead_to_ours():
    index = Index.from_documents([Document("fog", id="a")])
    for theirs, ours in [
        ("max_keywords_per_query", "max_query_keywords"),
        ("max_keywords_per_chunk", "max_keywords"),
        ("num_chunks_per_query", "top_k"),
    ]:
        with pytest.raises(UnknownOptionError, match=ours):
            index.as_retriever("keyword", **{theirs: 3})
    with pytest.raises(UnknownModeError, match="'keyword'"):
        index.as_retriever("simple")


@pytest.mark.parametrize("rank_by", ["count", "weight"])
def test_weights_that_are_equal_stay_equal_in_whatever_order_they_are_added(tmp_path, rank_by):
    texts = ["ice sea fog", "mast keel rope", "sea fog", "sea rope", "sea rope", "keel rope"]
    corpus = MemoryCorpus()
    corpus.add(*(Node(text=text, id=f"n{at}") for at, text in enumerate(texts)))
    found = KeywordRetriever(corpus, tmp_path, rank_by=rank_by).retrieve("ice sea fog mast keel rope")
    assert ids(found)[:2] == ["n0", "n1"]
    assert rank_by == "count" or found[0].score == found[1].score
