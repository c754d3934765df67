"""Under a scope, a graph mode answers as if there were nothing else: hits, scores, paths and notes."""

import random

import pytest

from retrieverkit import Document, Index
from retrieverkit_core import MetadataFilters, QueryBundle

SHARED = ["Acme", "Bolt", "Mia Ray"]
OWN = {"a": ["Harbour", "Keel", "Tide"], "b": ["Quarry", "Marble", "Vein"]}
SPELT = {"a": str.upper, "b": str.lower}
QUERIES = ["who acquired Bolt?", "Acme and Mia Ray", "tide keel vein marble", "harbour"]
MODES = {
    "graph_ppr": "graph_ppr(extract='given', passage_weight=0.0, top_k=50)",
    "graph_vector": "graph_vector(extract='given', depth=3, max_entities=50, top_k=50)",
}


def documents(tenant, seed):
    """Relations between names that both tenants have, spelt in one's own way, and names of one's own."""
    draw = random.Random(f"{tenant}{seed}")
    for number in range(8):
        names = [SPELT[tenant](draw.choice(SHARED)), *draw.sample(OWN[tenant], 2)]
        draw.shuffle(names)
        triples = [
            [names[0], draw.choice(["acquired", "knows"]), {"name": names[1], "labels": [f"of {OWN[tenant][0]}"]}],
            {"subject": names[1], "relation": "part of", "object": {"name": names[2], "properties": {tenant: number}}},
        ]
        if number == 0:
            triples.append([f"{OWN[tenant][0]} is broken"])
        yield Document(" and ".join(names), id=f"{tenant}{number}", metadata={"triples": triples, "tenant": tenant})


def answer(index, mode, query, scope=None):
    result = index.as_retriever(mode).retrieve(QueryBundle(query, scope=scope))
    hits = [(hit.node.id, round(hit.score, 6), [each.details for each in hit.evidence]) for hit in result]
    return hits, [note for note in result.notes if "graph" in note], result


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("tenant", ["a", "b"])
def test_ranks_and_paths_are_those_of_a_graph_without_the_others(tmp_path, tenant, seed):
    both, alone = Index.create(tmp_path / "both"), Index.create(tmp_path / "alone")
    both.add([*documents("a", seed), *documents("b", seed)])
    alone.add(documents(tenant, seed))
    scope = MetadataFilters.parse(f"tenant == '{tenant}'")
    for query in QUERIES:
        hits, notes, _ = answer(both, MODES["graph_ppr"], query, scope)
        expected, expected_notes, _ = answer(alone, MODES["graph_ppr"], query)
        assert hits == expected
        assert notes == expected_notes
        assert any(f"'{tenant}0'" in note for note in notes)


@pytest.mark.needs("retrieverkit_vector")
@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
@pytest.mark.parametrize(("tenant", "other"), [("a", "b"), ("b", "a")])
def test_nothing_of_another_tenant_is_named(tmp_path, mode, tenant, other):
    with Index.create(tmp_path / "both") as index:
        index.add([*documents("a", 1), *documents("b", 1)])
        scope = MetadataFilters.parse(f"tenant == '{tenant}'")
        foreign = [*OWN[other], *map(SPELT[other], SHARED), f"{other}0"]
        found = 0
        for query in QUERIES:
            hits, notes, result = answer(index, mode, query, scope)
            told = f"{hits} {notes} {result.notes} {result.warnings} {result!r}"
            assert not [word for word in foreign if word in told]
            found += len(hits)
        assert found
