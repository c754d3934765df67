"""Who compares vectors for a mode."""

from __future__ import annotations

from retrieverkit_core.errors import MissingServiceError
from retrieverkit_core.plugin import BuildContext
from retrieverkit_core.retriever import NodeVectors


def vector_mode(context: BuildContext, embedding: str | None) -> NodeVectors:
    """Return the vector mode on the same corpus.

    Raises:
        UnknownModeError: It is not installed.
        MissingServiceError: What is installed as the vector mode does not compare vectors.
    """
    found = context.resolve({"mode": "vector", **({} if embedding is None else {"embedding": embedding})})
    if not isinstance(found, NodeVectors):
        raise MissingServiceError(
            f"{context.mode} compares vectors, and {found.distribution or 'the vector mode'} does not",
            fix="pip install -U retrieverkit-vector",
        )
    return found
