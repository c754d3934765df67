"""A normaliser for each leg and a least score, against the formula written again; what does not fit is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_core import BaseRetriever, Node, NodeWithScore, ScoreKind, ScoreSpec
from retrieverkit_core.errors import OptionError, ScoreMismatchError
from retrieverkit_fusion import FusionRetriever
from retrieverkit_fusion.formulas import min_max, three_sigma


class Sure(BaseRetriever):
    """A leg with probabilities."""

    def __init__(self, name, found, spec=ScoreSpec(ScoreKind.PROBABILITY, lower_bound=0.0, upper_bound=1.0)):
        super().__init__()
        self.name, self.scores = name, spec
        self.found = sorted(found.items(), key=lambda item: -item[1])

    def _retrieve(self, query_bundle):
        return [NodeWithScore(Node(id=name, text=name), score) for name, score in self.found]


FOUND = st.dictionaries(st.sampled_from("abcdefg"), st.floats(0, 1).map(lambda score: round(score, 4)), max_size=7)
BY = {"minmax": min_max, "dist_based": three_sigma, "none": lambda scores: scores}
NAMES = st.sampled_from(sorted(BY))
LEAST = st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0])


def oracle(legs, names, least):
    worth = {}
    for at, leg in enumerate(legs):
        for (name, _), normal in zip(leg.found, BY[names[at]]([score for _, score in leg.found]), strict=True):
            if least[at] is None or normal >= least[at]:
                worth.setdefault(name, []).append(normal * (0.75 if at == 0 else 0.25))
    return {name: math.fsum(parts) for name, parts in worth.items()}


@given(FOUND, FOUND, st.tuples(NAMES, NAMES), st.tuples(LEAST, LEAST))
def test_scores_are_normalised_leg_by_leg_and_low_ones_left_out(one, other, names, least):
    legs = [Sure("one", one), Sure("other", other)]
    fusion = FusionRetriever(
        legs, method="relative_score", weights=[3, 1], normalizers=names, min_score=least, top_k=20
    )
    plain, told = fusion.retrieve("q"), fusion.retrieve("q", explain=True)
    expected = oracle(legs, names, least)
    assert {hit.node_id for hit in plain} == expected.keys()
    assert all(hit.score == pytest.approx(expected[hit.node_id], abs=1e-12) for hit in plain)
    assert [(hit.node_id, hit.score, hit.evidence) for hit in told] == [
        (hit.node_id, hit.score, hit.evidence) for hit in plain
    ]
    assert told.explain().recombines
    lost = [stage for stage in told.explain().root.walk() if stage.name == "min_score"]
    assert sum(stage.n_lost for stage in lost) == sum(len(leg.found) for leg in legs) - sum(
        len(hit.evidence) for hit in plain
    )


def test_an_explanation_names_the_normaliser_and_what_was_too_low():
    fusion = FusionRetriever(
        [Sure("one", {"a": 0.9, "b": 0.1}), Sure("other", {"a": 0.5})],
        method="relative_score",
        normalizers=["none", "minmax"],
        min_score=0.5,
    )
    text = str(fusion.retrieve("q", explain=True).explain())
    assert "normalised by none 0.9" in text
    assert "normalised by minmax 1" in text
    assert "one: 1 normalised scores are below 0.5" in text
    assert fusion.why_not("q", "b").code.value == "below_leg_cut"


COSINES = ScoreSpec(ScoreKind.SIMILARITY, lower_bound=-1.0, upper_bound=1.0)
DISTANCES = ScoreSpec(ScoreKind.DISTANCE, higher_is_better=False, lower_bound=0.0, upper_bound=1.0)


@pytest.mark.parametrize("spec", [COSINES, DISTANCES], ids=["cosines", "distances"])
def test_scores_that_are_not_from_0_to_1_are_not_taken_as_they_are(spec):
    legs = [Sure("one", {}), Sure("other", {}, spec)]
    with pytest.raises(ScoreMismatchError, match="other"):
        FusionRetriever(legs, method="relative_score", normalizers=["none", "none"])
    FusionRetriever(legs, method="relative_score", normalizers=["none", "none"], weights=[1, 0])


@pytest.mark.parametrize(
    "settings",
    [
        {"normalizers": ["minmax", "minmax"]},
        {"normalizers": ["minmax", "minmax"], "method": "dist_based_score"},
        {"normalizers": ["minmax"], "method": "relative_score"},
        {"normalizers": ["minmax", "l2"], "method": "relative_score"},
        {"min_score": 0.5},
        {"min_score": 0.5, "method": "simple"},
        {"min_score": [0.5], "method": "relative_score"},
        {"min_score": 1.5, "method": "relative_score"},
    ],
    ids=str,
)
def test_settings_that_do_not_fit_are_refused(settings):
    with pytest.raises(OptionError):
        FusionRetriever([Sure("one", {}), Sure("other", {})], **settings)
