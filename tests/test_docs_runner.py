"""The runner of pages notices what a page shows and does not do."""

import os

import docs_runner
import pytest
from docs_pages import Page


@pytest.fixture
def page(tmp_path, monkeypatch):
    """Makes a page of blocks: each is the text behind the opening fence."""
    monkeypatch.chdir(tmp_path)

    def page(*blocks):
        path = tmp_path / "page.md"
        path.write_text("\n".join(f"```{block}\n```\n" for block in blocks))
        return Page(path)

    return page


def test_what_is_printed_is_returned(page):
    assert docs_runner.run_page(page("python\nprint(1)", "text\n2")) == {1: "1\n"}


def test_an_output_that_is_empty_is_refused(page):
    with pytest.raises(docs_runner.BlockFailed, match="prints nothing"):
        docs_runner.run_page(page("python\n1 + 1", "text\n"))


def test_an_except_that_caught_nothing_is_refused(page):
    with pytest.raises(docs_runner.BlockFailed, match=r"page\.md:4 `except` has caught nothing"):
        docs_runner.run_page(page("python\ntry:\n    x = 1\nexcept ValueError as error:\n    print(error)"))


def test_an_except_may_catch_later_on_the_page(page):
    define = "python\ndef half(x):\n    try:\n        return 1 / x\n    except ZeroDivisionError:\n        return None"
    assert docs_runner.run_page(page(define, "python\nprint(half(0))", "text\nNone")) == {2: "None\n"}
    with pytest.raises(docs_runner.BlockFailed, match="caught nothing"):
        docs_runner.run_page(page(define, "python\nprint(half(1))", "text\n1.0"))


def test_an_error_that_is_announced_must_be_raised(page, tmp_path):
    path = tmp_path / "raises.md"
    path.write_text("<!-- raises: ValueError -->\n```python\nint(1)\n```\n")
    with pytest.raises(docs_runner.BlockFailed, match="raises no ValueError"):
        docs_runner.run_page(Page(path))


def test_commands_run_where_just_that_is_installed_which_the_page_installs(page, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", os.environ["PATH"])  # the page changes it
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "ice.txt").write_text("Ice at the inlet.")
    search = "$ retriever search ice notes --mode {} --format '{{text}}'"
    install = 'console\n$ pip install "retrieverkit[bm25]"'
    shown = docs_runner.run_page(page(install, f"console\n{search.format('bm25')}\nIce at the inlet."))
    assert shown[1].endswith("Ice at the inlet.\n")
    with pytest.raises(docs_runner.BlockFailed, match="pip install retrieverkit-vector"):
        docs_runner.run_page(page(install, f"console\n{search.format('vector')}\nIce at the inlet."))


def test_a_file_that_is_shown_is_the_one_among_the_examples(page, tmp_path, monkeypatch):
    shown = page("text\n[the mill](../examples/mill)", 'toml mill/ranks.toml\nmode = "bm25"')
    shown.path.write_text(f"[the mill](../examples/mill)\n\n{shown.path.read_text()}")
    shown = Page(shown.path)
    assert [folder.name for folder in shown.examples] == ["mill"]
    (tmp_path / "mill").mkdir()
    (tmp_path / "mill" / "ranks.toml").write_text('mode = "vector"\n')
    with pytest.raises(docs_runner.BlockFailed, match=r"is not docs/examples/mill/ranks\.toml"):
        docs_runner.run_page(shown)


ROWS = """<!-- run column: here -->
| there | here |
|---|---|
| `nowhere()` | `x = 1`, then `y = x + 1` |
| `gone()` | nothing like it |
"""


def test_the_code_in_a_column_of_a_table_is_run(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(f"{ROWS}\n```python\nprint(y)\n```\n\n```text\n2\n```\n")
    assert docs_runner.run_page(Page(path)) == {2: "2\n"}
    path.write_text(ROWS.replace("x + 1", "z + 1"))
    with pytest.raises(docs_runner.BlockFailed, match=r"page\.md:2 `y = z \+ 1`"):
        docs_runner.run_page(Page(path))
    path.write_text(ROWS.replace("column: here", "column: elsewhere"))
    with pytest.raises(docs_runner.BlockFailed, match="no code"):
        docs_runner.run_page(Page(path))


def test_how_long_a_thing_took_is_not_compared():
    assert docs_runner.masked("2 passed in 99.77s (0:01:39)") == docs_runner.masked("2 passed in 1.50s")
    assert docs_runner.masked("indexed in 5.8 ms, searched in 9 ms") == docs_runner.masked(
        "indexed in 1.2 s, searched in 0 ms"
    )
