"""Specs in files."""

import os
import sys

import pytest

from retrieverkit_core.errors import ConfigError, ReadError
from retrieverkit_core.spec import RetrieverSpec

SPEC = RetrieverSpec.parse('fusion(bm25, vector(top_k=50), method="rrf")')
JSON = '{"mode": "fusion", "retrievers": ["bm25", {"mode": "vector", "top_k": 50}], "method": "rrf"}'
TOML = 'mode = "fusion"\nretrievers = ["bm25", {mode = "vector", top_k = 50}]\nmethod = "rrf"\n'
YAML = "mode: fusion\nretrievers:\n- bm25\n- {mode: vector, top_k: 50}\nmethod: rrf\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", JSON),
        ("a.JSON", "\ufeff" + JSON),
        ("a.json", '{"retriever": ' + JSON + "}"),
        ("a.json", '"fusion(bm25, vector(top_k=50), method=\\"rrf\\")"'),
        ("a.toml", TOML),
        ("a.toml", "[retriever]\n" + TOML),
        ("a.toml", "retriever = '''fusion(bm25, vector(top_k=50), method=\"rrf\")'''"),
        ("a.yaml", YAML),
        ("a.yml", "retriever:\n  " + YAML.replace("\n", "\n  ")),
        ("a.yaml", "fusion(bm25, vector(top_k=50), method='rrf')"),
        ("a.yaml", "mode: fusion\nretrievers: [bm25, {<<: &v {mode: vector}, top_k: 50}]\nmethod: rrf"),
    ],
)
def test_load(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert RetrieverSpec.load(path) == SPEC
    assert RetrieverSpec.load(str(path)) == SPEC


def test_the_key_retriever_of_a_mode_is_its_option():
    spec = RetrieverSpec.loads('{"mode": "rerank", "retriever": "bm25"}', "json")
    assert (spec.mode, spec.options) == ("rerank", {"retriever": "bm25"})


def yaml_bomb(first, repeated):
    """Each of eight lines repeats the one before it nine times."""
    lines = [f"a: &a {first}"]
    for before, name in zip("abcdefg", "bcdefgh", strict=True):
        lines.append(f"{name}: &{name} " + repeated.replace("*", ",".join([f"*{before}"] * 9)))
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("format", "text", "told"),
    [
        ("json", "{", "not json"),
        ("json", '{"mode": "bm25", "top_k": NaN}', "finite"),
        ("json", '{"mode": "bm25", "k": 1, "k": 2}', "'k' is given twice"),
        ("json", "[" * 100_000, "nested"),
        ("json", '{"mode": "bm25", "k": ' + "9" * 5_000 + "}", "not json"),
        ("json", '{"retriever": "bm25", "top_k": 20}', "beside 'retriever': top_k"),
        ("json", '{"retrievers": ["bm25"]}', "'mode' is missing"),
        ("json", "3", "describes no retriever"),
        ("toml", "mode = ", "not toml"),
        ("toml", 'mode = "bm25"\nsince = 2020-01-01', "write a date as text"),
        ("toml", "x = " + "[" * 50_000, "nested"),
        ("yaml", "mode: [", "not yaml"),
        ("yaml", "mode: bm25\nmode: vector", "given twice"),
        ("yaml", "!!python/object/apply:os.system ['true']", "not yaml"),
        ("yaml", "mode: bm25\nx: !!binary aGk=", "cannot be written"),
        ("yaml", "mode: bm25\nsince: 2020-01-01", "write a date as text"),
        ("yaml", "&a [*a]", "inside what it repeats"),
        ("yaml", "[" * 50_000, "nested"),
        ("yaml", yaml_bomb("[x]", "[*]"), "nodes"),
        ("yaml", yaml_bomb("{k: 1}", "{<<: [*]}"), "nodes"),
        ("yaml", "a: 1\n---\nb: 2", "not yaml"),
        ("yaml", "x" * 1_000_001, "1,000,000 characters"),
        ("yml", "mode: bm25", "use yaml"),
    ],
)
def test_a_text_that_describes_no_retriever(format, text, told):
    with pytest.raises(ConfigError) as caught:
        RetrieverSpec.loads(text, format)
    assert told in str(caught.value)
    assert len(str(caught.value)) < 600


def test_an_error_in_a_file_names_the_file(tmp_path):
    path = tmp_path / "search.toml"
    path.write_text('retriever = "fusion(bm25"')
    with pytest.raises(ConfigError, match=r"search\.toml.*never closed \(column 7\)"):
        RetrieverSpec.load(path)


def test_a_file_that_cannot_be_read(tmp_path):
    (tmp_path / "latin.json").write_bytes(b'{"mode": "\xff"}')
    with pytest.raises(ReadError, match="not UTF-8"):
        RetrieverSpec.load(tmp_path / "latin.json")
    with pytest.raises(ReadError, match="No such file"):
        RetrieverSpec.load(tmp_path / "none.json")
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    for name in ("folder.json", "pipe.json"):
        with pytest.raises(ReadError, match="not a regular file"):
            RetrieverSpec.load(tmp_path / name)
    with pytest.raises(ConfigError, match="unknown kind"):
        RetrieverSpec.load(tmp_path / "a.ini")


def test_yaml_without_pyyaml_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    monkeypatch.delitem(sys.modules, "retrieverkit_core.yaml_text", raising=False)
    with pytest.raises(ConfigError, match=r"pip install .retrieverkit-core\[yaml\]"):
        RetrieverSpec.loads("mode: bm25", "yaml")
    assert RetrieverSpec.loads('{"mode": "bm25"}', "json").mode == "bm25"
