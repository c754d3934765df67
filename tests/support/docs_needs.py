"""Which pages serve which need: the order of docs/README.md and of the site's navigation."""

from docs_pages import DOCS, PAGES, Page

NEEDS: dict[str, tuple[str, ...]] = {
    "Start": (
        "index-your-files",
        "cookbook",
        "troubleshooting",
        "look-after-an-index",
        "search-in-other-languages",
    ),
    "Coming from another library": (
        "coming-from-llamaindex",
        "coming-from-langchain",
        "coming-from-haystack",
        "coming-from-a-notebook",
    ),
    "Find better": (
        "choose-a-mode",
        "choose-embeddings",
        "filter-by-metadata",
        "filter-from-the-question",
        "search-words-and-meaning",
        "rerank",
        "search-by-keywords",
        "grep",
        "show-more-than-was-found",
        "cut-at-headings",
        "search-in-several-sizes",
        "shape-the-answer",
        "ask-the-right-documents",
        "find-by-questions-and-summaries",
        "search-tables-and-texts",
        "evaluate-your-own-data",
        "learn-from-judgements",
        "explain-a-result",
    ),
    "Combine retrievers": (
        "fuse-rankings",
        "ask-in-several-wordings",
        "route-and-rewrite",
        "put-retrievers-behind-descriptions",
        "keep-what-two-agree-on",
        "write-a-config",
        "combine-in-python",
        "put-retrievers-behind-descriptions",
        "keep-what-two-agree-on",
        "draw-a-retriever",
    ),
    "Use a language model": (
        "answer-with-a-model",
        "use-a-language-model",
        "record-and-budget",
        "choose-by-summaries",
        "search-a-tree-of-summaries",
    ),
    "Use a graph": (
        "search-by-relations",
        "ask-a-graph",
        "ask-in-cypher",
        "graph-from-documents",
        "graph-from-triples",
        "write-a-graph-retriever",
    ),
    "Build an application": ("serve-it", "use-async", "observe-retrievals", "run-in-production"),
    "Write a retriever of your own": ("wrap-a-retriever", "write-an-index", "publish-a-mode"),
}
"""The how-tos by need. One that is not named here is listed under "More"."""


def how_tos() -> dict[str, list[Page]]:
    """Return every how-to under its need, and what has none under "More"."""
    left = {page.path.stem: page for page in PAGES if page.path.parent == DOCS / "how-to"}
    found = {need: [left.pop(name) for name in names if name in left] for need, names in NEEDS.items()}
    return {**found, **({"More": list(left.values())} if left else {})}


def of_folder(folder: str) -> list[Page]:
    """Return the pages of a folder in their order."""
    return [page for page in PAGES if page.path.parent == DOCS / folder and page.path.name != "README.md"]
