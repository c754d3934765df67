from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_core import IndexSettings, searched_text
from retrieverkit_core.nodes import Node
from retrieverkit_indexing.analysis import Part, indexed_parts

SINGLE = st.text(alphabet="ab ", min_size=1) | st.integers() | st.booleans() | st.none()
VALUES = SINGLE | st.lists(SINGLE | st.lists(SINGLE, max_size=2), max_size=3)
FIELDS = st.lists(st.sampled_from(["title", "author", "year"]), unique=True)


@given(metadata=st.dictionaries(st.sampled_from(["title", "author", "year"]), VALUES), searched=FIELDS, excluded=FIELDS)
def test_the_parts_together_are_what_is_searched(metadata, searched, excluded):
    node = Node(text="text", metadata=metadata, excluded_embed_metadata_keys=excluded)
    parts = indexed_parts(node, searched)
    assert parts[-1] == Part("", "text")
    assert " ".join(part.text for part in parts) == searched_text(node, IndexSettings(searched=tuple(searched)))
