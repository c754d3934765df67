"""The best passage of a text, against a search of every window."""

from hypothesis import given
from hypothesis import strategies as st

from retrieverkit.cli.passages import PassageFinder
from retrieverkit_indexing.analysis import Analyzer

WORDS = ["rank", "ranks", "ranking", "fusion", "weights", "the", "of", "bread", "naïve", "检索", "增强", "x" * 30]
TEXTS = st.lists(st.sampled_from([*WORDS, "filler", "\n\n", "und", "\u3000", "…"]), max_size=60).map(" ".join)


@given(text=TEXTS | st.text(max_size=300), query=TEXTS | st.text(max_size=20), length=st.integers(10, 120))
def test_a_passage_is_a_part_of_the_text_and_marks_the_query_words(text, query, length):
    passage = PassageFinder(query).best(text, length)
    whole = " ".join(text.split())
    assert passage.text.removeprefix("…").removesuffix("…").strip("…") in whole
    assert len(passage.text) <= max(length, 10) + 2
    wanted = set(Analyzer().terms(query))
    for start, end in passage.matches:
        assert 0 <= start < end <= len(passage.text)
        assert wanted & set(Analyzer().terms(passage.text[start:end]))
    assert list(passage.matches) == sorted(passage.matches)


@given(words=st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta", "some", "filler", "words"]), max_size=80))
def test_no_window_holds_more_of_the_query_words(words):
    wanted, length = ["alpha", "beta", "gamma", "delta"], 40
    passage = PassageFinder(" ".join(wanted)).best(" ".join(words), length)
    shown = {passage.text[start:end] for start, end in passage.matches}
    assert shown <= set(wanted)
    best = 0
    for first in range(len(words)):
        for last in range(first, len(words)):
            if len(" ".join(words[first : last + 1])) <= length:
                best = max(best, len(set(wanted) & set(words[first : last + 1])))
    assert len(shown) == best


def test_words_match_by_their_stem_and_runs_of_chinese_by_their_pairs():
    passage = PassageFinder("ranking 检索").best("He ranks what 信息检索 finds.", 200)
    assert [passage.text[start:end] for start, end in passage.matches] == ["ranks", "检索"]


def test_without_a_stemmer_whole_words_are_marked(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "Stemmer", None)
    passage = PassageFinder("ranks RANK").best("rank Ranks ranking", 200)
    assert passage.matches in (((0, 4), (5, 10)), ((0, 4), (5, 10), (11, 18)))
