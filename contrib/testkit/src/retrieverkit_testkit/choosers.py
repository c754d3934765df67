"""Scripts for `ScriptedModel` that choose among texts, as `retrieverkit_core.choosing` asks."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from retrieverkit_core.services import Prompt


def query_of(prompt: Prompt) -> str:
    """Return the query that a prompt asks about."""
    return prompt.data[0].partition("\n")[2]


def documents_of(prompt: Prompt) -> dict[str, str]:
    """Return the texts that a prompt shows by their labels, in the order shown; one of them is made up."""
    return {label: shown.partition("\n")[2] for label, shown in zip(prompt.labels, prompt.data[1:], strict=True)}


def choice(grades: Mapping[str, int]) -> dict[str, Any]:
    """Return the answer that gives grades from 1 to 10 to some labels."""
    return {"chosen": [{"label": label, "relevance": grade} for label, grade in grades.items()]}


def by_words(prompt: Prompt) -> dict[str, Any]:
    """Choose the texts that share words with the query, graded by the share of their common words in all of both."""
    query = _words(query_of(prompt))
    grades = {}
    for label, text in documents_of(prompt).items():
        own = _words(text)
        if query & own:
            grades[label] = math.ceil(10 * len(query & own) / len(query | own))
    return choice(grades)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))
