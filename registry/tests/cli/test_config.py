"""``retriever config init`` and ``config check``."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit.cli.config_file import config_text, toml
from retrieverkit.discovery import shared_discovery
from retrieverkit_core.errors import RetrieverKitError
from retrieverkit_core.spec import RetrieverSpec

pytestmark = pytest.mark.searches

VALUES = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_written_in_toml_is_read_back(value):
    import tomllib

    assert tomllib.loads(f"x = {toml(value)}")["x"] == value


def test_every_mode_has_a_config_that_says_the_same(tmp_path):
    discovery, written = shared_discovery(), set()
    for row in discovery.rows():
        spec = RetrieverSpec.parse(row.name)
        try:
            text = config_text(spec, discovery)
        except RetrieverKitError:  # it has an option that is required
            continue
        (tmp_path / "a.toml").write_text(text, encoding="utf-8")
        assert RetrieverSpec.load(tmp_path / "a.toml") == spec
        options = discovery.mode(row.name).spec.options.model_fields
        missing = [name for name in options if f"# {name} =" not in text and name not in ("retrievers",)]
        assert not missing, (row.name, missing)
        written.add(row.name)
    assert {row.name for row in discovery.rows()} & {"bm25", "vector", "hybrid"} <= written


def test_a_config_is_written_checked_and_searched_with(retriever, notes, tmp_path):
    retriever("config", "init", "bm25(top_k=1)")
    text = (tmp_path / "retriever.toml").read_text()
    assert 'mode = "bm25"' in text and "\ntop_k = 1\n" in text and "\n# language =\n" in text
    done = retriever("config", "check")
    assert done.stdout.splitlines() == ["retriever.toml  bm25(top_k=1)", "nothing is wrong"]
    assert len(json.loads(retriever("search", "moon", notes, "-c", "retriever.toml", "--json").stdout)["hits"]) == 1
    assert "is there already" in retriever("config", "init", "bm25", code=2).stderr
    assert retriever("config", "init", "bm25(top_k=1)", "--output", "-").stdout == text
    assert "did you mean" in retriever("config", "init", "bm25(topk=1)", "--output", "b.toml", code=1).stderr
    assert not (tmp_path / "b.toml").exists()


def test_all_that_is_wrong_is_reported_at_once(retriever, tmp_path):
    (tmp_path / "bad.yaml").write_text("{mode: bm25, top: 3, other: 4, language: 5}")
    told = json.loads(retriever("config", "check", "bad.yaml", "--json", code=1).stdout)
    problems = [problem["problem"] for problem in told["problems"]]
    assert len(problems) == 3 and "'top'" in problems[0] + problems[1] and "language" in problems[2]
    (tmp_path / "bad.toml").write_text('mode = "b\x7f')
    assert "problem: " in retriever("config", "check", "bad.toml", code=1).stdout
    assert "No such file" in retriever("config", "check", "none.toml", code=1).stdout


def test_modes_that_are_not_installed_and_hostile_values(retriever, tmp_path):
    (tmp_path / "a.yaml").write_text('{mode: bm25, language: "\\e[2J"}')
    shown = retriever("config", "check", "a.yaml", code=1).stdout
    assert "\x1b" not in shown and "x1b" in shown
    (tmp_path / "b.yaml").write_text("mode: no_such_mode")
    assert "no_such_mode" in retriever("config", "check", "b.yaml", code=1).stdout
    assert "\x1b" not in retriever("config", "init", 'bm25(language="\x1b[2J")', code=1).stderr


@pytest.mark.needs("retrieverkit_vector")
@pytest.mark.needs("retrieverkit_llm")
def test_a_key_that_is_missing_is_named_and_one_that_is_there_is_not_shown(retriever, tmp_path):
    (tmp_path / "a.toml").write_text('mode = "vector"\nembedding = "openai(model=\'m\')"\n')
    assert "OPENAI_API_KEY is not set" in retriever("config", "check", "a.toml", code=1, OPENAI_API_KEY="").stdout
    done = retriever("config", "check", "a.toml", OPENAI_API_KEY="sk-very-secret")
    assert "secret" not in done.stdout + done.stderr and "nothing is wrong" in done.stdout
