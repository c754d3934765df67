import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_core.errors import InvalidEmbeddingError
from retrieverkit_core.vectors import checked

np = pytest.importorskip("numpy")

GOOD = [[1.0, 0.0], [0.6, 0.8], [-2.0, 1.0]]


@pytest.mark.parametrize("kind", [list, np.array, lambda v: np.array(v, np.float16), lambda v: np.array(v, ">f8")])
def test_good_vectors_pass_as_contiguous_float32(kind):
    vectors = checked(kind(GOOD), 3, 2)
    assert vectors.dtype == np.float32 and vectors.flags.c_contiguous
    assert np.allclose(vectors, GOOD, atol=1e-3)


def test_views_are_laid_out_anew_and_arrays_that_fit_are_not_copied():
    wide = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
    assert checked(wide[:, ::2], 3, 2).tolist() == wide[:, ::2].tolist()
    assert checked(wide, 3, 4) is wide


def test_no_texts_give_no_rows():
    assert checked([], 0, 5).shape == (0, 5)
    assert checked(np.empty((0, 5)), 0, 5).shape == (0, 5)


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        (GOOD[:2], "3 texts were embedded and 2 vectors"),
        ([*GOOD, [1.0, 1.0]], "3 texts were embedded and 4 vectors"),
        ([], "3 texts were embedded and 0 vectors"),
        (None, "numbers are needed"),
        (7.0, "no vectors"),
        ([[1.0], [2.0], [3.0]], "row 0 has 1 numbers, not 2"),
        ([[1.0, 2.0], [3.0], [1.0, 2.0]], "row 1 has 1 numbers, not 2"),
        ([[1.0, 2.0], [1.0, 2.0], None], "row 2 has no numbers, not 2"),
        ([1.0, 2.0, 3.0], "shape (3,)"),
        ([["1", "2"]] * 3, "numbers are needed"),
        ([[True, False]] * 3, "numbers are needed"),
        ([[1j, 2]] * 3, "numbers are needed"),
        ([[1.0, 2.0], [1.0, float("nan")], [1.0, 2.0]], "row 1 holds NaN"),
        ([[1.0, 2.0], [1.0, 2.0], [float("-inf"), 1.0]], "row 2 holds an infinite"),
        ([[1e300, 2.0], [1.0, 2.0], [1.0, 2.0]], "row 0 holds an infinite number, or one too large"),
        ([[1.0, 2.0], [0.0, -0.0], [1.0, 2.0]], "row 1 is a zero vector"),
        ([[1.0, 2.0], [1e-40, 0.0], [1.0, 2.0]], "row 1 is too short"),
        ([[1e30, 2.0], [1.0, 0.0], [1.0, 2.0]], "row 0 is too long"),
    ],
)
def test_bad_vectors_are_refused_by_row(vectors, said):
    with pytest.raises(InvalidEmbeddingError, match="nothing was stored") as caught:
        checked(vectors, 3, 2)
    assert said in str(caught.value)


def test_zero_vectors_pass_only_where_they_mean_an_unknown_text():
    zero = [[1.0, 0.0], [0.0, 0.0]]
    assert checked(zero, 2, 2, allow_zero=True).tolist() == zero
    with pytest.raises(InvalidEmbeddingError, match="row 0 is too short"):
        checked([[1e-40, 0.0], [0.0, 0.0]], 2, 2, allow_zero=True)


@given(st.lists(st.lists(st.floats(width=64), min_size=3, max_size=3), max_size=5), st.booleans())
def test_what_passes_can_be_normalised(rows, allow_zero):
    try:
        vectors = checked(rows, len(rows), 3, allow_zero=allow_zero)
    except InvalidEmbeddingError:
        return
    known = vectors[vectors.any(axis=1)]
    assert allow_zero or len(known) == len(rows)
    unit = known / np.linalg.norm(known, axis=1, keepdims=True)
    assert np.allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-3)


def test_importing_core_and_its_embeddings_loads_no_numpy():
    code = "import sys, retrieverkit_core, retrieverkit_indexing.embeddings; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
