"""One index node per document leads to a retriever of its own: those that the question is about are asked."""

import asyncio

import pytest

from retrieverkit import Index
from retrieverkit_core import IndexNode, Node

pytest.importorskip("retrieverkit_bm25", reason="who is asked is another package: bm25 is not installed")

ISSUES = {
    "1": ("Login fails", {"state": "open", "assignee": "Ana", "opened": "2023-01-11"}),
    "2": ("Login is slow", {"state": "closed", "assignee": "Ben", "opened": "2023-01-11"}),
    "3": ("Search finds nothing", {"state": "open", "assignee": "Ben", "opened": "2023-02-03"}),
    "4": ("Search is slow", {"state": "open", "assignee": "Ana", "opened": "2023-03-20"}),
}


@pytest.fixture
def issues():
    """An index of issues, and the issues' own retrievers by number."""
    comments = Index.from_documents([])
    comments.add_nodes(
        Node(f"{title}: comment {n} on the login and search issue", id=f"{number}.{n}", metadata={"issue": number})
        for number, (title, _) in ISSUES.items()
        for n in range(3)
    )
    asked = []

    class OfIssue:
        def __init__(self, number):
            self.number = number

        def retrieve(self, query):
            asked.append(self.number)
            return comments.retrieve(query, "bm25", filters={"issue": self.number}, top_k=2)

    nodes = [
        IndexNode(title, id=f"issue {number}", index_id=number, obj=OfIssue(number), metadata=metadata)
        for number, (title, metadata) in ISSUES.items()
    ]
    index = Index.from_documents([])
    index.add_nodes(nodes)
    with comments, index:
        yield index, nodes, asked


@pytest.mark.parametrize(
    ("question", "entered"),
    [
        ("issues opened on 11 January 2023 about login", {"1", "2"}),
        ("login issues assigned to Ben opened in January 2023", {"2"}),
        ("issues assigned to Ana", {"1", "4"}),
        ("slow search since February 2023", {"3", "4"}),
    ],
)
@pytest.mark.parametrize("mode", ["auto(bm25)", "auto(fusion(bm25, bm25))"])
def test_only_what_passes_is_entered(issues, question, entered, mode):
    index, nodes, asked = issues
    auto = index.as_retriever(mode, objects=nodes)
    result = auto.retrieve(question)
    assert set(asked) == entered
    assert {hit.node.metadata["issue"] for hit in result} == entered
    assert len(result) == 2 * len(entered)
    asked.clear()
    again = asyncio.run(auto.aretrieve(question))
    assert ([hit.node.id for hit in again], set(asked)) == ([hit.node.id for hit in result], entered)


def test_the_callers_filters_hold_where_index_nodes_lead(issues):
    index, nodes, _ = issues
    auto = index.as_retriever("auto(bm25)", objects=nodes)
    auto.known_fields = None
    result = auto.retrieve("issues assigned to Ana", filters={"issue": "4"})
    assert {hit.node.metadata["issue"] for hit in result} == {"4"}
