"""Documents told apart by marks such as ``m7``, and a model that sums them up by their marks."""

import re

from retrieverkit import Document


def marks(text):
    """Return the marks in a text."""
    return re.findall(r"\bm\d+\b", text)


def sum_up(prompt):
    """Say which marks the texts have."""
    return "about " + " ".join(sorted({mark for text in prompt.data for mark in marks(text)}))


def document(number, words="words of a document", **metadata):
    """Return a document with a mark."""
    return Document(f"m{number} {words}", id=f"d{number}", metadata=metadata)
