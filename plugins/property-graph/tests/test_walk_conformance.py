"""The conformance kit on the modes that walk the graph."""

import re
from itertools import pairwise

import pytest

from retrieverkit_property_graph import Entity, Extracted, Triple
from retrieverkit_testkit.models import ScriptedModel
from retrieverkit_testkit.subjects import for_mode
from retrieverkit_testkit.suite import RetrieverConformance


@pytest.mark.needs("retrieverkit_vector")
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


class WordTriples:
    """States of each word of a text that it stands there, so that what shares a word is related."""

    fingerprint = "words"
    uses = ()

    def of_nodes(self, nodes):
        place = Entity("a text")
        found = [dict.fromkeys(re.findall(r"\w+", stored.node.text)) for stored in nodes]
        return [Extracted(triples=tuple(Triple(Entity(word), "stands in", place) for word in own)) for own in found]


@pytest.fixture(scope="class")
def over_words():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("retrieverkit_property_graph.graph_retriever.extractor_of", lambda *_: WordTriples())
        yield


def last_words(prompt):
    return {"names": list(dict.fromkeys(re.findall(r"\w+", prompt.data[0])))[-1000:]}


@pytest.mark.usefixtures("over_words")
@pytest.mark.same_code
class TestWalksOverWords(RetrieverConformance):
    """Graphs that every document is found in: what the kit asks of a search holds for walks too."""

    retriever_mode = for_mode("graph_synonym(max_keywords=1000, limit=1000000)", llm=ScriptedModel(last_words))
    capabilities = ["deterministic", "exhaustive"]
    quick = True
