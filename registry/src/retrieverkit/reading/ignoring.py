"""Which files of a folder are left out by name: by patterns of the caller, and by ``.gitignore`` and ``.ignore``."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieverkit.regular_files import read_regular
from retrieverkit_core.errors import ReadError, shorten

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILES = (".gitignore", ".ignore")
"""Files of patterns, in the order in which later ones win."""

MOST_BYTES = 1024 * 1024
"""An ignore file that is larger is followed up to here, and named as an error."""

_STAR = r"\[\^/\]\*"
_FIXED = r"(?:\[\^/\](?!\*)|\\.|\[\^?\]?[^\]/]*\]|[^/()\[\]\\])*"
_STAR_BEFORE_ANOTHER = re.compile(f"{_STAR}({_FIXED})(?={_STAR})")


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
        if any(found.leaves_out(named, is_folder=True) for named in around[:top]):
            return cls()  # it was named all the same
        return found

    def within(self, folder: Path, errors: list[ReadError] | None = None) -> Ignored:
        """Return what is said of what lies in ``folder``.

        Args:
            folder: The folder.
            errors: Where to add what cannot be followed.
        """
        lines: list[str] = []
        for name in IGNORE_FILES:
            try:
                data = read_regular(folder / name, MOST_BYTES + 1)
            except OSError:
                continue
            if len(data) > MOST_BYTES and errors is not None:
                problem = "larger than 1 MB: what it names after that is not left out"
                errors.append(ReadError((folder / name).as_posix(), problem, fix="make it shorter"))
            lines += data[:MOST_BYTES].decode("utf-8-sig", "replace").splitlines()
        return Ignored((*self.specs, (folder, patterns(_valid(lines))))) if lines else self

    def leaves_out(self, location: Path, is_folder: bool) -> bool:
        """Return whether it is ignored; of two files that speak of it the one that is nearer decides."""
        for folder, spec in reversed(self.specs):
            said = spec.check_file(_relative(location, folder, is_folder)).include
            if said is not None:
                return said
        return False


def patterns(lines: Sequence[str]) -> GitIgnoreSpec:
    """Return what matches the patterns of an ignore file.

    Raises:
        ValueError: One is not a pattern.
    """
    from pathspec import GitIgnoreSpec

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of a range that Python may read differently one day
        try:
            spec = GitIgnoreSpec.from_lines(lines)
        except re.error as error:
            raise ValueError(str(error)) from None
        return GitIgnoreSpec([_quick(pattern) for pattern in spec.patterns])


def _quick(pattern: Any) -> Any:
    """Return a pattern of which every star but the last of a name takes the first place where what follows fits.

    It matches the same names; with all places tried, many stars take longer than anybody waits.
    """
    from pathspec.pattern import RegexPattern

    if pattern.include is None or pattern.regex.pattern.count("[^/]*") < 2:
        return pattern
    return RegexPattern(re.compile(_STAR_BEFORE_ANOTHER.sub(r"(?>[^/]*?\1)", pattern.regex.pattern)), pattern.include)


def _valid(lines: list[str]) -> list[str]:
    """Return the lines that are patterns; the others match nothing, as for git."""
    try:
        patterns(lines)
    except ValueError:
        return [line for line in lines if _is_pattern(line)]
    return lines


def _is_pattern(line: str) -> bool:
    try:
        patterns((line,))
    except ValueError:
        return False
    return True


def matches(spec: GitIgnoreSpec, location: Path, root: Path, is_folder: bool) -> bool:
    """Return whether what lies below ``root`` matches."""
    return spec.match_file(_relative(location, root, is_folder))


def _relative(location: Path, folder: Path, is_folder: bool) -> str:
    return location.relative_to(folder).as_posix() + ("/" if is_folder else "")
