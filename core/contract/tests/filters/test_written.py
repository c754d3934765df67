"""Filters as people, configs and models write them: text, data, and what is refused."""

import copy
import json
import math
import pickle
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retrieverkit_core.errors import FilterError, FilterSyntaxError, RetrieverKitError
from retrieverkit_core.filters import MAX_DEPTH, MAX_LEAVES, FilterOperator, MetadataFilter, MetadataFilters
from retrieverkit_testkit.filters_oracle import filter_trees, metadatas, unhurried


def naughty_strings():
    for folder in Path(__file__).parents:
        for name in ("data", "shared/data"):
            path = folder / name / "naughty_strings.jsonl"
            if path.is_file():
                return [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").split("\n") if line]
    return None


NAUGHTY = naughty_strings()


@unhurried
@given(filter_trees(), metadatas())
def test_the_text_of_a_tree_reads_back_to_what_matches_the_same(tree, node):
    back = MetadataFilters.parse(str(tree))
    assert back.matches(node) is tree.matches(node)
    assert MetadataFilters.parse(str(back)) == back
    assert sorted(map(str, back.leaves())) == sorted(map(str, tree.leaves()))


@unhurried
@given(filter_trees())
def test_a_tree_survives_json_plain_data_pickle_and_copies(tree):
    assert MetadataFilters.model_validate(json.loads(json.dumps(tree.model_dump(mode="json")))) == tree
    assert MetadataFilters.model_validate_json(tree.model_dump_json()) == tree
    for twin in (
        pickle.loads(pickle.dumps(tree)),
        copy.deepcopy(tree),
        MetadataFilters.model_validate(tree.model_dump()),
    ):
        assert twin == tree
        assert hash(twin) == hash(tree)


@pytest.mark.skipif(NAUGHTY is None, reason="naughty_strings.jsonl is not beside the checkout")
def test_every_naughty_string_is_a_key_and_a_value_that_match_themselves_alone():
    for text in NAUGHTY:
        try:
            tree = MetadataFilters(filters=[MetadataFilter(key=text, value=text)])
        except FilterError:
            with pytest.raises(UnicodeEncodeError):
                text.encode()
            continue
        assert tree.matches({text: text})
        assert not tree.matches({text: text + "x"})
        assert MetadataFilters.parse(str(tree)) == tree
        assert MetadataFilters.model_validate_json(tree.model_dump_json()) == tree


@unhurried
@given(st.one_of(st.text(), st.text("abx01'\"()[]<>=!,.-# \\\n\tandortif"), st.sampled_from(NAUGHTY or [""])))
@example("a == 1 # and tenant == 'me'")
@example("a in ['x' 'y']")
def test_any_text_is_read_or_refused_with_its_column(text):
    try:
        tree = MetadataFilters.parse(text)
    except FilterSyntaxError as error:
        assert 1 <= error.column <= len(text) + 1
    else:
        assert MetadataFilters.parse(str(tree)) is not None


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("1960 <= year < 1970", "year >= 1960 and year < 1970"),
        ("'2024-01-01' <= day < '2025-01-01'", "day >= '2024-01-01' and day < '2025-01-01'"),
        ("  ( a == None\n or b == True )\n", "a == null or b == true"),
        (
            "1 < a and 2 <= b and 3 > c and 4 >= d and 5 == e and 6 != f",
            "a > 1 and b >= 2 and c < 3 and d <= 4 and e == 5 and f != 6",
        ),
        ("lang in ('de', 'fr')", "lang in ['de', 'fr']"),
        ("not a == 1 and not (b == 2 or c == -1.5)", "not (a == 1) and not (b == 2 or c == -1.5)"),
        ("'a.b' == 'x' and contains('c d', 1)", "a.b == 'x' and contains('c d', 1)"),
        ("'class' == 'null' and 'null' == null", "'class' == 'null' and 'null' == null"),
        ("a == 1\r\n", "a == 1"),
        ("is_empty == 1 and is_empty(any)", "is_empty == 1 and is_empty(any)"),
    ],
)
def test_other_ways_to_write_the_same(text, same_as):
    assert str(MetadataFilters.parse(text)) == same_as


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("year => 1960", 6, "fix: write >="),
        ("day > 2024-02-01", 7, "fix: write '2024-02-01'"),
        ("a == '2024-02-01' and\nday > 2024-12-11", 29, "fix: write '2024-12-11'"),
        ("day in [2024-12-11T10:00Z]", 9, "a date stands in quotes"),
        ('{"key": "a", "value": 1}', 1, "fix: write it as text, such as amount > 100"),
        ("year = 1960", 6, "fix: write == to compare"),
        ("lang == de", 9, "did you mean 'de'?"),
        ("lang == NULL", 9, "fix: write null"),
        ("a == 1 AND b == 2", 8, "small letters"),
        ("a == 1 && b == 2", 8, "fix: write and"),
        ("a == 1 # and b == 2", 8, "no comments"),
        ("lang in ['de' 'fr']", 15, "comma"),
        ("lang in 'de'", 9, "[ ]"),
        ("'de' in tags", 9, "contains(tags, 'de')"),
        ("a == 'C:\\data'", 9, "backslash"),
        ("ﬁeld == 1", 1, "quote it: 'ﬁeld'"),
        ("é == 1 and b is 2", 14, "write == or !="),
        ("class == 1", 1, "'class'"),
        ("contain(tags, 'x')", 1, "did you mean contains?"),
        ("contains(tags)", 1, "write contains(field, value)"),
        ("published", 1, "write published == true"),
        ("year >= null", 9, "compare with == or !="),
        ("year == 1e999", 9, "finite"),
        ("year == 1and b == 2", 10, "space"),
        ("a == 1\nand b == 2", 7, "brackets"),
        ("a == b'x'", 6, "letter"),
        ("a[0] == 1", 1, "field"),
        ("a == __import__('os')", 6, "value"),
        ("a == '\\ud800'", 6, "surrogate"),
        ("a == '\ud800'", 7, "surrogate"),
        ("a == 1\x00", 7, "control"),
        ("any(x, [1, [2]])", 12, "no lists"),
        ("a == 1,", 1, "comparison"),
        ("", 1, "empty"),
        ("a == 'x", 6, "string"),
    ],
)
def test_a_slip_in_a_text_is_told_with_its_column_and_fix(text, column, said):
    with pytest.raises(FilterSyntaxError) as caught:
        MetadataFilters.parse(text)
    assert caught.value.column == column
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "(" * 49_000 + "a == 1" + ")" * 49_000,
        "not " * 24_000 + "a == 1",
        "a" + ".b" * 49_000 + " == 1",
        "a == " + "-" * 90_000 + "1",
        "a == " + "[" * 90_000,
        "a == 1 and (" * 8_000,
        "a == 1 or " * 9_999 + "a == 1 or b == 1",
        "not (" * (MAX_DEPTH + 1) + "a == 1" + ")" * (MAX_DEPTH + 1),
        "a == " + "9" * 90_000,
        "a == '" + "x" * 100_000 + "'",
    ],
    ids=lambda text: f"{text[:12]}…{len(text)}",
)
def test_a_hostile_text_is_refused(text):
    with pytest.raises(FilterSyntaxError):
        MetadataFilters.parse(text)


