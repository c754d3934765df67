"""What filters match, against the written rules and an independent oracle."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit_core.filters import FilterOperator, MetadataFilters, canonical, kind_of, split_filters
from retrieverkit_testkit.filters_oracle import (
    DATES,
    NOT_DATES,
    filter_trees,
    leaves,
    metadatas,
    oracle_matches,
    plain_trees,
    scalars,
    unhurried,
)

REFERENCE = Path(__file__).parents[4] / "docs" / "reference" / "filters.md"


def reference_rows():
    table = REFERENCE.read_text(encoding="utf-8").split("## Row by row")[1].split("\n## ")[0]
    for line in table.splitlines():
        if line.startswith("| `"):
            text, metadata, answer = (cell.strip().strip("`") for cell in line.strip("|").split("|"))
            yield pytest.param(text, json.loads(metadata), {"yes": True, "no": False}[answer], id=line)


@pytest.mark.parametrize(("text", "metadata", "answer"), list(reference_rows()))
def test_each_row_of_the_reference_is_what_the_code_does(text, metadata, answer):
    tree = MetadataFilters.parse(text)
    assert tree.matches(metadata) is answer
    assert oracle_matches(tree.model_dump(mode="json"), metadata) is answer


def test_the_reference_has_a_row_for_every_operator():
    trees = [MetadataFilters.parse(row.values[0]) for row in reference_rows()]
    assert {leaf.operator for tree in trees for leaf in tree.leaves()} == set(FilterOperator)


@settings(unhurried, max_examples=6 * settings.default.max_examples)
@given(plain_trees(), st.lists(metadatas(), min_size=1, max_size=5))
def test_a_tree_matches_what_the_oracle_says(plain, nodes):
    tree = MetadataFilters.model_validate(plain)
    assert [tree.matches(node) for node in nodes] == [oracle_matches(plain, node) for node in nodes]


@settings(unhurried, max_examples=6 * settings.default.max_examples)
@given(st.data())
def test_a_filter_matches_what_the_oracle_says_of_its_own_field(data):
    leaf = data.draw(leaves())
    asked = leaf["value"] if isinstance(leaf["value"], list) else [leaf["value"]]
    near = st.one_of(scalars(), st.sampled_from(asked)) if asked else scalars()
    held = data.draw(st.one_of(near, near, st.lists(near, max_size=3), st.just(asked), st.just({})))
    tree = MetadataFilters.model_validate({"filters": [leaf]})
    assert tree.matches({leaf["key"]: held}) is oracle_matches(leaf, {leaf["key"]: held})


@unhurried
@given(filter_trees(), st.sets(st.sampled_from(list(FilterOperator))), metadatas())
def test_what_is_pushed_and_what_is_left_together_match_what_the_tree_does(tree, operators, node):
    pushed, residual = split_filters(tree, lambda leaf: leaf.operator in operators)
    parts = [part for part in (pushed, residual) if part is not None]
    assert parts
    assert all(part.matches(node) for part in parts) is tree.matches(node)
    assert pushed is None or all(leaf.operator in operators for leaf in pushed.leaves())


def test_an_and_is_divided_and_an_or_is_not():
    tree = MetadataFilters.parse("a == 1 and (b == 1 or c > 1) and (d == 1 and e > 1) and not f > 1")
    pushed, residual = split_filters(tree, lambda leaf: leaf.operator is FilterOperator.EQ)
    assert str(pushed) == "a == 1 and (d == 1)"
    assert str(residual) == "(b == 1 or c > 1) and (e > 1) and not (f > 1)"


@unhurried
@given(st.lists(st.none() | filter_trees(), max_size=4), metadatas())
def test_and_matches_where_all_do(trees, node):
    together = MetadataFilters.and_(*trees)
    given_trees = [tree for tree in trees if tree is not None]
    assert (together is None) is (not given_trees)
    if together is not None:
        assert together.matches(node) is all(tree.matches(node) for tree in given_trees)
        twice = MetadataFilters.and_(together, together)
        assert MetadataFilters.and_(twice, together) == twice


@pytest.mark.parametrize("text", DATES)
def test_a_date_is_a_date(text):
    assert kind_of(text) == "date"


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone of a process can only be set on POSIX")
def test_a_date_without_an_offset_is_utc_wherever_the_machine_stands(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        assert canonical("2024-01-05T10:00") == canonical("2024-01-05T10:00Z")
    time.tzset()


@pytest.mark.parametrize("text", NOT_DATES)
def test_what_looks_like_a_date_is_a_string(text):
    assert canonical(text) == ("string", text)


@unhurried
@given(scalars(), scalars())
def test_canonical_forms_are_in_the_order_that_filters_see(held, asked):
    (kind, left), (other, right) = canonical(held), canonical(asked)
    if kind == other and kind in ("number", "date", "string"):
        for operator, answer in (("<", left < right), (">=", left >= right), ("==", left == right)):
            tree = MetadataFilters(filters=[{"key": "k", "operator": operator, "value": asked}])
            assert tree.matches({"k": held}) is answer
