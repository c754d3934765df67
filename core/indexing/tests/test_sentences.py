"""Sentences: nothing is lost between them, they are where they are said to be, and odd texts take no longer."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retrieverkit_indexing import sentences as module
from retrieverkit_indexing.sentences import sentence_spans, sentences

PIECES = st.sampled_from(
    ["Dr. ", "Smith paid. ", "“open ", "” ", "\n", "\n\n", " ", "(a. ", "word", "。", "? ", "\r\n", "-"]
)
TEXTS = st.lists(PIECES | st.text(max_size=5), max_size=60).map("".join)


@given(text=TEXTS, longest=st.integers(1, 40))
@example(text="\x1c \n\n\x85", longest=1)
def test_only_white_space_lies_between_sentences(text, longest):
    end = 0
    for start, stop in sentence_spans(text, "en", longest=longest):
        assert end <= start < stop
        assert not text[end:start].strip()
        assert stop - start <= longest
        assert text[start:stop] == text[start:stop].strip()
        end = stop
    assert not text[end:].strip()


def test_sentences_end_where_readers_end_them():
    assert list(sentences("Dr. Smith paid $3.50. He left.", "en", longest=400)) == ["Dr. Smith paid $3.50.", "He left."]
    assert list(sentences("吾輩は猫である。名前は？", "ja", longest=400)) == ["吾輩は猫である。", "名前は？"]
    assert list(sentences("A heading\n \nand a text", "en", longest=400)) == ["A heading", "and a text"]


def test_long_ones_are_cut_where_words_end():
    assert list(sentences("one two three", "en", longest=8)) == ["one two", "three"]
    assert list(sentences("abcdefghij", "en", longest=4)) == ["abcd", "efgh", "ij"]


@pytest.mark.parametrize("text", ["“open. " * 4000, "word " * 8000, "x" * 40_000])
def test_no_more_than_a_limit_is_cut_into_sentences_at_once(text, monkeypatch):
    import sentencex

    seen = []

    def segment(language, part):
        seen.append(len(part))
        return iter([part])

    monkeypatch.setattr(sentencex, "segment", segment)
    assert "".join("".join(sentences(text, "en", longest=400)).split()) == "".join(text.split())
    assert max(seen) <= module._SEGMENTED_CHARS
