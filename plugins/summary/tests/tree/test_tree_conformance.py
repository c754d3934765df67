"""The conformance kit on the modes of the tree; without a language model, sentences are chosen."""

import pytest

from retrieverkit_testkit.choosers import by_words
from retrieverkit_testkit.models import ScriptedModel
from retrieverkit_testkit.subjects import for_mode
from retrieverkit_testkit.suite import RetrieverConformance


def answered(prompt):
    """Choose by words; sum up by the beginnings of the texts."""
    return by_words(prompt) if prompt.schema else " ".join(text[:200] for text in prompt.data) or "nothing"


@pytest.mark.needs("retrieverkit_vector")
class TestTreeSelectLeafEmbedding(RetrieverConformance):
    """Wide enough to find all there is: what the kit asks of a search holds for what the branches lead to."""

    retriever_mode = "tree_select_leaf_embedding(child_branch_factor=20000, num_children=3, embedding='lsa')"
    capabilities = ["deterministic", "ranks-by-query"]


@pytest.mark.same_code
class TestTreeAllLeaf(RetrieverConformance):
    retriever_mode = "tree_all_leaf"
    capabilities = ["deterministic"]
    quick = True


@pytest.mark.same_code
class TestTreeSelectLeaf(RetrieverConformance):
    retriever_mode = for_mode(
        "tree_select_leaf(child_branch_factor=20000, num_children=20, choice_batch_size=100)",
        llm=ScriptedModel(answered),
    )
    capabilities = ["deterministic", "ranks-by-query"]
    quick = True


@pytest.mark.same_code
class TestTreeRoot(RetrieverConformance):
    retriever_mode = "tree_root(num_children=50)"
    capabilities = ["deterministic"]
    quick = True
    expected_failures = {"equal_documents_are_found_all": "one summary tells of many documents"}
