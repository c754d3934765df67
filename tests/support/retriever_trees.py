"""Retrievers that hypothesis builds from the modes shipped here, and a corpus that they search."""

from hypothesis import strategies as st

from retrieverkit_core import Document

WORDS = ["ice", "wing", "inlet", "turbine", "noise", "blade", "stall", "flow", "heat", "shock"]
OUTSIDE = "Zanzibar"
"""Stands in the id and in every value of each document that the scope excludes."""


def documents():
    """Return forty short documents, one in four of which is outside of the scope ``tenant == 'ours'``."""
    made = []
    for at in range(40):
        words = [WORDS[(at * step + step) % len(WORDS)] for step in range(1, 3 + at % 5)]
        ours = at % 4 != 3
        name = f"d{at:02}" if ours else f"{OUTSIDE}{at:02}"
        metadata = {"tenant": "ours" if ours else OUTSIDE, "year": 1960 + at % 20, f"field_{name[:3]}": name}
        made.append(Document(id=name, text=" ".join(words if ours else [*words, OUTSIDE]), metadata=metadata))
    return made


leaves = st.builds(
    "{}(top_k={})".format, st.sampled_from(["bm25", "vector", "keyword"]), st.integers(min_value=1, max_value=12)
)
vectors = st.builds(
    "vector(top_k={}, {})".format,
    st.integers(min_value=1, max_value=8),
    st.sampled_from(
        ["mmr_lambda=0.5", "mmr_lambda=1.0", "similarity_cutoff=0.6", "metric='l2', similarity_cutoff=0.9"]
    ),
)
hybrids = st.builds(
    "hybrid(weight={}, feedback={}, top_k={})".format,
    st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    st.sampled_from([0, 0.5]),
    st.integers(min_value=1, max_value=8),
)


@st.composite
def _fusions(draw, legs):
    inner = draw(st.lists(legs, min_size=1, max_size=3))
    method = draw(st.sampled_from(["rrf", "relative_score", "dist_based_score", "simple"]))
    if method == "simple":
        inner = [draw(st.sampled_from(["bm25(top_k=4)", "vector", "keyword"]))] * len(inner)
    weights = draw(st.lists(st.sampled_from([0.25, 1, 3]), min_size=len(inner), max_size=len(inner)))
    candidates, top_k = draw(st.integers(min_value=1, max_value=15)), draw(st.integers(min_value=1, max_value=8))
    return f"fusion({', '.join(inner)}, method={method!r}, weights={weights}, candidates={candidates}, top_k={top_k})"


trees = st.recursive(leaves | vectors | hybrids, _fusions, max_leaves=4)
queries = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
filters = st.sampled_from([None, None, "year > 1965", "year < 1975 or year == 1978", "_doc_id != 'd05'"])
scopes = st.sampled_from([None, "tenant == 'ours'"])
