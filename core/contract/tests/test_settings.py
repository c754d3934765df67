"""What of a node is searched."""

import pytest

from retrieverkit_core import IndexSettings, Node, searched_text

NODE = Node(text="body", metadata={"title": "Head", "tags": ["a", 2, None, ["b"]], "year": 1961, "ok": True, "x": {}})


@pytest.mark.parametrize(
    ("fields", "excluded", "text"),
    [
        (("title",), [], "Head body"),
        (("title",), ["title"], "body"),
        ((), [], "body"),
        (("tags", "title"), [], "a 2 b Head body"),
        (("year", "ok", "x", "none"), [], "1961 body"),
        (("tags", "year"), ["tags", "title"], "1961 body"),
    ],
)
def test_the_fields_that_are_searched_stand_in_front_of_the_text(fields, excluded, text):
    node = Node(text=NODE.text, metadata=NODE.metadata, excluded_embed_metadata_keys=excluded)
    assert searched_text(node, IndexSettings(searched=fields)) == text
