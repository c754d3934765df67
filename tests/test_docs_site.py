"""The documentation's site is built strictly, has every page, and asks nothing of another host."""

import re

import docs_site
import pytest
from docs_pages import DOCS

Abort = pytest.importorskip("mkdocs.exceptions", reason="mkdocs is not installed").Abort


@pytest.fixture
def one_page(tmp_path, monkeypatch):
    """Builds a site of one page with a text."""

    def build(text):
        page = tmp_path / "README.md"
        page.write_text(f"# A page\n\n{text}\n")
        monkeypatch.setattr(docs_site, "PLACES", {page: page.relative_to(tmp_path)})
        monkeypatch.setattr(docs_site, "navigation", lambda: [{"Home": "README.md"}])
        docs_site.build(tmp_path / "site")
        return (tmp_path / "site" / "index.html").read_text()

    return build


@pytest.mark.slow
def test_the_site_has_every_page_and_asks_no_other_host(tmp_path):
    docs_site.build(tmp_path)
    for place in docs_site.PLACES.values():
        folder = place.parent if place.name == "README.md" else place.with_suffix("")
        assert (tmp_path / folder / "index.html").exists()
    assert (tmp_path / "search" / "search_index.json").stat().st_size > 100_000
    for file in [*tmp_path.rglob("*.html"), *tmp_path.rglob("*.css")]:
        asked = re.findall(
            r'(?:src="|<link rel="(?:stylesheet|preconnect)"[^>]*href="|url\()https?:[^")]*', file.read_text()
        )
        assert asked == [], file


def test_what_leads_nowhere_fails_the_build(one_page):
    one_page("It leads to [itself](#a-page).")
    with pytest.raises(Abort):
        one_page("It leads [nowhere](#another-page).")


def test_a_page_is_fitted_to_the_site():
    text = "[tests](../../tests/test_docs.py), [kit](../../contrib/testkit/README.md#checks), [all](../README.md)\n"
    fitted = docs_site.for_the_site(f"{text}\n```toml a/b.toml\n[x](y.md)\n```\n", DOCS / "how-to" / "grep.md")
    assert fitted.splitlines() == [
        "tests, [kit](../packages/retrieverkit-testkit.md#checks), [all](../README.md)",
        "",
        '```toml title="a/b.toml"',
        "[x](y.md)",
        "```",
    ]
