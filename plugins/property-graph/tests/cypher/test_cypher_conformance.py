"""The conformance kit on the modes that ask in Cypher."""

import re

from retrieverkit_testkit.models import ScriptedModel
from retrieverkit_testkit.subjects import for_mode
from retrieverkit_testkit.suite import RetrieverConformance


def query(prompt):
    """Return a query for the entities that have a word of the question in their name."""
    words = re.findall(r"\w{1,40}", prompt.data[1])[:20]
    listed = ", ".join(f"'{word.lower()}'" for word in words)
    return {
        "query": f"UNWIND [{listed}] AS word MATCH (e:Entity) WHERE e.key CONTAINS word RETURN e, e.name ORDER BY e.key"
    }


def parameters(prompt):
    return {"words": re.findall(r"\w{1,40}", prompt.data[1].lower())[:20]}


TEMPLATE = (
    "graph_cypher_template(query='UNWIND $words AS word MATCH (e:Entity) WHERE e.key CONTAINS word RETURN e', "
    "parameters={'words': 'list'})"
)


class TestGraphCypher(RetrieverConformance):
    retriever_mode = for_mode("graph_cypher", llm=ScriptedModel(query))
    capabilities = ["deterministic"]
    quick = True


class TestGraphCypherTemplate(RetrieverConformance):
    retriever_mode = for_mode(TEMPLATE, llm=ScriptedModel(parameters))
    capabilities = ["deterministic"]
    quick = True
