"""Nodes as a corpus reads them: what is seldom looked at is made when somebody looks, and nobody can tell."""

import copy
import dataclasses
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_core import IndexNode, Node

LOOKS = {
    "equal": lambda node, other: node == other,
    "shown": lambda node, other: repr(node) == repr(other),
    "pickled": lambda node, other: pickle.loads(pickle.dumps(node)) == other,
    "copied": lambda node, other: node.copied() == other,
    "deeply": lambda node, other: copy.deepcopy(node) == other,
    "as a dict": lambda node, other: dataclasses.asdict(node) == dataclasses.asdict(other),
    "replaced": lambda node, other: dataclasses.replace(node) == other,
    "index node": lambda node, other: IndexNode.from_node(node, "x") == IndexNode.from_node(other, "x"),
    "vector": lambda node, other: node.embedding == other.embedding,
    "lists": lambda node, other: node.excluded_embed_metadata_keys == node.excluded_llm_metadata_keys == [],
}


@given(
    st.text(), st.dictionaries(st.text(), st.integers()), st.none() | st.lists(st.floats(width=32, allow_nan=False)),
    st.lists(st.sampled_from(sorted(LOOKS))),
)  # fmt: skip
def test_a_node_that_was_read_is_like_any_other(text, metadata, vector, looks):
    made = None if vector is None else lambda: list(vector)
    read = Node.read(text, "a", dict(metadata), {}, 0, len(text), made)
    other = Node(text, "a", dict(metadata), {}, [], [], 0, len(text), vector)
    for look in looks:
        assert LOOKS[look](read, other), look
    assert read == other


def test_the_vector_is_made_once_and_only_when_it_is_looked_at():
    made = []
    node = Node.read("text", "a", {}, {}, 0, 4, lambda: made.append(1) or [1.0])
    assert node.text == "text" and node.hash and not made
    assert node.embedding is node.embedding and len(made) == 1
    node.embedding = None
    assert node.embedding is None


def test_threads_that_look_at_once_see_one_list():
    with ThreadPoolExecutor(8) as threads:
        for _ in range(200):
            node = Node.read("", "a", {}, {}, None, None)
            seen = list(threads.map(lambda _, node=node: id(node.excluded_llm_metadata_keys), range(8)))
            assert len(set(seen)) == 1


def test_what_a_node_does_not_have_is_said():
    with pytest.raises(AttributeError, match="'Node' object has no attribute 'vector'"):
        _ = Node.read("", "a", {}, {}, None, None).vector
