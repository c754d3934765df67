"""Comparing what was read in questions with what a careful reader would want."""

import json
from pathlib import Path

from retrieverkit_auto import AutoRetriever
from retrieverkit_core import BaseRetriever, Node
from retrieverkit_core.filters import FilterCondition, MetadataFilter, MetadataFilters
from retrieverkit_testkit.memory_corpus import MemoryCorpus

_ANY_ORDER = ("in", "nin", "any", "all")


def conditions(tree):
    """Return the conditions that must all hold, as text; values in one order."""
    if not tree:
        return set()
    tree = MetadataFilters.parse(tree) if isinstance(tree, str) else tree
    parts = tree.filters if tree.condition is FilterCondition.AND else [tree]
    return {str(_ordered(part)) for part in parts}


def _ordered(part):
    if isinstance(part, MetadataFilters):
        return MetadataFilters([_ordered(child) for child in part.filters], part.condition)
    value = sorted(part.value) if part.operator in _ANY_ORDER else part.value
    return MetadataFilter(part.key, value, part.operator)


def compare(question, spec):
    """Return what of a question was read rightly, missed, and read wrongly."""
    wanted, read = conditions(question["filters"]), conditions(spec.filters)
    wrong = read - wanted - conditions(question.get("also"))
    limit = question.get("top_k")
    if limit is not None:
        wanted.add(f"top_k {limit}")
    if spec.top_k is not None:
        read.add(f"top_k {spec.top_k}")
        wrong |= set() if spec.top_k == limit else {f"top_k {spec.top_k}"}
    return wanted & read, wanted - read, wrong


def collections():
    """Return each collection by its name: a corpus, and the questions on it."""
    made = {}
    for file in sorted(Path(__file__).parent.glob("*.json")):
        given = json.loads(file.read_text(encoding="utf-8"))
        corpus = MemoryCorpus(file.stem)
        corpus.add(*(Node(**node) for node in given["nodes"]))
        made[file.stem] = corpus, given["questions"]
    return made


class _Nobody(BaseRetriever):
    """Finds nothing: only what is read counts."""

    def _retrieve(self, query_bundle):
        return []


def summary():
    """Return a table of what the rules read, one row per collection."""
    rows = ["| collection | questions | with a trap | conditions | read | wrong |", "|---|---|---|---|---|---|"]
    sums = [0] * 5
    for name, (corpus, questions) in collections().items():
        auto = AutoRetriever(_Nobody(), corpus)
        parts = [compare(question, auto.retrieve(question["q"]).spec) for question in questions]
        right, missed, wrong = (sum(len(part[n]) for part in parts) for n in range(3))
        traps = sum("trap" in question for question in questions)
        counts = [len(questions), traps, right + missed, right, wrong]
        sums = [a + b for a, b in zip(sums, counts, strict=True)]
        rows.append(f"| {name} | {' | '.join(map(str, counts))} |")
    return "\n".join([*rows, f"| all | {' | '.join(map(str, sums))} |"])
