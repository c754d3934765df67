"""The documentation is true: its blocks run and print what is shown, its reference is the code's, its links hold."""

import builtins
import re
from functools import cache

import docs_generate
import docs_reference
import docs_runner
import pytest
from docs_pages import DOCS, PAGES, Page
from workspace import PACKAGES, ROOT

from retrieverkit.discovery import KNOWN_MODES
from retrieverkit_core import RetrieverSpec

MOST_NOT_RUN = 5
ADRS = [page for page in PAGES if page.path.parent == DOCS / "adr" and page.path.name != "README.md"]
TO_RUN = [page for page in PAGES if any(block.language in ("python", "console") for block in page.blocks)]
OPTIONS = {
    name: set(docs_reference.mode_spec(name, distribution).options.model_fields)
    for name, distribution in docs_reference.mode_names()
}
EXAMPLES = {"titles", "always", "mine"}
"""Modes that the pages make themselves."""

each_page = pytest.mark.parametrize("page", PAGES, ids=str)


@pytest.mark.parametrize("page", TO_RUN, ids=str)
def test_the_blocks_of_a_page_run_and_print_what_is_shown(page):
    for number, text in docs_generate.run(page).items():
        block = page.blocks[number]
        shown, printed = docs_runner.masked(block.code), docs_runner.masked(text)
        assert shown == printed, f"{page}:{block.first + 1}: mend it, or run `{docs_generate.COMMAND} {page}`"


def test_few_blocks_are_not_run():
    reasons = [block.marks["not run"] for page in PAGES for block in page.blocks if "not run" in block.marks]
    assert len(reasons) <= MOST_NOT_RUN, reasons


@each_page
def test_generated_sections_are_up_to_date(page):
    assert page.text == docs_generate.with_sections(page.text), f"run `{docs_generate.COMMAND} {page}`"


def test_every_generated_section_is_on_a_page():
    used = [found["name"] for page in PAGES for found in docs_generate.SECTION.finditer(page.text)]
    assert sorted(used) == sorted(docs_reference.SECTIONS)


def test_every_error_has_its_advice_once():
    advice = Page(DOCS / "reference" / "errors.md").text.partition("## What to do")[2].partition("\n## ")[0]
    codes = re.findall(r"^\| `([a-z_]+)` \| \S", advice, flags=re.MULTILINE)
    assert codes == [error.code for error in docs_reference.error_classes()]


@each_page
def test_links_and_anchors_lead_somewhere(page):
    lost = [link for link in page.links if not leads_somewhere(link, page)]
    assert lost == []


def test_the_page_of_a_package_leads_nowhere_that_its_index_has_not():
    """The README is the package's page on an index, where a relative link is dead."""
    pages = [Page(package.folder / "README.md") for package in PACKAGES]
    relative = {str(page): [link for link in page.links if not link.startswith(("https://", "#"))] for page in pages}
    assert {page: links for page, links in relative.items() if links} == {}
    named = {name for page in pages for name in re.findall(r"`(docs/[\w/.-]+)`", page.text)}
    assert {name for name in named if not (ROOT / name).exists()} == set()


def leads_somewhere(link: str, page: Page) -> bool:
    if link.startswith("https://"):
        return True
    file, _, anchor = link.partition("#")
    target = (page.path.parent / file).resolve() if file else page.path
    return target.exists() and (not anchor or anchor in Page(target).anchors)


@each_page
def test_nothing_is_named_that_does_not_exist(page):
    errors = set(re.findall(r"`([A-Z][A-Za-z]+Error)`", page.prose))
    assert errors - {error.__name__ for error in docs_reference.error_classes()} - set(vars(builtins)) <= {
        "CancelledError"
    }
    modes = set(re.findall(r"\bmodes? `([a-z0-9_]+)`", page.prose))
    assert modes - set(KNOWN_MODES) - set(OPTIONS) <= EXAMPLES
    settings = set(re.findall(r"RETRIEVERKIT_[A-Z_]+", page.text)) | set(re.findall(r"`(--[a-z-]+)`", page.prose))
    assert {name for name in settings if not re.search(rf'"{name}["/]', sources())} == set()


@cache
def sources() -> str:
    return "\n".join(file.read_text(encoding="utf-8") for package in PACKAGES for file in package.sources)


@each_page
def test_mode_strings_in_the_words_name_real_options(page):
    calls = (text for text in page.inline_code if re.match(r"[a-z0-9_]+\((?!\.\.\.\))", text))
    known = [text for text in calls if text.partition("(")[0] in {*KNOWN_MODES, *OPTIONS}]
    assert [text for text in known if not is_real(RetrieverSpec.parse(text))] == []


def is_real(spec: RetrieverSpec) -> bool:
    """Tell whether every mode is known, and every option where the mode is installed."""
    fits = spec.mode in KNOWN_MODES if spec.mode not in OPTIONS else set(spec.options) <= OPTIONS[spec.mode]
    return fits and all(map(is_real, spec.retrievers))


@pytest.mark.parametrize("page", ADRS, ids=str)
def test_a_decision_record_follows_the_template(page):
    number = int(page.path.name[:4])
    (level, title), *sections = page.headings
    assert (level, title.partition(".")[0]) == (1, str(number))
    wanted = [(2, "Context"), (2, "Decision"), (2, "Rejected"), (2, "Consequences")]
    assert sections in (wanted, wanted[:3])
    status = r"accepted|proposed|superseded by \[\d+\]\(\d{4}-[a-z0-9-]+\.md\)"
    head, _, rest = page.text.partition("\n## Context")
    assert re.search(rf"^Date: \d{{4}}-\d\d-\d\d\. Status: ({status})\.", head, flags=re.MULTILINE)
    assert re.search(r"^- \S", rest.partition("\n## Rejected\n")[2], flags=re.MULTILINE), "no alternative is named"
    assert number == 1 + ADRS.index(page), "numbers are neither left out nor used twice"