def nested(depth):
    tree = {"condition": "or", "filters": [{"key": "a", "value": 1}]}
    for _ in range(depth - 1):
        tree = {"condition": "not", "filters": [tree]}
    return tree


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 250, 1_000, 100_000])
def test_data_nested_too_deeply_is_refused(depth):
    with pytest.raises(FilterError, match="nested deeper than 64"):
        MetadataFilters.model_validate(nested(depth))


def test_data_that_holds_itself_is_refused():
    loop = {"filters": []}
    loop["filters"].append(loop)
    with pytest.raises(FilterError, match="nested deeper"):
        MetadataFilters.model_validate(loop)


def test_the_deepest_and_the_widest_tree_work():
    deepest = MetadataFilters.model_validate(nested(MAX_DEPTH))
    assert deepest.matches({"a": 1}) is (MAX_DEPTH % 2 == 1)
    assert MetadataFilters.parse(str(deepest)).matches({"a": 1}) is deepest.matches({"a": 1})
    leaf = MetadataFilter(key="a", value=1)
    assert MetadataFilters(filters=[leaf] * MAX_LEAVES).matches({"a": 1})
    for too_wide in ([leaf] * (MAX_LEAVES + 1), [MetadataFilters(filters=[leaf] * MAX_LEAVES), leaf]):
        with pytest.raises(FilterError, match="more than 10000"):
            MetadataFilters(filters=too_wide)


