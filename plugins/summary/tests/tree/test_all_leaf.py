"""All nodes in the order of the tree."""

from retrieverkit import Document
from retrieverkit_summary import TreeAllLeafRetriever
from retrieverkit_testkit.library import chapters, put


def ids(result):
    return [hit.node.ref_doc_id for hit in result]


def test_the_order_is_that_of_documents_ids_with_numbers_by_value_whenever_they_came(new_index):
    index, model = new_index([Document("x", id=id) for id in ("part 10", "part 9", "b", "part 007", "part 7", "a2")])
    expected = ["a2", "b", "part 007", "part 7", "part 9", "part 10"]
    for query in ("", "anything"):
        result = index.as_retriever("tree_all_leaf").retrieve(query)
        assert ids(result) == expected
        assert [hit.score for hit in result] == [None] * 6
    index.add(Document("changed", id="a2"))
    assert ids(index.as_retriever("tree_all_leaf").retrieve("")) == expected
    assert ids(TreeAllLeafRetriever(index.corpus, index.storage).retrieve("", top_k=2)) == expected[:2]
    assert model.asked == []


def test_the_nodes_of_a_document_stay_together_in_their_order(new_index):
    index, _ = new_index()
    put(index, [chapters("one", "two", "three", id="b"), Document("x", id="c"), Document("x", id="a")])
    put(index, [chapters("four", "five", id="b")])
    texts = [hit.node.text for hit in index.as_retriever("tree_all_leaf").retrieve("")]
    assert texts == ["x", "four", "five", "x"]


def test_filters_hold_and_a_plan_costs_nothing(new_index):
    index, _ = new_index([Document("x", id=f"d{n}", metadata={"n": n}) for n in range(20)])
    retriever = index.as_retriever("tree_all_leaf(top_k=3)")
    result = retriever.retrieve("", filters="n >= 5", scope="n != 6")
    assert ids(result) == ["d5", "d7", "d8"]
    assert result.filters.rechecked == ""
    assert retriever.plan("").complete and retriever.plan("").total("llm_calls") == 0
