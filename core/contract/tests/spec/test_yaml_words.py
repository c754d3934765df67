"""What plain words in YAML mean."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

yaml = pytest.importorskip("yaml")

from retrieverkit_core.yaml_text import read_yaml  # noqa: E402

VALUES = st.one_of(
    st.text("0123456789.-+eExO_:~ntrufalsyO", max_size=8),
    st.integers(),
    st.floats(allow_nan=False),
    st.booleans(),
    st.none(),
)


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_what_others_write_is_read_as_it_was_meant(value):
    found = read_yaml(yaml.safe_dump({"a": value}))["a"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "word", ["no", "on", "Off", "yes", "y", "010", "1:30", "1:30:05", "1_000", "0b1", "1e3", "0o7"]
)
def test_words_on_which_the_versions_of_yaml_differ_are_texts(word):
    assert read_yaml(f"a: {word}") == {"a": word}
