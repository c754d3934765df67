"""The engine's fields."""

from __future__ import annotations

from functools import cache

import tantivy

from retrieverkit_bm25.columns import DATES, NUMBERS, date_field, number_field

BODY = "body"
"""The analyzed terms, joined by spaces; one value for each text that the node is found by."""
CHARACTERS = "characters"
"""The characters of what is written without spaces, of which the terms are pairs."""
FACETS = "facets"
"""The terms of the metadata (`facets`)."""
ORDINAL = "ordinal"
"""The node's ordinal in the corpus."""
LENGTH = "length"
"""The number of analyzed terms."""


@cache
def schema() -> tantivy.Schema:
    """Return the schema of every bm25 index."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field(BODY, tokenizer_name="whitespace", index_option="position")
    builder.add_text_field(CHARACTERS, tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field(FACETS, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field(ORDINAL, indexed=True, fast=True)
    builder.add_integer_field(LENGTH, fast=True)
    for column in range(NUMBERS):
        builder.add_float_field(number_field(column), fast=True)
    for column in range(DATES):
        builder.add_integer_field(date_field(column), fast=True)
    return builder.build()
