"""What may run, and what is refused."""

import re
from pathlib import Path

import hostile_cypher
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_property_graph.cypher.allowing import Dialect, Kind, Limits, allowed, tokens
from retrieverkit_property_graph.cypher.errors import CypherRefusedError

HONEST = (Path(__file__).parent / "queries" / "honest.cypher").read_text(encoding="utf-8").splitlines()
HOSTILE = [hostile_cypher.filled(query, secret="/etc/passwd", out="/tmp/out") for query in hostile_cypher.REFUSED]  # noqa: S108
WORDS = sorted({word for query in HONEST + HOSTILE for word in re.findall(r"\w+|[^\w\s]|\s", query[:300])})
FORBIDDEN = re.compile(
    r"\b(load|copy|export|import|attach|detach|install|update|call|create|merge|delete|set|remove|drop|alter|foreach|use|"
    r"union|explain|profile|begin|commit|checkpoint|show|yield)\b",
    re.IGNORECASE,
)
hostile_text = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join),
    st.lists(st.sampled_from(WORDS), max_size=40).map("".join),
    st.builds(
        lambda query, at, cut, new: query[: at % (len(query) + 1)] + new + query[at % (len(query) + 1) + cut :],
        st.sampled_from(HONEST),
        st.integers(0, 300),
        st.integers(0, 4),
        st.one_of(st.text(max_size=5), st.sampled_from(WORDS), st.sampled_from(HOSTILE)),
    ),
)


@pytest.mark.parametrize("dialect", list(Dialect))
def test_none_of_the_hostile_queries_may_run(dialect):
    assert len(HOSTILE) >= 250
    for query in HOSTILE:
        with pytest.raises(CypherRefusedError) as raised:
            allowed(query, dialect=dialect)
        assert 1 <= raised.value.column <= len(query) + 1


@given(hostile_text)
def test_tokens_lose_no_character(text):
    assert "".join(token.text for token in tokens(text)) == text
    assert all(text.startswith(token.text, token.at) for token in tokens(text))


@given(hostile_text, st.sampled_from(Dialect))
def test_what_may_run_is_refused_or_only_reads(text, dialect):
    try:
        run = allowed(text, dialect=dialect)
    except CypherRefusedError as error:
        assert error.reason and 1 <= error.column <= len(text) + 1
        return
    for written in filter(None, (run.text, run.grounds)):
        bare = [token for token in tokens(written) if token.kind not in (Kind.ESCAPED, Kind.STRING)]
        assert all(token.kind not in (Kind.UNREADABLE, Kind.COMMENT) for token in bare)
        words = " ".join(token.text for token in bare)
        assert not FORBIDDEN.search(words), words
        assert ";" not in words and "$p_" not in words
        assert " LIMIT " in written


@pytest.mark.parametrize(
    ("query", "reason", "column"),
    [
        ("MATCH (e:Person) RETURN e", "there is only Entity and Node", 10),
        ("MATCH (a)-[:FOUNDED]->(b) RETURN a", "there is only Relation and MENTIONS", 13),
        ("MATCH (a)-[*]->(b) RETURN a", "at most 4 steps", 13),
        ("MATCH (a)-[*1..9]->(b) RETURN a", "at most 4 steps", 13),
        ("RETURN repeat('a', 9)", "this function may not be called", 8),
        ("RETURN range(1, 5000)", "at most 1000 elements", 8),
        ("MATCH (e) RETURN e; MATCH (e) RETURN e", "one statement", 21),
        ("ＭATCH (e) RETURN e", "U\\+FF2D", 1),
        ("MATCH (e) RETURN $name", "no such parameter", 18),
        ("MATCH (e)", "ends with RETURN", 10),
        ("MATCH (e) RETURN 'x", "string does not end", 18),
        ("MATCH (e) RETURN e /* x", "comment does not end", 20),
        ("LOAD FROM 'x' RETURN *", "only MATCH", 1),
        ("MATCH (e) RETURN e LIMIT 1 + 1", "one statement", 28),
        ("MATCH (e:Entity), (E:Entity) RETURN e", "e and E differ by case alone", 20),
        ("MATCH (e:Entity) RETURN e.labels[size(e.labels) - 1]", "a place in a list is a whole number", 34),
        ("MATCH (a)-[r]->(b) WHERE any(x IN a.labels WHERE x = b.name) RETURN a", "no other variable", 54),
        ("MATCH (n)-[:MENTIONS*1..2]-(m)-[:MENTIONS]-(o) RETURN n", "with no other MENTIONS", 48),
    ],
)
def test_a_refusal_says_where_and_why(query, reason, column):
    with pytest.raises(CypherRefusedError, match=reason) as raised:
        allowed(query)
    assert raised.value.column == column
    assert f"(column {column})" in str(raised.value)


def test_strings_become_parameters_and_names_are_escaped():
    run = allowed("MATCH (load:Entity {name: 'x\\'; DROP TABLE Entity //'}) RETURN load.name")
    assert run.literals == {"s_0": "x'; DROP TABLE Entity //"}
    assert run.text.startswith("MATCH (`load`:Entity {`name`: $s_0}) RETURN `load`.`name`")
    assert run.columns == ("load.name",)


def test_rows_are_limited_whatever_the_query_says():
    limits = Limits(rows=10)
    assert allowed("MATCH (e) RETURN e.name", limits=limits).text.endswith(" LIMIT 11")
    assert allowed("MATCH (e) RETURN e.name LIMIT 3", limits=limits).text.endswith(" LIMIT 3")
    assert allowed("MATCH (e) RETURN e.name LIMIT 999999999", limits=limits).text.endswith(" LIMIT 11")


def test_parameters_of_the_caller_are_those_that_are_named():
    run = allowed("MATCH (e:Entity {name: $name}) WHERE e.key <> 'x' RETURN e", parameters=["name", "other"])
    assert run.asks == {"name"}
    assert run.bound({"name": "y", "other": "z"}) == {"s_0": "x", "p_name": "y"}
