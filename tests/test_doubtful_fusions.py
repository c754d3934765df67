"""What is allowed and seldom meant is said in the notes of each result."""

import pytest

from retrieverkit import Index
from retrieverkit_core import Document


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("bm25, vector, weights=[1, 0]", "leg vector has the weight 0 and is not asked"),
        ("bm25(top_k=3), vector", "leg bm25 gives 3 hits at most, and 5 are returned"),
        ("bm25, vector, bm25", "leg bm25 is there twice and finds the same"),
        ("bm25(top_k=3), vector, top_k=3", None),
        ("bm25(title_weight=1), bm25, weights=[1, 2]", None),
    ],
)
def test_what_is_seldom_meant_is_said_with_what_to_do(written, told):
    with Index.from_documents([Document(id="a", text="ice on the wing")]) as index:
        notes = index.retrieve("ice", f"fusion({written})").notes
    assert [note.split(": ")[0] for note in notes] == ([] if told is None else [told])
