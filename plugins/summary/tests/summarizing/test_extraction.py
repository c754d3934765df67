"""Summaries without a language model: which sentences are chosen, and that all of them are looked at."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_core.corpus import IndexSettings
from retrieverkit_core.nodes import Node
from retrieverkit_indexing.analysis import Analyzer
from retrieverkit_indexing.sentences import sentences
from retrieverkit_summary.summarizing import Summarizer
from retrieverkit_summary.summarizing.by_extraction import LENGTH, SENTENCE_CHARS
from retrieverkit_testkit.memory_corpus import MemoryCorpus

WORDS = ["turbine", "inlet", "freezes", "orchid", "glacier", "the", "of", "harbour", "herring", "吾輩は猫", "Straße"]


class Letters:
    """Counts letters; a text without any has no direction."""

    fingerprint = "letters"
    dimension = 26

    def __init__(self):
        self.asked = []

    def embed_documents(self, texts):
        self.asked += texts
        return np.array([[t.lower().count(chr(97 + i)) for i in range(26)] for t in texts], np.float32)

    embed_queries = embed_documents


def by_words(unit):
    counts = Counter(Analyzer("en").terms(unit))
    return {term: 1 + math.log(count) for term, count in counts.items()}


def by_letters(unit):
    return {i: float(n) for i in range(26) if (n := unit.lower().count(chr(97 + i)))}


def scaled(vector):
    length = math.sqrt(sum(value**2 for value in vector.values()))
    return {key: value / length for key, value in vector.items()} if length else {}


def oracle(units, vector_of):
    """Choose as the module says, from scratch at each step."""
    rows = [scaled(vector_of(unit)) for unit in units]
    centroid = Counter()
    for row in rows:
        centroid.update(row)
    chosen = []
    while True:
        room = LENGTH + 1 - sum(len(units[at]) + 1 for at in chosen)
        best = None
        for at, unit in enumerate(units):
            if at in chosen or len(unit) + 1 > room:
                continue
            together = Counter()
            for each in (*chosen, at):
                together.update(rows[each])
            length = math.sqrt(sum(value**2 for value in together.values()))
            product = sum(value * centroid[key] for key, value in together.items())
            near = round(product / length, 6) if length else 0.0
            if best is None or near > best[0]:
                best = near, at
        if best is None:
            return " ".join(units[at] for at in sorted(chosen))
        chosen.append(best[1])


sentence = st.lists(st.sampled_from(WORDS), min_size=4, max_size=25).map(lambda words: " ".join(words) + ".")


@pytest.mark.parametrize("embedding", [None, Letters()], ids=["words", "vectors"])
@given(st.lists(st.lists(sentence, min_size=1, max_size=6).map(" ".join), min_size=1, max_size=4))
def test_the_sentences_are_those_that_together_come_nearest(tmp_path_factory, embedding, texts):
    summarizer = Summarizer(MemoryCorpus(), tmp_path_factory.mktemp("cache"), embedding=embedding)
    (summary,) = summarizer.summarize([texts])
    units = list(dict.fromkeys(unit for text in texts for unit in sentences(text, "en", longest=SENTENCE_CHARS)))
    if sum(map(len, texts)) + len(texts) <= LENGTH:
        assert summary == " ".join(texts)
    else:
        vector_of = by_letters if embedding else by_words
        near, told = oracle(units, vector_of), summary
        # where two are equally near but for rounding beyond the sixth place, either may be taken
        assert told == near or abs(quality(told, units, vector_of) - quality(near, units, vector_of)) < 1e-3
    assert len(summary) <= LENGTH
    assert summarizer.summarize([texts]) == summarizer.known([texts]) == [summary]


def quality(summary, units, vector_of):
    chosen, centroid = Counter(), Counter()
    for unit in units:
        centroid.update(scaled(vector_of(unit)))
        if unit in summary:
            chosen.update(scaled(vector_of(unit)))
    length = math.sqrt(sum(v**2 for v in chosen.values())) * math.sqrt(sum(v**2 for v in centroid.values()))
    return sum(value * centroid[key] for key, value in chosen.items()) / length if length else 0.0


def test_each_subject_has_its_say_and_what_is_repeated_is_not(tmp_path):
    filler = [f"Of this and of that in place {chr(97 + n)}." for n in range(12)]
    texts = [
        "The turbine stalls when its inlet freezes. The turbine stalls when its inlet freezes again.",
        "Orchid seedlings flower under blue lamps. Orchid seedlings flower twice under lamps.",
        *filler,
        "The glacier melts along the ridge, and radar shows the depth of the melting glacier. " * 4,
    ]
    (summary,) = Summarizer(MemoryCorpus(), tmp_path).summarize([texts])
    assert {"turbine", "Orchid", "glacier"} <= set(summary.replace(",", " ").replace(".", " ").split())


@pytest.mark.needs("retrieverkit_vector")
def test_a_fitted_embedding_does_not_choose_and_the_result_says_what_does(tmp_path):
    from retrieverkit_vector.embeddings.lsa.embedding import LsaEmbedding

    fitted = Summarizer(MemoryCorpus(), tmp_path, embedding=LsaEmbedding())
    none = Summarizer(MemoryCorpus(), tmp_path)
    assert (
        fitted.fingerprint == none.fingerprint != Summarizer(MemoryCorpus(), tmp_path, embedding=Letters()).fingerprint
    )
    assert fitted.notes == ("summaries: sentences of the texts, chosen by their words, as no language model is used",)
    assert "by their vectors" in Summarizer(MemoryCorpus(), tmp_path, embedding=Letters()).notes[0]


def test_sentences_are_embedded_once_and_a_plan_does_not_say_nothing_where_it_does_not_know(tmp_path):
    model = Letters()
    groups = [[f"The turbine number {n} stalls when its inlet freezes." for n in range(30)]]
    summarizer = Summarizer(MemoryCorpus(), tmp_path, embedding=model)
    assert summarizer.cost(groups).embedding_calls is None
    summarizer.summarize(groups)
    asked = len(model.asked)
    Summarizer(MemoryCorpus(), tmp_path, embedding=model).summarize(groups)
    assert len(model.asked) == asked == 30
    assert summarizer.cost(groups).complete and summarizer.cost(groups).total("embedding_calls") == 0


def test_a_title_is_summarised_where_it_is_searched(tmp_path):
    corpus = MemoryCorpus(settings=IndexSettings(searched=("name",)))
    assert Summarizer(corpus, tmp_path).text_of(Node("text", metadata={"name": "N", "title": "T"})) == "N text"
