"""What is written to a stream: styled and wrapped on a terminal, plain lines to anything else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

Part = str | tuple[str, str]
"""A text, or a text and its style."""

Branch = tuple[Sequence[Part], Sequence["Branch"]]
"""A label and what is below it."""

HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that command a terminal, turn its text around, or are none."""


def clean(text: str) -> str:
    r"""Return ``text`` with every character that could act on a terminal replaced by its escape, ``\x1b`` say."""
    return HARMFUL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


class Screen:
    """Writes to one stream. Whatever it writes is cleaned first, and no markup in it is interpreted.

    Attributes:
        terminal: Whether somebody watches.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.terminal = stream.isatty()

    @cached_property
    def console(self) -> Console:
        """The terminal."""
        from rich.console import Console

        return Console(file=self._stream, markup=False, emoji=False, highlight=False)

    @property
    def width(self) -> int:
        """The width of the terminal in columns."""
        return self.console.width

    def write(self, text: str) -> None:
        """Write ``text`` unwrapped."""
        self._stream.write(clean(text))

    def say(self, *parts: Part, lead: str = "") -> None:
        """Write a paragraph.

        Args:
            *parts: Its text. New lines are kept.
            lead: What stands in front of its first line; the others are indented as far.
        """
        texts = [_cleaned(part) for part in parts]
        if not self.terminal:
            indented = "".join(text for text, _ in texts).replace("\n", "\n" + " " * len(lead))
            self._stream.write(f"{clean(lead)}{indented}".rstrip() + "\n")
            return
        from rich.text import Text

        width = max(self.width - len(lead), 10)
        lines = Text.assemble(*texts).wrap(self.console, width, overflow="fold") or [Text()]
        for number, line in enumerate(lines):
            line.rstrip()
            self._print(Text.assemble(clean(lead) if number == 0 else " " * len(lead), line))

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[Part]]) -> None:
        """Write rows in columns."""
        cells = [[_cleaned(cell) for cell in row] for row in rows]
        if not self.terminal:
            self._plain_table([list(headers), *([text for text, _ in row] for row in cells)])
            return
        from rich.table import Table
        from rich.text import Text

        table = Table(*headers, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for column in table.columns:
            column.overflow = "fold"
        for row in cells:
            table.add_row(*(Text(text, style) for text, style in row))
        with self.console.capture() as captured:
            self.console.print(table)
        self._stream.write("".join(line.rstrip() + "\n" for line in captured.get().splitlines()))

    def tree(self, label: Sequence[Part], branches: Sequence[Branch]) -> None:
        """Write a tree; on anything but a terminal it is 80 columns wide."""
        with self.console.capture() as captured:
            self.console.print(_rich_tree((label, branches)))
        self._stream.write("".join(line.rstrip() + "\n" for line in captured.get().splitlines()))

    def _plain_table(self, rows: list[list[str]]) -> None:
        widths = [max(map(_cells, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            padded = (text + " " * (width - _cells(text)) for text, width in zip(row, widths, strict=True))
            self._stream.write("  ".join(padded).rstrip() + "\n")

    def _print(self, line: Text) -> None:
        self.console.print(line, soft_wrap=True)


def _rich_tree(branch: Branch) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    label, branches = branch
    tree = Tree(Text.assemble(*map(_cleaned, label)))
    tree.children += map(_rich_tree, branches)
    return tree


def _cleaned(part: Part) -> tuple[str, str]:
    return (clean(part), "") if isinstance(part, str) else (clean(part[0]), part[1])


def _cells(text: str) -> int:
    """Return how many columns ``text`` takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
