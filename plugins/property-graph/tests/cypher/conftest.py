"""A small graph in a sandbox, and the queries of this folder."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

collect_ignore_glob = ["test_*.py"] if find_spec("ladybug") is None else []
sys.path.insert(0, str(Path(__file__).parent / "queries"))

from retrieverkit_property_graph.cypher.rows import EntityRow, GraphRows, RelationRow  # noqa: E402
from retrieverkit_property_graph.cypher.sandbox.copying import Copy  # noqa: E402
from retrieverkit_property_graph.cypher.sandbox.worker import Confinement  # noqa: E402

PEOPLE = [
    EntityRow(1, "Marie Curie", "marie curie", ("Person", "Physicist"), ("born=1867",)),
    EntityRow(2, "Pierre Curie", "pierre curie", ("Person",), ("born=1859",)),
    EntityRow(3, "Warsaw", "warsaw", ("City",), ()),
    EntityRow(4, "Sorbonne", "sorbonne", ("University",), ("city=Paris",)),
    EntityRow(5, "Paris", "paris", ("City",), ()),
    *(EntityRow(n, f"Student {n}", f"student {n}", (), ()) for n in range(6, 60)),
]
FACTS = [
    RelationRow(1, 3, 1, "born in", ()),
    RelationRow(2, 5, 2, "born in", ()),
    RelationRow(1, 2, 3, "married", ("since=1895",)),
    RelationRow(1, 4, 4, "taught at", ("since=1903",)),
    RelationRow(2, 4, 5, "taught at", ()),
    RelationRow(4, 5, 6, "lies in", ()),
    *(RelationRow(n, 4, n, "studied at", ()) for n in range(7, 60)),
]


def rows():
    mentions = sorted({(fact.id % 9, end) for fact in FACTS for end in (fact.subject, fact.object)})
    return GraphRows(PEOPLE, range(9), FACTS, mentions)


@pytest.fixture(scope="session")
def copy():
    copy = Copy(rows(), Confinement(memory=256 << 20))
    yield copy
    copy.close()
