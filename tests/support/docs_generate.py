"""Writes what is generated in the documentation: reference sections from the live code, outputs from real runs.

`python tests/support/docs_generate.py` rewrites all pages; with names of pages, those. A text that differs from the one
before only in its numbers, such as a time, is left as it is.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cli_reference
import docs_runner
from docs_pages import DOCS, EXAMPLES, PAGES, Page
from docs_reference import SECTIONS
from workspace import ROOT

SECTION = re.compile(r"(<!-- generated: (?P<name>[a-z ]+) -->\n).*?(\n<!-- end of what is generated -->)", re.DOTALL)
COMMAND = "python tests/support/docs_generate.py"


def with_sections(text: str) -> str:
    """Return a page's text with each generated section as the code is now."""
    return SECTION.sub(lambda found: f"{found[1]}\n{SECTIONS[found['name']]().strip()}\n{found[3]}", text)


def run(page: Page) -> dict[int, str]:
    """Run a page in a fresh folder and a fresh process; return what its blocks printed.

    Raises:
        RuntimeError: A block did not do what the page says.
    """
    with tempfile.TemporaryDirectory(prefix="retrieverkit-docs-") as folder:
        place = Path(folder, "work")
        if page.path == ROOT / "README.md":
            shutil.copytree(DOCS, place / "docs", ignore=shutil.ignore_patterns(EXAMPLES.name))
        place.mkdir(exist_ok=True)
        for example in page.examples:
            shutil.copytree(example, place / example.name)
        done = subprocess.run(
            [sys.executable, docs_runner.__file__, str(page.path)],
            cwd=place,
            env=docs_runner.environment(Path(folder)),
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return {int(number): text for number, text in json.loads(done.stdout).items()}


def with_outputs(page: Page, printed: dict[int, str]) -> str:
    """Return a page's text with the outputs that its blocks really have."""
    lines = page.text.split("\n")
    for number, text in sorted(printed.items(), reverse=True):
        block = page.blocks[number]
        if docs_runner.masked(text) != docs_runner.masked(block.code):
            lines[block.first + 1 : block.last - 1] = text.rstrip("\n").split("\n")
    return "\n".join(lines)


def main(names: list[str]) -> None:
    """Rewrite pages: all sections first and README.md last, as it searches the other pages."""
    cli_reference.PAGE.write_text(cli_reference.page(), encoding="utf-8")
    chosen = [page for page in PAGES if not names or page.name in names]
    for page in chosen:
        page.path.write_text(with_sections(page.text), encoding="utf-8")
    for page in sorted(map(Page, [page.path for page in chosen]), key=lambda page: page.name == "README.md"):
        page.path.write_text(with_outputs(page, run(page)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
