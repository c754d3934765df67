"""The numbers of a report are those of plain definitions, and nothing that was left out goes untold."""

import json
import math
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from retrieverkit import Document, Index
from retrieverkit_core import Node
from retrieverkit_core.errors import ConfigError, QueryError, RetrievalError
from retrieverkit_core.result import LegState, LegStatus
from retrieverkit_evaluate import evaluate
from retrieverkit_evaluate.statistics import p_value

DOCUMENTS = "abcdefghij"


# Plain definitions


def ndcg(ranking, grades, cutoff):
    def dcg(gains):
        return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains[:cutoff], 1))

    return dcg([grades.get(doc, 0) for doc in ranking]) / dcg(sorted(grades.values(), reverse=True))


def recall(ranking, grades, cutoff):
    relevant = {doc for doc, grade in grades.items() if grade > 0}
    return len(relevant & set(ranking[:cutoff])) / len(relevant)


def reciprocal_rank(ranking, grades, cutoff):
    return next((1 / rank for rank, doc in enumerate(ranking[:cutoff], 1) if grades.get(doc, 0) > 0), 0.0)


def precision(ranking, grades, cutoff):
    return sum(grades.get(doc, 0) > 0 for doc in ranking[:cutoff]) / cutoff


ORACLES = {"nDCG@5": (ndcg, 5), "R@4": (recall, 4), "RR@3": (reciprocal_rank, 3), "P@5": (precision, 5)}

a_ranking = st.lists(st.sampled_from(DOCUMENTS), unique=True)
some_grades = st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(0, 3), min_size=1).filter(
    lambda grades: any(grades.values())
)
several = st.lists(st.tuples(some_grades, a_ranking, a_ranking), min_size=1, max_size=5)
fixtures_hold = settings(max_examples=settings.default.max_examples // 2)


@fixtures_hold
@given(several)
def test_every_number_is_that_of_its_definition(letters, rankings, drawn):
    queries = {f"q{number}": f"query {number}" for number in range(len(drawn))}
    qrels = {query_id: grades for query_id, (grades, _, _) in zip(queries, drawn, strict=True)}
    given_rankings = {"a": [first for _, first, _ in drawn], "b": [second for _, _, second in drawn]}
    for key, all_rankings in given_rankings.items():
        rankings.update({(key, f"query {n}"): ranking for n, ranking in enumerate(all_rankings)})

    report = evaluate(letters, queries, qrels, ["written", 'written(key="b")'], measures=list(ORACLES))

    for measure, (oracle, cutoff) in ORACLES.items():
        expected = {
            key: [oracle(ranking, qrels[q], cutoff) for q, ranking in zip(queries, all_rankings, strict=True)]
            for key, all_rankings in given_rankings.items()
        }
        for system, key in (("written", "a"), ('written(key="b")', "b")):
            score = report.score(measure, system)
            assert list(score.values) == list(queries)
            assert list(score.values.values()) == pytest.approx(expected[key])
            assert score.mean == pytest.approx(sum(expected[key]) / len(queries))
        told = report.score(measure, 'written(key="b")').against_first
        differences = [b - a for a, b in zip(expected["a"], expected["b"], strict=True)]
        assert told.difference == pytest.approx(sum(differences) / len(queries), abs=1e-12)
        assert told.p == pytest.approx(share_of_sign_patterns(differences))
        wins = sum(each > 1e-9 for each in differences)
        losses = sum(each < -1e-9 for each in differences)
        assert (told.wins, told.ties, told.losses) == (wins, len(queries) - wins - losses, losses)


@given(st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3, 1 / 3, 2 / 3, 0.7, -0.1, -0.3, -2 / 3]), min_size=2, max_size=6))
@example([0.1, 0.3, -0.1, -0.3])
@example([-2 / 3, -0.3, 0.3, 2 / 3])
def test_means_that_differ_by_rounding_alone_are_equally_far_out(differences):
    assert p_value(differences, 0) == pytest.approx(share_of_sign_patterns(differences))


