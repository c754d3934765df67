"""Which files of a folder are left out by name: by patterns of the caller, and by ``.gitignore`` and ``.ignore``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from retrieverkit.regular_files import read_regular
from retrieverkit_core.errors import shorten

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILES = (".gitignore", ".ignore")
"""Files of patterns, in the order in which later ones win."""

_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileRules:
    """Which files below a folder are read, and how. What is named itself is always read.

    Attributes:
        only: Patterns as in ``.gitignore``; a file must match one where there are any.
        leave_out: Patterns of files and folders to leave out.
        hidden: Whether hidden files and folders are read too.
        ignore_files: Whether ``.gitignore`` and ``.ignore`` are followed.
        encoding: What text is read as that says no encoding and is not UTF-8; None where it is refused.
    """

    only: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    hidden: bool = False
    ignore_files: bool = True
    encoding: str | None = None

    @classmethod
    def of(
        cls,
        only: Iterable[str] = (),
        leave_out: Iterable[str] = (),
        *,
        hidden: bool = False,
        ignore_files: bool = True,
        encoding: str | None = None,
    ) -> FileRules:
        """Return rules that can be followed.

        Raises:
            ValueError: A pattern is none, or the encoding is none of a text.
        """
        rules = cls(tuple(only), tuple(leave_out), hidden, ignore_files, encoding)
        for pattern in (*rules.only, *rules.leave_out):
            try:
                patterns((pattern,))
            except ValueError:
                raise ValueError(f"{shorten(pattern)!r} is not a pattern of files") from None
        if encoding is not None:
            try:
                b" ".decode(encoding)
            except UnicodeDecodeError:
                pass  # one byte is no text in it
            except (LookupError, ValueError):
                raise ValueError(f"{shorten(encoding)!r} is not an encoding of text") from None
        return rules


@dataclass(frozen=True, slots=True)
class Ignored:
    """What the ignore files from some folder down to another say."""

    specs: tuple[tuple[Path, GitIgnoreSpec], ...] = field(default=())

    @classmethod
    def above(cls, folder: Path) -> Ignored:
        """Return what the folders around ``folder`` say, up to that of the repository; nothing outside of one."""
        around = [folder, *folder.parents]
        top = next((at for at, parent in enumerate(around) if (parent / ".git").exists()), 0)
        found = cls()
        for parent in reversed(around[1 : top + 1]):
            found = found.within(parent)
        return found

    def within(self, folder: Path) -> Ignored:
        """Return what is said of what lies in ``folder``."""
        lines: list[str] = []
        for name in IGNORE_FILES:
            try:
                lines += read_regular(folder / name, _MOST_BYTES).decode("utf-8", "replace").splitlines()
            except OSError:
                continue
        return Ignored((*self.specs, (folder, patterns(lines)))) if lines else self

    def leaves_out(self, location: Path, is_folder: bool) -> bool:
        """Return whether it is ignored; of two files that speak of it the one that is nearer decides."""
        for folder, spec in reversed(self.specs):
            said = spec.check_file(_relative(location, folder, is_folder)).include
            if said is not None:
                return said
        return False


def patterns(lines: list[str] | tuple[str, ...]) -> GitIgnoreSpec:
    """Return what matches the patterns of an ignore file.

    Raises:
        ValueError: One is not a pattern.
    """
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(lines)


def matches(spec: GitIgnoreSpec, location: Path, root: Path, is_folder: bool) -> bool:
    """Return whether what lies below ``root`` matches."""
    return spec.match_file(_relative(location, root, is_folder))


def _relative(location: Path, folder: Path, is_folder: bool) -> str:
    return location.relative_to(folder).as_posix() + ("/" if is_folder else "")
