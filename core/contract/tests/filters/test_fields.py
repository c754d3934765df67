"""Filters checked against the fields that a corpus is known to have."""

import pytest
from hypothesis import given

from retrieverkit_core.errors import FilterTypeError, UnknownFieldError
from retrieverkit_core.filters import FilterOperator, MetadataFilters, check_fields, fields_of
from retrieverkit_testkit.filters_oracle import filter_trees, metadatas, unhurried

NODES = [
    {"year": 1960, "lang": "de", "tags": ["a", 1], "day": "2024-01-05", "draft": True, "author": {"name": "x"}},
    {"year": 1961.5, "note": "2024-01-05", "later": None, "bare": []},
    {"note": "soon"},
]


def known(nodes):
    fields = {}
    for node in nodes:
        for key, kind in fields_of(node):
            fields.setdefault(key, set()).add(kind)
    return {key: frozenset(kinds) for key, kinds in fields.items()}


FIELDS = known(NODES)


def test_a_list_is_known_by_its_elements_too():
    assert FIELDS["tags"] == {"list", "list[string]", "list[number]"}
    assert FIELDS["bare"] == {"list"}
    assert FIELDS["note"] == {"date", "string"}
    assert FIELDS["later"] == {"null"}


@pytest.mark.parametrize(
    "text",
    [
        "year >= 1960 and lang != 'fr'",
        "year == null or is_empty(author)",
        "note == 'soon' and note > '2024-01-01'",
        "later >= 3 or text_match(later, 'x')",
        "contains(tags, 'a') and any(tags, ['b', 2]) and all(lang, ['de'])",
        "tags == ['a', 2, null] and year in [null, 1, 2.5]",
        "text_match(day, '2024') and year in []",
        "true",
    ],
)
def test_a_filter_that_fits_is_let_through(text):
    check_fields(MetadataFilters.parse(text), FIELDS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("year == '1960'", "field 'year' holds numbers; '1960' is a string\nfix: write year == 1960"),
        ("year in [1960, '1961']", "fix: write year with 1961 in place of '1961'"),
        ("year != true", "field 'year' holds numbers; True is a bool"),
        ("year not in ['x']", "holds numbers; 'x' is a string"),
        ("draft == 'True'", "fix: write draft == true"),
        ("day >= 2024", "holds dates; 2024 is a number\nfix: write day >= '2024-01-01'"),
        ("day == 'soon'", "holds dates; 'soon' is a string"),
        ("lang < '2024-01-05'", "holds strings; '2024-01-05' is a date"),
        ("lang == 7", "fix: write lang == '7'"),
        ("tags == 'a'", "holds lists of numbers and strings; 'a' is a string\nfix: write contains(tags, 'a')"),
        ("contains(year, 1960)", "holds numbers; contains asks for lists\nfix: write year == 1960"),
        ("contains(lang, 'd')", "holds strings; contains asks for lists\nfix: write text_match(lang, 'd')"),
        ("contains(tags, true)", "True is a bool"),
        ("contains(bare, 'a')", "holds empty lists"),
        ("lang == ['de']", "['de'] is a list"),
        ("any(tags, ['a', false])", "False is a bool"),
        ("text_match(year, '19')", "text_match asks for strings"),
        ("text_match(tags, 'a')", "fix: write contains(tags, 'a')"),
        ("author == 'x'", "holds objects"),
        ("year > 1 or not (lang == 'de' and year == '1')", "fix: write year == 1"),
    ],
)
def test_a_value_of_a_kind_that_its_field_never_holds_is_refused_with_what_to_write(text, said):
    with pytest.raises(FilterTypeError) as caught:
        check_fields(MetadataFilters.parse(text), FIELDS)
    assert said in str(caught.value)


def test_an_unknown_field_is_refused_with_the_near_match():
    tree = MetadataFilters.parse("year == 1 and not (lnag == 'de')")
    with pytest.raises(UnknownFieldError, match="did you mean 'lang'") as caught:
        check_fields(tree, FIELDS)
    assert caught.value.near[0] == "lang"
    with pytest.raises(UnknownFieldError, match="no node has any metadata"):
        check_fields(tree, {})


@pytest.mark.parametrize("text", ["lnag == 'de'", "year == '1'"])
def test_what_the_fields_are_and_hold_is_not_told_to_who_sees_a_part(text):
    with pytest.raises(UnknownFieldError) as caught:
        check_fields(MetadataFilters.parse(text), FIELDS, told=False)
    assert not set(FIELDS) - {"year"} & set(str(caught.value).replace("'", " ").split())
    assert "number" not in str(caught.value)


def test_ids_are_fields_under_reserved_names():
    check_fields(MetadataFilters.parse("_node_id in ['a', '2020-01-01'] and _doc_id != 'b'"), {})
    with pytest.raises(FilterTypeError):
        check_fields(MetadataFilters.parse("_node_id == 1"), {})


@unhurried
@given(filter_trees(set(FilterOperator) - {FilterOperator.NE, FilterOperator.NIN}), metadatas())
def test_a_refused_filter_would_have_matched_nothing(tree, node):
    for leaf in tree.leaves():
        single = MetadataFilters(filters=[leaf])
        try:
            check_fields(single, known([node]))
        except UnknownFieldError:
            assert leaf.key not in node
        except FilterTypeError:
            several = isinstance(leaf.value, tuple) and leaf.operator in (FilterOperator.IN, FilterOperator.ANY)
            assert several or not single.matches(node)
