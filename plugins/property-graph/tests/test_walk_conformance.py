"""The conformance kit on the modes that walk the graph."""

from retrieverkit_testkit.models import ScriptedModel
from retrieverkit_testkit.subjects import for_mode
from retrieverkit_testkit.suite import RetrieverConformance


class TestGraphVector(RetrieverConformance):
    retriever_mode = "graph_vector"
    capabilities = ["deterministic"]
    quick = True


def words(prompt):
    return {"names": prompt.data[0].split()}


class TestGraphSynonym(RetrieverConformance):
    retriever_mode = for_mode("graph_synonym", llm=ScriptedModel(words))
    capabilities = ["deterministic"]
    quick = True