@pytest.mark.parametrize(
    ("leaf", "said"),
    [
        ({"key": "a", "operator": "contain", "value": 1}, "did you mean 'contains'"),
        ({"key": "a", "operator": "=>", "value": 1}, "did you mean '>='?"),
        ({"key": "a", "operator": "gte", "value": 1}, "did you mean '>='?"),
        ({"key": "a", "operator": 7}, "operator is a string"),
        ({"key": "a", "oprator": "=="}, "did you mean 'operator'?"),
        ({"kee": "a"}, "key: Field required"),
        ({"key": 7}, "key is a string"),
        ({"key": "a\ud800"}, "surrogate"),
        ({"key": "a", "value": "\udfff"}, "surrogate"),
        ({"key": "a", "value": math.nan}, "finite"),
        ({"key": "a", "value": [1, -math.inf]}, "finite"),
        ({"key": "a", "value": {"b": 1}}, "not dict"),
        ({"key": "a", "value": [[1]]}, "not list"),
        ({"key": "a", "value": date(2024, 1, 5)}, "ISO text"),
        ({"key": "a", "operator": "is_empty", "value": 0}, "takes no value"),
        ({"key": "a", "operator": "contains", "value": ["x"]}, "use any or all"),
        ({"key": "a", "operator": "text_match", "value": 1}, "needs a string"),
        *[
            ({"key": "a", "operator": op, "value": v}, "needs a list")
            for op in ("in", "nin", "any", "all")
            for v in ("x", None)
        ],
        *[
            ({"key": "a", "operator": op, "value": v}, "number or a string")
            for op in ("<", ">=")
            for v in (True, None, [1])
        ],
    ],
)
def test_a_filter_that_cannot_be_used_is_refused_wherever_it_is_written(leaf, said):
    ways = [
        lambda: MetadataFilter.model_validate(leaf),
        lambda: MetadataFilters.model_validate({"filters": [{"condition": "or", "filters": [leaf]}]}),
        lambda: MetadataFilters(filters=[leaf]),
    ]
    if "key" in leaf:
        ways.append(lambda: MetadataFilter(**leaf))
    for way in ways:
        with pytest.raises(FilterError) as caught:
            way()
        assert said in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "a == 1",
        {},
        {"condition": "and"},
        {"filters": {}},
        {"filters": [None]},
        {"filters": ["a == 1"]},
        {"filters": [], "condition": "AND"},
        {"filters": [], "condition": None},
        {"filters": [], "kind": "and"},
        {"filters": [], 7: 7},
    ],
)
def test_what_is_no_tree_is_refused(data):
    with pytest.raises(FilterError) as caught:
        MetadataFilters.model_validate(data)
    assert isinstance(caught.value, RetrieverKitError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("text", ["", "{", '{"filters": [{"key": "a", "value": NaN}]}', '{"filters":[' * 100_000])
def test_json_that_is_no_tree_is_refused(text):
    with pytest.raises(FilterError):
        MetadataFilters.model_validate_json(text)


def test_values_keep_their_types():
    one, true = MetadataFilter("a", 1), MetadataFilter("a", True)
    assert one == MetadataFilter("a", 1.0)
    assert one != true
    assert type(true.value) is bool
    assert type(MetadataFilter("a", 1.0).value) is float
    assert len({one, true, MetadataFilter("a", [1], "in"), MetadataFilter("a", [True], "in")}) == 4
    assert MetadataFilter("a", 10**5000).value == 10**5000
    assert MetadataFilters.parse(str(MetadataFilter("a", -(10**5000)))).matches({"a": -(10**5000)})


def test_a_filter_never_changes_and_a_changed_copy_is_checked_and_means_its_own():
    tree = MetadataFilters.parse("a == 1 and b == 1")
    assert not tree.matches({"a": 1})
    for change in ("condition", "filters", "anything"):
        with pytest.raises(ValueError):
            setattr(tree, change, "or")
    assert tree.model_copy(update={"condition": "or"}).matches({"a": 1})
    with pytest.raises(FilterError):
        tree.model_copy(update={"condition": "xor"})


def test_the_json_schema_names_every_operator():
    schema = json.dumps(MetadataFilters.model_json_schema())
    assert all(json.dumps(str(operator)) in schema for operator in FilterOperator)
