"""Builds the documentation's site: `python tests/support/docs_site.py FOLDER`.

The pages are those of docs/, which also work on a code host, and the READMEs of the packages. On the way to the site:

- a link to something that is on no page, such as a test, becomes its words;
- the file name behind a fence becomes the block's title.

MkDocs refuses, as `strict` is set, a link or an anchor that leads nowhere and a page that the navigation lacks.
"""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from docs_needs import how_tos, of_folder
from docs_pages import DOCS, Page
from workspace import PACKAGES, ROOT

_LINK = re.compile(r"\[([^\[\]]+)\]\(([^()\s]+)\)")
_FENCE_WITH_FILE = re.compile(r"^```(\w+) +([^\s`]+)$", re.MULTILINE)
_LEFT_OUT = DOCS / "examples"
_STYLE = "site.css"

PLACES = {
    **{page: page.relative_to(DOCS) for page in DOCS.rglob("*.md") if not page.is_relative_to(_LEFT_OUT)},
    **{package.folder / "README.md": Path("packages", f"{package.name}.md") for package in PACKAGES},
}
"""Where each page is on the site."""


def navigation() -> list:
    """Return the pages of the site, by need."""
    packages = [{package.name: PLACES[package.folder / "README.md"].as_posix()} for package in PACKAGES]
    return [
        {"Home": "README.md"},
        {"Tutorial": entries(of_folder("tutorial"))},
        {"How-to": [{need: entries(found)} for need, found in how_tos().items() if found]},
        {"Explanation": entries(of_folder("explanation"))},
        {"Reference": [*entries(of_folder("reference")), {"Packages": packages}]},
        {"Decisions": [{"The form": "adr/README.md"}, *entries(of_folder("adr"))]},
    ]


def entries(pages: list[Page]) -> list[dict[str, str]]:
    return [{page.headings[0][1].replace("`", ""): PLACES[page.path].as_posix()} for page in pages]


def for_the_site(text: str, page: Path) -> str:
    """Return a page's text with links and fences as the site has them."""

    def link(found: re.Match) -> str:
        words, target = found.groups()
        if target.startswith(("https://", "#")):
            return found[0]
        file, hash_sign, anchor = target.partition("#")
        place = PLACES.get((page.parent / file).resolve())
        if place is None:
            return words
        return f"[{words}]({Path(os.path.relpath(place, PLACES[page].parent)).as_posix()}{hash_sign}{anchor})"

    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    parts[::2] = [_LINK.sub(link, part) for part in parts[::2]]
    return _FENCE_WITH_FILE.sub(r'```\1 title="\2"', "".join(parts))


def build(site: Path) -> None:
    """Build the site into a folder, which is emptied before.

    Raises:
        mkdocs.exceptions.Abort: A link leads nowhere, or a page is not in the navigation.
    """
    os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    with tempfile.TemporaryDirectory(prefix="retrieverkit-site-") as folder:
        for page, place in PLACES.items():
            target = Path(folder, place)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(for_the_site(page.read_text(encoding="utf-8"), page), encoding="utf-8")
        shutil.copy(DOCS / _STYLE, folder)
        shutil.rmtree(site, ignore_errors=True)
        build(load_config(str(ROOT / "mkdocs.yml"), docs_dir=folder, site_dir=str(site), nav=navigation()))


if __name__ == "__main__":
    build(Path(sys.argv[1]).resolve())
