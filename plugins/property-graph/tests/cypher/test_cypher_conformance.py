"""The conformance kit on the modes that ask in Cypher."""

import re
import threading
from collections import OrderedDict

import pytest

from retrieverkit_property_graph.cypher import store
from retrieverkit_testkit.models import ScriptedModel
from retrieverkit_testkit.running import check_retriever
from retrieverkit_testkit.subjects import for_mode
from retrieverkit_testkit.suite import RetrieverConformance

_MOST_COPIES = 16


@pytest.fixture(autouse=True, scope="module")
def equal_graphs_share_a_copy():
    """Make one copy of equal graphs: each filter of the kit has a graph of its own, and few of them differ."""
    copies, guard, make = OrderedDict(), threading.Lock(), store.Copy

    def shared(rows, confinement):
        content = repr([list(table) for table in (rows.entities, rows.nodes, rows.relations, rows.mentions)])
        with guard:
            copy = copies.pop(content, None) or make(rows, confinement)
            copies[content] = copy
            if len(copies) > _MOST_COPIES:
                copies.popitem(last=False)
            return copy

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "Copy", shared)
        yield


def query(prompt):
    """Return a query for the entities that have a word of the question in their name."""
    if "relations" in prompt.schema.model_fields:
        return {"relations": []}
    words = re.findall(r"\w{1,40}", prompt.data[1])[:20]
    listed = ", ".join(f"'{word.lower()}'" for word in words)
    return {
        "query": f"UNWIND [{listed}] AS word MATCH (e:Entity) WHERE e.key CONTAINS word RETURN e, e.name ORDER BY e.key"
    }


def parameters(prompt):
    if "relations" in prompt.schema.model_fields:
        return {"relations": []}
    return {"words": re.findall(r"\w{1,40}", prompt.data[1].lower())[:20]}


TEMPLATE = (
    "graph_cypher_template(query='UNWIND $words AS word MATCH (e:Entity) WHERE e.key CONTAINS word RETURN e', "
    "parameters={'words': 'list'})"
)


@pytest.mark.slow
class TestGraphCypher(RetrieverConformance):
    retriever_mode = for_mode("graph_cypher", llm=ScriptedModel(query))
    capabilities = ["deterministic"]
    quick = True


ITS_OWN = [
    "best_hits_come_first",
    "canaries_of_another_scope_never_appear",
    "each_option_holds_for_its_own_retriever",
    "every_option_is_read",
    "options_are_described",
    "options_of_the_wrong_type_are_refused",
    "results_are_inert_json",
    "scores_keep_their_declaration",
    "specs_survive_being_written",
    "the_default_options_survive_being_written",
    "top_k_is_kept",
    "unknown_options_are_refused",
]
"""What the two modes do not share."""


@pytest.mark.slow
def test_a_template_keeps_what_is_its_own():
    template = for_mode(TEMPLATE, llm=ScriptedModel(parameters))
    report = check_retriever(template, capabilities=["deterministic"], quick=True, only=ITS_OWN)
    assert report.ok, str(report)
