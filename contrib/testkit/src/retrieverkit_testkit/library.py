"""The documents that the checks retrieve from."""

from __future__ import annotations

from retrieverkit_core.nodes import Document

SHARED = "report"
"""A word of every document in `library`."""

_SHELVES = [
    ("herring", "The harbour report counts herring landed before the spring storms", "north", 1961, "en"),
    ("turbine", "A turbine report explains why the inlet freezes and the blades stall", "south", 1974, "de"),
    ("orchid", "Greenhouse report: the orchid seedlings flower twice under blue lamps", "north", 1988, "fr"),
    ("glacier", "Glacier report with melt depth measured by radar along the ridge", "east", 1999, "en"),
    ("violin", "The violin maker's report compares spruce, maple and old varnish", "south", 2003, "it"),
    ("comet", "Observatory report: a comet crossed the lens shortly after midnight", "east", 2007, "en"),
    ("railway", "Railway report about delayed signals, wet sleepers and a missing switch", "north", 2012, "de"),
    ("saffron", "Market report listing saffron, cardamom and the price of dried limes", "south", 2015, "fr"),
    ("beaver", "Wetland report: one beaver dam changed the stream within a season", "east", 2018, "en"),
    ("granite", "Quarry report on granite blocks, diamond saws and broken drills", "north", 2020, "it"),
    ("penicillin", "Laboratory report: penicillin cultures died in the warm cupboard", "south", 2021, "en"),
    ("lighthouse", "Lighthouse report, the lamp was rebuilt and the keeper retired", "east", 2024, "de"),
]


def library() -> list[Document]:
    """Return twelve short documents; each shares one word with the others and is told apart by its own."""
    return [
        Document(text, id=name, metadata={"tenant": tenant, "year": year, "lang": lang, "tags": [lang, tenant]})
        for name, text, tenant, year, lang in _SHELVES
    ]


def twins(count: int = 12) -> list[Document]:
    """Return documents that differ in nothing but their ids."""
    return [Document("twin words in every report", id=f"twin{n}", metadata={"n": "same"}) for n in range(count)]
