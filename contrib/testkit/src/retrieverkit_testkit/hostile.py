"""Strings that break what is careless with them."""

from __future__ import annotations

import json
import os
from pathlib import Path

HOSTILE = (
    "\x00",
    "a\x00b",
    "\r\n",
    "\x1b[31mred\x1b[0m",
    "\ufeffbom",
    "\u202ereversed",
    "\u200b\u200c\u200d",
    "\U0001f469\u200d\U0001f4bb",
    "e\u0301 é",
    "ﬁ ß İ ı",
    "漢字かな交じり文",
    "อักษรไทย",
    "مرحبا بالعالم",
    "𝒳𝓎𝓏",
    "\ufffe\uffff",
    "' OR 1=1 --",
    '"; DROP TABLE nodes; --',
    "' UNION SELECT * FROM nodes --",
    "1) OR (1=1",
    "]} , {'$ne': null",
    '{"$gt": ""}',
    "${jndi:ldap://x}",
    "{{7*7}}",
    "{0.__class__}",
    "%s%n%x",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "AND OR NOT",
    'title:"x" AND (',
    "a~2 b^3 c* d?",
    "+a -b /c/",
    "*:*",
    "* ? ~ \\",
    '"',
    "(",
    "[1 TO 2}",
    "null",
    "None",
    "NaN",
    "-1",
    "true",
    "MATCH (n) DETACH DELETE n",
    "a" * 20_000,
    "🙂" * 500,
    "word " * 2_000,
)
"""Control characters, scripts, syntaxes of query languages, and long ones. Every one of them can be encoded."""

UNENCODABLE = ("\ud800", "a\udfffb")
"""Halves of surrogate pairs: no characters, so no text."""

SYNTAX = (
    "NOT {}",
    "-{}",
    "+{}",
    '"{}',
    "{})",
    "({}",
    "title:{}",
    "{}*",
    "{}~1",
    "{}^0",
    "{} AND nothingelse",
    "/{}/",
    "[{} TO zz]",
    "{}; DROP TABLE nodes",
)
"""A word inside what search engines take for syntax."""


def naughty_strings() -> list[str]:
    """Return the strings of ``naughty_strings.jsonl``, or none where the file is not at hand.

    It is looked for in the folder that ``RETRIEVERKIT_DATA`` names, or in ``../shared/data``.
    """
    path = Path(os.environ.get("RETRIEVERKIT_DATA", "../shared/data")) / "naughty_strings.jsonl"
    if not path.is_file():
        return []
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    return [str(row["text"]) if isinstance(row, dict) else str(row) for row in rows]


def can_be_encoded(text: str) -> bool:
    """Return whether a string is text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
