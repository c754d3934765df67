from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from retrieverkit import Document, Index
from retrieverkit_indexing.analysis import Analyzer
from retrieverkit_keyword import KeywordRakeRetriever
from retrieverkit_keyword.rake import LONGEST_PHRASE, Rake

RAKE = Rake(Analyzer("en"))


def ids(result):
    return [hit.node.id for hit in result]


def by_hand(runs):
    """Degree by frequency, counted pair by pair."""
    runs = [tuple(run[at : at + LONGEST_PHRASE]) for run in runs for at in range(0, len(run), LONGEST_PHRASE)]

    def score(word):
        frequency = sum(other == word for run in runs for other in run)
        return Fraction(sum(other == word for run in runs for other in run for _ in run), frequency)

    phrases = list(dict.fromkeys(runs))
    return sorted(phrases, key=lambda phrase: (-sum(map(score, phrase)), phrases.index(phrase)))


@given(
    st.lists(st.lists(st.sampled_from(["ice", "sea", "fog", "mast"]), min_size=1, max_size=8), min_size=1, max_size=6),
    st.sampled_from([" the ", ". ", " (and) ", ", ", "\n\n"]),
    st.integers(1, 9),
)
@example([["ice"] * 5 + ["fog", "sea", "fog"], ["ice"] * 4 + ["fog", "ice"]], " the ", 1)
def test_phrases_are_ranked_by_degree_and_frequency(runs, between, most):
    text = between.join(" ".join(run) for run in runs)
    assert RAKE.phrases([text], most) == by_hand(runs)[:most]


def test_phrases_end_at_stop_words_and_punctuation_but_not_within_numbers_and_lines():
    text = "Compatibility of linear\nconstraints, over 1,000 natural numbers: the pump's well-known flaw"
    assert {" ".join(phrase) for phrase in RAKE.phrases([text], 99)} == {
        "compat",
        "linear constraint",
        "over 1000 natur number",
        "pump well known flaw",
    }


def test_a_phrase_counts_more_than_its_words_apart(new_corpus, tmp_path):
    corpus = new_corpus(["The hall of the turbine.", "A turbine hall is here.", "The sea", "東京都の天気"])
    retriever = KeywordRakeRetriever(corpus, tmp_path)
    result = retriever.retrieve("Where are turbine halls?")
    assert [(hit.node.id, hit.score) for hit in result] == [("n1", 3.0), ("n0", 2.0)]
    assert result[0].evidence[0].details == {"keywords": ["turbine halls", "turbine", "halls"]}
    assert ids(retriever.retrieve("東京")) == ["n3"]
    assert retriever.retrieve("the of").notes == (
        "keyword_rake: the query has no keywords, so nothing was searched for",
    )


def test_only_the_best_phrases_are_kept(new_corpus, tmp_path):
    corpus = new_corpus(["fog. cold sea ice"])
    one = KeywordRakeRetriever(corpus, tmp_path, max_keywords=1)
    assert ids(one.retrieve("ice")) == ["n0"]
    assert ids(one.retrieve("fog")) == []
    assert ids(KeywordRakeRetriever(corpus, tmp_path).retrieve("fog")) == ["n0"]


def test_the_class_answers_as_the_mode_string_does():
    index = Index.from_documents([Document(text, id=text) for text in ("ice fog", "the fog", "sea of ice")])
    named = index.as_retriever('keyword_rake(rank_by="weight", max_keywords=3)')
    made = KeywordRakeRetriever(index.corpus, index.storage, rank_by="weight", max_keywords=3)
    for query in ("ice fog", "sea ice", "fog"):
        assert list(named.retrieve(query)) == list(made.retrieve(query))