def share_of_sign_patterns(differences):
    """The exact two-sided p-value: how often chance signs give a sum as far out as the real one."""
    real = abs(sum(differences))
    sums = [
        abs(sum(sign * each for sign, each in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=len(differences))
    ]
    return sum(each >= real - 1e-9 for each in sums) / len(sums)


def many_queries(rankings, number=80):
    """Write two systems of which the second is a little better; return queries and judgements."""
    for n in range(number):
        rankings["a", f"query {n}"] = DOCUMENTS[n % 7 :]
        rankings["b", f"query {n}"] = DOCUMENTS[max(n % 7 - n % 3, 0) :]
    queries = {f"q{n}": f"query {n}" for n in range(number)}
    return queries, {query_id: {"g": 1, "d": 2} for query_id in queries}


def test_p_values_agree_with_the_t_test_on_many_queries_and_are_corrected_by_holm(letters, rankings):
    queries, qrels = many_queries(rankings)
    for n in range(len(queries)):
        rankings["c", f"query {n}"] = rankings["a" if n % 5 else "b", f"query {n}"]
    systems = ["written", 'written(key="b")', 'written(key="c")']
    report = evaluate(letters, queries, qrels, systems, measures=["nDCG@10", "RR@10"])

    comparisons = [score.against_first for score in report.scores.values() if score.against_first]
    assert len(comparisons) == 4
    for measure, system in ((m, s) for m in report.measures for s in systems[1:]):
        before, after = report.score(measure, systems[0]), report.score(measure, system)
        by_t_test = stats.ttest_rel(list(after.values.values()), list(before.values.values())).pvalue
        assert after.against_first.p == pytest.approx(by_t_test, abs=0.05)
    ordered = sorted(comparisons, key=lambda told: told.p)
    largest = 0.0
    for place, told in enumerate(ordered):
        largest = max(largest, min(1.0, told.p * (4 - place)))
        assert told.p_corrected == pytest.approx(largest)


def test_an_interval_holds_the_mean_and_narrows_with_more_queries(letters, rankings):
    widths = []
    for number in (10, 80):
        queries, qrels = many_queries(rankings, number)
        score = evaluate(letters, queries, qrels, ["written"]).score("nDCG@10", "written")
        standard_error = stats.sem(list(score.values.values()))
        low, high = score.interval
        assert low < score.mean < high
        assert high - low == pytest.approx(2 * 1.96 * standard_error, rel=0.2)
        widths.append(high - low)
    assert widths[1] < widths[0]
    single = evaluate(letters, {"q0": "query 0"}, {"q0": {"a": 1}}, ["written"])
    assert single.score("nDCG@10", "written").interval is None


def test_the_same_seed_gives_the_same_report(letters, rankings):
    queries, qrels = many_queries(rankings)

    def told(seed):
        report = evaluate(letters, queries, qrels, ["written", 'written(key="b")'], seed=seed).as_dict()
        for system in report["systems"]:
            del system["milliseconds"], system["ratio"]
        return report

    assert told(1) == told(1)
    assert told(1)["scores"] != told(2)["scores"]


def test_documents_are_ranked_by_their_first_node_and_more_nodes_are_asked_for():
    long = "\n\n".join(f"Paragraph {number} is about the tide and about its cause." * 20 for number in range(40))
    documents = [Document(id="long", text=long), *(Document(id=f"d{n}", text=f"tide {n}") for n in range(3))]
    with Index.from_documents(documents) as index:
        assert len(index) > 10
        report = evaluate(index, {"q": "tide cause paragraph"}, {"q": {"d1": 1}}, ["bm25"], depth=4, measures=["R@4"])
    ranking = report.runs["bm25"].answers["q"].documents
    assert sorted(ranking) == ["d0", "d1", "d2", "long"]
    assert report.score("R@4", "bm25").mean == 1.0
    assert report.documents == 4


def test_a_mode_that_says_top_k_is_asked_for_no_more(letters, rankings):
    rankings["a", "query"] = DOCUMENTS
    report = evaluate(letters, {"q": "query"}, {"q": {"c": 1}}, ["written(top_k=2)"], measures=["R@10"])
    assert report.runs["written(top_k=2)"].answers["q"].documents == ("a", "b")
    assert report.score("R@10", "written(top_k=2)").mean == 0.0


def test_nodes_of_no_document_stand_for_themselves(letters, rankings):
    rankings["a", "query"] = [Node(id="x", text="one"), Node(id="c", text="two")]
    report = evaluate(letters, {"q": "query"}, {"q": {"c": 1}}, ["written"], measures=["RR"])
    assert report.score("RR", "written").mean == 0.5


def test_a_query_that_fails_in_one_system_counts_for_none(letters, rankings):
    rankings.update({("a", "one"): "ab", ("a", "two"): "ba", ("b", "one"): "a", ("b", "two"): QueryError("too odd")})
    qrels = {"q1": {"a": 1}, "q2": {"a": 1}}
    report = evaluate(letters, {"q1": "one", "q2": "two"}, qrels, ["written", 'written(key="b")'], measures=["RR"])

    assert list(report.query_ids) == ["q1"]
    assert report.score("RR", "written").mean == 1.0, "q2, where it would be 0.5, is left out"
    assert not report.complete
    assert list(report.systems[1].failed) == ["q2"] and "too odd" in report.systems[1].failed["q2"]
    told = "\n".join(report.remarks())
    assert "1 query failed" in told and "too odd" in told and "left out of every number" in told
    assert "too odd" in report.to_html() and json.dumps(report.as_dict())

    rankings["b", "one"] = QueryError("odd as well")
    with pytest.raises(RetrievalError, match="odd as well"):
        evaluate(letters, {"q1": "one", "q2": "two"}, qrels, ["written", 'written(key="b")'])


def test_a_partial_answer_counts_as_it_is_and_is_told(letters, rankings):
    rankings.update(
        {("a", "one"): "a", ("a", "two"): LegStatus("remote", LegState.FAILED, error=RuntimeError("no connection"))}
    )
    report = evaluate(letters, {"q1": "one", "q2": "two"}, {"q1": {"a": 1}, "q2": {"a": 1}}, ["written"])
    assert len(report.query_ids) == 2
    assert not report.complete
    assert "no connection" in report.systems[0].partial["q2"]
    assert any("answered in part" in remark for remark in report.remarks())


def test_what_cannot_be_scored_is_counted_and_told(letters, rankings):
    rankings["a", "one"] = "a"
    queries = {"q1": "one", "q2": "never asked", "q3": "never asked either"}
    qrels = {"q1": {"a": 2, "gone": 1, "b": -1}, "q3": {"a": 0}, "q9": {"b": 1}}
    report = evaluate(letters, queries, qrels, ["written"], measures=["R@10", "nDCG@10"])

    coverage = report.as_dict()["collection"]
    assert coverage["unjudged"] == ["q2"]
    assert coverage["nothing_relevant"] == ["q3"]
    assert coverage["unknown_queries"] == ["q9"]
    assert coverage["missing_documents"] == ["gone"]
    assert (coverage["queries"], coverage["judgements"], coverage["scored_queries"]) == (3, 5, 1)
    assert report.score("R@10", "written").mean == 0.5, "a relevant document that is not in the index is not found"
    assert len(report.remarks()) == 4
    assert report.complete, "nothing failed"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modes": []}, "at least one"),
        ({"modes": "written"}, "list of mode strings"),
        ({"modes": ["written", "written()"]}, "twice"),
        ({"modes": ["writen"]}, "unknown retriever mode"),
        ({"modes": ["written(kee=1)"]}, "no option 'kee'"),
        ({"measures": ["nDGC@10"]}, "no measure 'nDGC@10'"),
        ({"measures": ["nDCG@"]}, "cannot be read"),
        ({"measures": ["__import__('os').getcwd()"]}, "cannot be read"),
        ({"measures": []}, "at least one"),
        ({"measures": ["R@1000"]}, "looks at 1000 documents"),
        ({"measures": ["alpha_nDCG@10"]}, "cannot be computed here"),
        ({"depth": 0}, "depth"),
        ({"depth": True}, "depth"),
        ({"queries": {"q7": "one"}}, "no query is judged"),
        ({"qrels": {"q": {"a": 0}}}, "above 0"),
        ({"qrels": {"q": {"A": 1}}}, "none of the 1 judged documents is in the index"),
        ({"qrels": {"q": {"a": 1.5}}}, "not integers"),
        ({"qrels": {"q": ["a"]}}, "not integers"),
        ({"queries": {"q": " "}}, "needs a string id and a text"),
        ({"queries": {1: "one"}}, "needs a string id and a text"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_before_a_query_is_asked(letters, rankings, change, message):
    arguments = {"queries": {"q": "one"}, "qrels": {"q": {"a": 1}}, "modes": ["written"], **change}
    with pytest.raises(ConfigError, match=message) as refused:
        evaluate(letters, **arguments)
    assert refused.value.fix


def test_a_misspelt_measure_is_guessed(letters):
    with pytest.raises(ConfigError) as refused:
        evaluate(letters, {"q": "one"}, {"q": {"a": 1}}, ["written"], measures=["nDGC@10"])
    assert "did you mean 'nDCG'" in refused.value.fix


def test_a_measure_of_a_ranking_that_is_empty_is_zero(letters, rankings):
    rankings.update({("a", "full"): ["a"], ("a", "none"): []})
    queries, qrels = {"q1": "full", "q2": "none"}, {"q1": {"a": 1}, "q2": {"b": 1}}
    report = evaluate(letters, queries, qrels, ["written(key='a')"], measures=["Judged@10", "nDCG@10"])
    for measure in ("Judged@10", "nDCG@10"):
        assert report.score(measure, report.systems[0].name).values == {"q1": 1.0, "q2": 0.0}


def test_judgements_of_the_same_files_elsewhere_fit_by_the_end_of_their_paths(rankings):
    ids = ["/srv/me/notes/a.md", "/srv/me/notes/b.md", "/srv/me/other/b.md", "rows.csv#row=1", "d"]
    with Index.from_documents([Document(id=each, text=each) for each in ids]) as index:
        rankings["a", "query"] = ids[:1]
        judged = {"notes/a.md": 1, "b.md": 1, "work/rows.csv#row=1": 1, "d": 0, "x/d": 1, "other/b.md": 0}
        report = evaluate(index, {"q": "query"}, {"q": judged}, ["written(key='a')"], measures=["P@1"])
    assert dict(report.collection.qrels["q"]) == {
        "/srv/me/notes/a.md": 1,
        "b.md": 1,  # two files are called so
        "rows.csv#row=1": 1,
        "d": 0,
        "x/d": 1,  # the document that it may mean is judged by its own id
        "/srv/me/other/b.md": 0,
    }
    assert report.score("P@1", report.systems[0].name).mean == 1.0
    assert report.collection.coverage.found_by_path == ("notes/a.md", "other/b.md", "work/rows.csv#row=1")
    assert any("under another path, taken for those: 3" in remark for remark in report.remarks())


def test_a_judgement_of_a_record_counts_for_the_only_one_or_the_first_that_has_the_id(rankings):
    ids = ["1", "exports/b.jsonl#id=1", "exports/c.jsonl#id=2", "exports/c.jsonl#id=3", "exports/d.jsonl#id=3"]
    with Index.from_documents([Document(id=each, text=each) for each in ids]) as index:
        rankings["a", "query"] = ids[:1]
        report = evaluate(
            index, {"q": "query"}, {"q": {"1": 1, "2": 1, "3": 1}}, ["written(key='a')"], measures=["P@1"]
        )
    assert dict(report.collection.qrels["q"]) == {"1": 1, "exports/c.jsonl#id=2": 1, "3": 1}
    assert report.collection.coverage.ambiguous == ("1",)
    assert report.collection.coverage.missing_documents == ("3",)
    assert any("records of several files have" in remark for remark in report.remarks())


def test_the_verdict_says_what_was_shown_or_how_many_queries_would_show_it(letters, rankings):
    queries = {f"q{n}": f"query {n}" for n in range(40)}
    qrels = {query_id: {"a": 1} for query_id in queries}
    for n, text in enumerate(queries.values()):
        rankings["first", text] = ["b", "a"]
        rankings["best", text] = ["a", "b"]
        rankings["equal", text] = ["b", "a"]
        rankings["some", text] = ["a", "b"] if n in (3, 4) else ["b", "c", "a"] if n == 5 else ["b", "a"]
    modes = [f'written(key="{key}")' for key in ("first", "best", "equal", "some")]
    report = evaluate(letters, queries, qrels, modes, measures=["RR"], depth=10)
    best, equal, some = report.verdicts()
    assert best.endswith('is better than written(key="first") by RR: +0.500 (p < 0.001)')
    assert equal.endswith("can be shown with 40 queries; they are equal on average")
    needed = int(some.rpartition("about ")[2].split()[0].replace(",", ""))
    assert "no difference from" in some and needed > 40
    assert report.as_dict()["verdicts"] == report.verdicts() and best in str(report)
    assert evaluate(letters, queries, qrels, modes[:1], measures=["RR"], depth=10).verdicts() == []


def test_how_many_queries_are_needed_is_what_the_formula_gives():
    from retrieverkit_evaluate.statistics import queries_needed

    differences = [0.3, -0.1] * 8  # mean 0.1, deviation 0.2 · sqrt(16 / 15)
    assert queries_needed(differences, 1) == 34  # (1.960 + 0.842)² · 0.04267 / 0.01
    assert queries_needed(differences, 4) > queries_needed(differences, 1)
    assert queries_needed([0.5] * 4, 1) == 6, "of 5 equal signs, all being alike is chance in 1 of 16 cases"
    assert queries_needed([0.1, -0.1], 1) is None
