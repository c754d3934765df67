"""The conformance kit on the modes of the tree; without a language model, sentences are chosen."""

from retrieverkit_testkit.suite import RetrieverConformance


class TestTreeSelectLeafEmbedding(RetrieverConformance):
    """Wide enough to find all there is: what the kit asks of a search holds for what the branches lead to."""

    retriever_mode = "tree_select_leaf_embedding(child_branch_factor=20000, num_children=3, embedding='lsa')"
    capabilities = ["deterministic", "ranks-by-query"]


class TestTreeAllLeaf(RetrieverConformance):
    retriever_mode = "tree_all_leaf"
    capabilities = ["deterministic"]
    quick = True
