"""Pictures of retrievers: the tree with the options that were written, and what each part did in one retrieval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrieverkit_core.errors import UsageError, shorten
from retrieverkit_core.picture._boxes import Box, box_of_retriever, box_of_spec, retrievers_in

if TYPE_CHECKING:
    from retrieverkit_core.result import RetrievalResult
    from retrieverkit_core.retriever import BaseRetriever
    from retrieverkit_core.spec import RetrieverSpec

__all__ = ["Box", "Picture", "draw", "retrievers_in"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A tree of boxes. As text it is Mermaid; as the last line of a notebook cell it is HTML.

    Attributes:
        root: The outermost box.
    """

    root: Box

    def mermaid(self) -> str:
        """Return it as a Mermaid flowchart, for a README."""
        from retrieverkit_core.picture._mermaid import as_mermaid

        return as_mermaid(self.root)

    def svg(self) -> str:
        """Return it as an SVG image, without scripts or links."""
        from retrieverkit_core.picture._svg import as_svg

        return as_svg(self.root)

    def html(self) -> str:
        """Return it as a piece of HTML, without scripts or links."""
        from retrieverkit_core.picture._html import as_html

        return as_html(self.root)

    def __str__(self) -> str:
        return self.mermaid()

    def _repr_html_(self) -> str:
        return self.html()


def draw(retriever: BaseRetriever | RetrieverSpec, result: RetrievalResult | None = None) -> Picture:
    """Return a picture of a retriever.

    Args:
        retriever: The retriever, or the spec of one.
        result: What it answered with ``explain=True``: each part then shows what it found, and how long it took.

    Raises:
        UsageError: The result was not explained, or is that of another retriever.
    """
    from retrieverkit_core.spec import RetrieverSpec

    name = retriever.mode if isinstance(retriever, RetrieverSpec) else retriever.name
    root = None if result is None else result.explain().root
    if root is not None and root.name != name:
        raise UsageError(
            f"the result is that of {shorten(root.name)!r}, not of {shorten(name)!r}",
            fix="draw the retriever that gave it",
        )
    if not isinstance(retriever, RetrieverSpec):
        return Picture(box_of_retriever(retriever, root))
    if root is not None:
        raise UsageError("a spec has not answered anything", fix="draw the retriever that gave the result")
    return Picture(box_of_spec(retriever))
