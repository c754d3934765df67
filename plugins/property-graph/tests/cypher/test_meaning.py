"""What is run means what Cypher means, where ladybug's own reading differs."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit_property_graph.cypher.allowing import allowed
from retrieverkit_property_graph.cypher.rows import EntityRow, GraphRows, RelationRow
from retrieverkit_property_graph.cypher.sandbox.copying import Copy
from retrieverkit_property_graph.cypher.sandbox.worker import Confinement

ENTITIES = [EntityRow(n, f"name {n}", f"name {n}", (), ()) for n in range(4)]
EDGES = [(0, 1, 0), (1, 2, 1), (2, 0, 2), (0, 1, 3), (3, 2, 4), (3, 1, 5)]
MENTIONS = [(0, 0), (0, 1), (1, 1), (2, 3)]
STEPS = {"-{}->": ((1,), False), "<-{}-": ((-1,), False), "-{}-": ((1, -1), False), "-{}*1..2-": ((1, -1), True)}


@pytest.fixture(scope="module")
def small():
    facts = [RelationRow(subject, end, n, f"says {n}", ()) for subject, end, n in EDGES]
    copy = Copy(GraphRows(ENTITIES, range(3), facts, MENTIONS), Confinement())
    yield copy
    copy.close()


def returned(copy, query):
    run = allowed(query)
    return copy.workers.ask(run.text, run.literals, rows=100, seconds=20).rows


def walked(start, ways, taken):
    """Yield where a step leads from an entity and what is taken by then."""
    for subject, end, n in EDGES:
        if n in taken:
            continue
        if 1 in ways and subject == start:
            yield end, (*taken, n)
        if -1 in ways and end == start:
            yield subject, (*taken, n)


def paths(steps):
    """Count the paths of a pattern by hand: no relation twice."""
    here = [(entity.id, ()) for entity in ENTITIES]
    for step in steps:
        ways, several = STEPS[step]
        once = [after for start, taken in here for after in walked(start, ways, taken)]
        again = [after for start, taken in once for after in walked(start, ways, taken)] if several else []
        here = once + again
    return len(here)


@settings(max_examples=40)
@given(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=3), st.booleans())
def test_a_relation_is_matched_once_in_a_pattern(small, steps, apart):
    written = ["[:Relation]", "[r2:Relation]", "[:Relation]"]
    parts = [
        f"({'abcd'[at]}:Entity)" + step.format(written[at]).replace("]*1..2", "*1..2]") + f"({'abcd'[at + 1]}:Entity)"
        for at, step in enumerate(steps)
    ]
    in_a_row = parts[0] + "".join(part.split(")", 1)[1] for part in parts[1:])
    pattern = ", ".join(parts) if apart else in_a_row
    ((n,),) = returned(small, f"MATCH {pattern} WHERE a.id >= 0 OR b.id >= 0 RETURN count(*) AS n")
    assert n == paths(steps)


def test_it_is_matched_once_inside_of_conditions_too(small):
    others = "(a)-[:Relation]->(:Entity)<-[:Relation]-(:Entity)"
    for condition in (others, f"EXISTS {{ MATCH {others} }}"):
        rows = returned(small, f"MATCH (a:Entity) WHERE {condition} RETURN a.id AS id ORDER BY id")
        assert [row[0] for row in rows] == [0, 1, 3]
    (row,) = returned(small, "MATCH (n:Node {id: 0})-[:MENTIONS]->(e)<-[:MENTIONS]-(m:Node) RETURN m.id AS id")
    assert row[0] == 1


LIST = list(range(5))


@pytest.mark.parametrize("first", ["", *range(-6, 7)])
def test_places_count_from_nought(small, first):
    slices = [f"{LIST}[{first}..{last}]" for last in ("", *range(-6, 7))]
    (row,) = returned(small, "RETURN " + ", ".join(f"{each} AS x{n}" for n, each in enumerate(slices)))
    wanted = [LIST[first or 0 if first != "" else None : last if last != "" else None] for last in ("", *range(-6, 7))]
    assert list(row) == wanted
    if first != "" and -5 <= first < 5:
        assert returned(small, f"RETURN {LIST}[{first}] AS x") == ((LIST[first],),)


def test_so_they_do_in_texts(small):
    for start, length in product(range(6), range(6)):
        ((got,),) = returned(small, f"RETURN substring('abcde', {start}, {length}) AS x")
        assert got == "abcde"[start : start + length]
        ((got,),) = returned(small, f"RETURN substring('abcde', {start}) AS x")
        assert got == "abcde"[start:]
