"""The conformance kit on the modes that walk the graph."""

from itertools import pairwise

from retrieverkit_testkit.models import ScriptedModel
from retrieverkit_testkit.subjects import for_mode
from retrieverkit_testkit.suite import RetrieverConformance


class TestGraphVector(RetrieverConformance):
    retriever_mode = "graph_vector"
    capabilities = ["deterministic"]
    quick = True


def words(prompt):
    if "relations" in prompt.schema.model_fields:  # few: how many are walked is limited
        long = [word for word in prompt.data[0].split() if len(word) > 8]
        keys = ("subject", "object", "relation", "subject_label", "object_label")
        return {"relations": [dict(zip(keys, (*ends, "near", "", ""), strict=True)) for ends in pairwise(long)]}
    return {"names": prompt.data[0].split()}


class TestGraphSynonym(RetrieverConformance):
    retriever_mode = for_mode("graph_synonym", llm=ScriptedModel(words))
    capabilities = ["deterministic"]
    quick = True
