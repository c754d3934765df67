"""The pages of the documentation: their code blocks, headings, links and inline code."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markdown_it import MarkdownIt
from workspace import PACKAGES, ROOT

_COMMENT = re.compile(r"<!--\s*([a-z ]+?)\s*:\s*(.+?)\s*-->", re.DOTALL)
_READER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: The first word behind the fence.
        file: The second word: where the block is written to, or "".
        code: What is in it.
        first: The line of the opening fence, from 0.
        last: The line behind the closing fence, from 0.
        marks: The comments right above it, such as ``{"not run": "it needs a network"}``.
    """

    language: str
    file: str
    code: str
    first: int
    last: int
    marks: dict[str, str]


@dataclass(frozen=True)
class Page:
    """A Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        return (self.path.relative_to(ROOT) if self.path.is_relative_to(ROOT) else self.path).as_posix()

    def __str__(self) -> str:
        return self.name

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def _tokens(self) -> list:
        return _READER.parse(self.text)

    @cached_property
    def blocks(self) -> list[Block]:
        found, marks = [], {}
        for at, token in enumerate(self._tokens):
            if token.type == "html_block":
                marks = dict(_COMMENT.findall(token.content))
            elif token.type == "table_open" and "run column" in marks:
                found.append(Block("rows", "", self._column(at, marks["run column"]), *token.map, marks))
                marks = {}
            elif token.type == "fence":
                language, _, file = token.info.strip().partition(" ")
                found.append(Block(language, file.strip(), token.content, *token.map, marks))
                marks = {}
            elif token.map is not None:
                marks = {}
        return found

    def _column(self, table: int, title: str) -> str:
        """Return the inline code of a column of a table, one line each."""
        cells, code, column = [], [], 0
        for token in self._tokens[table:]:
            if token.type == "table_close":
                break
            if token.type == "tr_open":
                cells = []
            elif token.type == "inline":
                cells.append(token)
                if token.content == title:
                    column = len(cells)
                elif len(cells) == column:
                    code += [child.content for child in token.children if child.type == "code_inline"]
        return "".join(f"{line}\n" for line in code)

    @cached_property
    def headings(self) -> list[tuple[int, str]]:
        """The level and the words of each heading."""
        pairs = zip(self._tokens, self._tokens[1:], strict=False)
        return [(int(token.tag[1]), after.content) for token, after in pairs if token.type == "heading_open"]

    @property
    def anchors(self) -> set[str]:
        """What a link to a heading ends in, by the rules of the common code hosts."""
        found: dict[str, int] = {}
        anchors = set()
        for _, words in self.headings:
            anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            anchors.add(f"{anchor}-{found[anchor]}" if anchor in found else anchor)
            found[anchor] = found.get(anchor, 0) + 1
        return anchors

    @property
    def links(self) -> list[str]:
        return [
            child.attrs["src" if child.type == "image" else "href"]
            for token in self._tokens
            for child in token.children or ()
            if child.type in ("link_open", "image")
        ]

    @property
    def examples(self) -> list[Path]:
        """The folders of docs/examples that it links to."""
        named = (re.fullmatch(r"(?:\.\./)*(?:docs/)?examples/([a-z-]+)/?", link) for link in self.links)
        return sorted({EXAMPLES / found[1] for found in named if found})

    @property
    def inline_code(self) -> list[str]:
        return [
            child.content for token in self._tokens for child in token.children or () if child.type == "code_inline"
        ]

    @property
    def prose(self) -> str:
        """All text outside code blocks, with inline code in backquotes."""
        return "\n".join(token.content for token in self._tokens if token.type == "inline")


DOCS = ROOT / "docs"
EXAMPLES = DOCS / "examples"
"""Files that pages search, each folder by itself; they are no pages."""


def _found() -> list[Page]:
    files = [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(package.folder / "README.md" for package in PACKAGES),
    ]
    return [Page(file) for file in sorted(files) if file.exists() and EXAMPLES not in file.parents]


PAGES = _found()
"""README.md, everything under docs, and the README of each package."""
