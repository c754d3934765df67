"""The runner of pages notices what a page shows and does not do."""

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
