"""What `retriever new-plugin` is called, and where it does not write."""

import ast
import json
import tomllib

import pytest


@pytest.mark.parametrize(
    ("name", "mode", "distribution", "module"),
    [
        ("titles", "titles", "retriever-titles", "retriever_titles"),
        ("my-titles", "my_titles", "retriever-my-titles", "retriever_my_titles"),
        ("class", "class", "retriever-class", "retriever_class"),
        ("json", "json", "retriever-json", "retriever_json"),
        ("a__b_", "a__b_", "retriever-a-b", "retriever_a__b_"),
    ],
)
def test_every_part_is_named_after_the_mode(retriever, tmp_path, name, mode, distribution, module):
    told = json.loads(retriever("new-plugin", name, "--json").stdout)
    assert (told["mode"], told["distribution"], told["module"]) == (mode, distribution, module)
    folder = tmp_path / distribution
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == set(told["files"])
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == distribution
    assert project["entry-points"]["retrieverkit.modes"] == {mode: f"{module}.mode:plugin"}
    for file in folder.rglob("*.py"):
        ast.parse(file.read_text())
    assert project["license"] == "MIT"
    assert f"Copyright (c) the authors of {distribution}" in (folder / "LICENSE").read_text()
    assert f'# Repository = "https://example.com/{distribution}"' in (folder / "pyproject.toml").read_text()
    assert "dist/" in (folder / ".gitignore").read_text().splitlines()
    steps = (folder / ".github" / "workflows" / "ci.yml").read_text()
    assert "python-version: ${{ matrix.python }}" in steps and '- run: pip install ".[test]"' in steps


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "is not a mode's name"),
        ("Titles", "write 'titles'"),
        ("7up", "a letter first"),
        ("../up", "is not a mode's name"),
        ("a" * 65, "at most 64"),
        ("$mode", "write 'mode'"),
        ("null", "means a value"),
        ("fusion", "has the mode 'fusion' already"),
    ],
)
def test_names_that_cannot_be_are_refused(retriever, tmp_path, name, told):
    before = sorted(tmp_path.iterdir())
    assert told in retriever("new-plugin", name, code=1).stderr
    assert sorted(tmp_path.iterdir()) == before


def test_nothing_is_overwritten(retriever, tmp_path):
    (tmp_path / "file").write_text("kept")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").write_text("kept")
    for place in ("file", "full"):
        assert "is not an empty folder" in retriever("new-plugin", "titles", "--dir", place, code=1).stderr
    assert (tmp_path / "file").read_text() == (tmp_path / "full" / "note").read_text() == "kept"
    (tmp_path / "empty").mkdir()
    assert "cd 'in it/deep'" in retriever("new-plugin", "titles", "--dir", "in it/deep").stdout
    retriever("new-plugin", "titles", "--dir", "empty")
    assert (tmp_path / "empty" / "pyproject.toml").exists()
