"""Comparing what was read in questions with what a careful reader would want."""

from retrieverkit_core.filters import FilterCondition, MetadataFilter, MetadataFilters

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
