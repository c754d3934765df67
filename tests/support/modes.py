"""The modes that the cross-package tests go through."""

from retrieverkit.discovery import MODES, Discovery

_CANDIDATES = {
    "bm25": "bm25",
    "keyword": "keyword",
    "grep": "grep",
    "vector": "vector(embedding='lsa')",
    "hybrid": "hybrid(embedding='lsa')",
    "fusion": "fusion(bm25(top_k=100000), vector(embedding='lsa', top_k=100000), method='rrf')",
}


def searchable_modes() -> dict[str, str]:
    """Return a mode string for each installed mode that answers queries in words, by name."""
    installed = set(Discovery().catalog.claims(MODES))
    needed = {"bm25": {"bm25"}, "vector": {"vector"}, "hybrid": {"hybrid", "bm25", "vector"}}
    needed |= {"keyword": {"keyword"}, "grep": {"grep"}}
    needed["fusion"] = {"fusion", "bm25", "vector"}
    return {name: text for name, text in _CANDIDATES.items() if needed[name] <= installed}
