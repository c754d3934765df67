"""From what a text must hold to a query of an FTS5 table of trigrams."""

from __future__ import annotations

import sqlite3

from retrieverkit_keyword.grep.folding import for_trigrams
from retrieverkit_keyword.grep.required import Every, OneOf

TABLE = (
    "CREATE VIRTUAL TABLE trigrams USING fts5"
    "(text, tokenize = 'trigram case_sensitive 1', detail = none, content = '', columnsize = 0)"
)
ADD = "INSERT INTO trigrams (rowid, text) VALUES (?, ?)"
REMOVE = "INSERT INTO trigrams (trigrams, rowid, text) VALUES ('delete', ?, ?)"
FIND = "SELECT rowid FROM trigrams WHERE trigrams MATCH ? ORDER BY rowid"

_OF_A_LITERAL = 12
"""How many trigrams of a literal are asked for; more hardly narrow it further."""
_MOST_BRANCHES = 100


def available() -> bool:
    """Return whether this SQLite has tables of trigrams."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(TABLE)
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


def query(needed: Every) -> str:
    """Return the query of the trigrams that must be there, empty where none need be."""
    parts = [_of_literal(part) if isinstance(part, str) else _of_choice(part) for part in needed.parts]
    return " AND ".join(filter(None, parts))


def _of_choice(choice: OneOf) -> str:
    branches = [query(branch) for branch in choice.branches]
    if not all(branches) or len(branches) > _MOST_BRANCHES:
        return ""
    return "(" + " OR ".join(f"({branch})" for branch in branches) + ")"


def _of_literal(literal: str) -> str:
    text = for_trigrams(literal)
    last = len(text) - 3
    if last < 0:
        return ""
    step = max(1, -(-last // (_OF_A_LITERAL - 1)))
    wanted = dict.fromkeys(text[at : at + 3] for at in [*range(0, last, step), last])
    return " AND ".join('"' + trigram.replace('"', '""') + '"' for trigram in wanted)
