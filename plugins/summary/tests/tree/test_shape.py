"""The shape of the tree: a rule on the sequence of nodes alone, which a change disturbs in one place."""

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_summary.tree.shape import levels
from retrieverkit_summary.tree.tree import Tree


def tree_of(names, num_children):
    hashes = [int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) for name in names]
    return Tree(np.arange(1, len(names) + 1), np.array(hashes, np.uint64), names, num_children)


def places(tree):
    waiting = tree.roots
    while waiting:
        place = waiting.pop()
        yield place
        waiting += tree.children(place)


def summaries(tree):
    return {tree.identity(place) for place in places(tree) if place.level}


@given(st.lists(st.integers(0, 2**64 - 1), max_size=400), st.integers(2, 12))
def test_every_leaf_stands_under_one_root_in_order_and_no_parent_is_too_large_or_small(hashes, num_children):
    tree = Tree(np.arange(1, len(hashes) + 1), np.array(hashes, np.uint64), [str(h) for h in hashes], num_children)
    assert len(tree.roots) <= num_children
    assert [leaf for root in tree.roots for leaf in tree.leaves(root)] == list(range(len(hashes)))
    for place in places(tree):
        children = tree.children(place)
        assert [leaf for child in children for leaf in tree.leaves(child)] == list(tree.leaves(place)) or not children
        if place.level:
            assert max(2, num_children / 2) <= len(children) < 2.5 * num_children + 1
    assert len(levels(np.array(hashes, np.uint64), num_children)) == tree.depth


@given(st.lists(st.integers(0, 99), min_size=1, max_size=300, unique=True), st.integers(2, 5), st.randoms())
def test_the_tree_of_a_set_is_the_same_however_it_is_written(numbers, num_children, random):
    names = [f"n{number:03}" for number in numbers]
    tree = tree_of(sorted(names), num_children)
    random.shuffle(names)
    again = tree_of(sorted(names), num_children)
    assert [tree.name(p) for p in places(tree)] == [again.name(p) for p in places(again)]
    assert len({tree.name(p) for p in places(tree) if p.level}) == sum(p.level > 0 for p in places(tree))


def test_one_more_node_among_thousands_changes_little_more_than_its_path_to_the_root():
    names = [f"n{number:05}" for number in range(0, 40_000, 20)]
    before = tree_of(names, 10)
    known, changed = summaries(before), []
    assert before.depth == 3
    for number in range(7, 40_000, 397):
        after = tree_of(sorted([*names, f"n{number:05}"]), 10)
        changed.append(len(summaries(after) - known))
    assert sum(changed) / len(changed) <= 2 * before.depth
    assert max(changed) <= 6 * before.depth


def test_parents_of_equal_texts_share_a_summary_and_have_ids_of_their_own():
    hashes = np.arange(300, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    tree = Tree(np.arange(1, 301), hashes, ["same"] * 300, 3)
    parents = [place for place in places(tree) if place.level == 1]
    assert len({tree.identity(place) for place in parents}) == len({len(tree.leaves(place)) for place in parents})
    assert len({tree.name(place) for place in parents}) == len(parents) > 50
