"""Which files a list of paths stands for."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from retrieverkit.layout import is_index
from retrieverkit.reading.ignoring import FileRules, Ignored, matches, patterns
from retrieverkit_core.errors import ReadError, shorten
from retrieverkit_core.readers import SourceFile

IGNORED_FOLDERS = frozenset({"CVS", "_darcs", "__pycache__", "node_modules"})
"""Folders that are never walked into, besides hidden ones (which `.git`, `.hg`, `.svn` and `.venv` are)."""

MARKS_OF_OTHERS = {"pyvenv.cfg": "virtual environment", "CACHEDIR.TAG": "cache"}
"""Files that say what the folder around them is for; such a folder is read only where it is named."""

NEVER_READ = frozenset({".git", ".hg", ".svn"})
"""Hidden folders that hold no files of anybody's, also where hidden ones are read."""

_GONE = (FileNotFoundError, NotADirectoryError)
"""The only errors that say that something does not exist; all others leave it unknown."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something in a folder that was left out by rule."""

    path: str
    reason: str


@dataclass(slots=True)
class FileListing:
    """What was found under some paths.

    Attributes:
        files: The files in a stable order, each once.
        roots: The resolved form of every path that was looked at.
        missing: The resolved form of every path that does not exist, by the path as it was given.
        excluded: The resolved form of what was to be left out.
        skipped: What was left out by rule.
        errors: What cannot be looked at; paths in ``missing`` are not among them.
        unknown: Resolved files and folders that could not be looked at; nothing is known of what they hold.
    """

    files: list[SourceFile] = field(default_factory=list)
    roots: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    excluded: frozenset[str] = frozenset()
    skipped: list[Skipped] = field(default_factory=list)
    errors: list[ReadError] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)


def find_files(
    paths: Iterable[str | os.PathLike[str]],
    *,
    exclude: Iterable[str | os.PathLike[str]] = (),
    base: str | os.PathLike[str] = "",
    rules: FileRules | None = None,
) -> FileListing:
    """List the files that ``paths`` stand for.

    A path that is named is always listed, whatever it is called and even when it is a symbolic link. Inside a
    folder, these are left out: hidden files and folders, what ``.gitignore`` and ``.ignore`` name, `IGNORED_FOLDERS`,
    caches and virtual environments (`MARKS_OF_OTHERS`), indexes, symbolic links (so there are no loops, nothing is read
    twice and nothing outside is reached), and what is neither file nor folder. An index that is named is an error.

    Args:
        paths: Files and folders.
        exclude: Files and folders to leave out, such as the index's own folder.
        base: The folder that `SourceFile.path` is relative to; files outside of it, or all where it is not given, have
            their absolute path.
        rules: Which files of a folder are read; by default all that are not hidden or ignored.

    Returns:
        The files sorted by path within each root, roots in the order given, and what was left out.
    """
    listing = FileListing(excluded=frozenset(_resolved(path) for path in exclude))
    prefix = f"{_resolved(base).rstrip('/')}/" if base else ""
    seen: set[str] = set()
    for given in paths:
        try:
            root = Path(_resolved(given))
        except ValueError as error:  # a NUL in the path
            listing.errors.append(ReadError(os.fspath(given), str(error), fix="check the path"))
            continue
        for file in _under_root(os.fspath(given), root, _Walk(root, prefix, listing, rules or FileRules())):
            if file.source not in seen:
                seen.add(file.source)
                listing.files.append(file)
    return listing


def _resolved(path: str | os.PathLike[str]) -> str:
    return Path(os.path.realpath(path)).as_posix()


def _under_root(given: str, root: Path, walk: _Walk) -> Iterator[SourceFile]:
    listing = walk.listing
    try:
        is_folder = stat.S_ISDIR(root.stat().st_mode)
    except _GONE:
        listing.missing[root.as_posix()] = given
        return
    except OSError as error:
        _not_known(root, ReadError(given, os_problem(error)), listing)
        return
    if is_folder and root.as_posix() not in listing.excluded and is_index(root):
        problem = "it is an index, not a folder of files"
        _not_known(
            root, ReadError(given, problem, fix=f"to search it: retriever search QUERY --index {given}"), listing
        )
        return
    listing.roots.append(root.as_posix())
    yield from walk.files() if is_folder else walk.named(root)


class _Walk:
    """Visits what lies under one path."""

    def __init__(self, root: Path, prefix: str, listing: FileListing, rules: FileRules) -> None:
        self.listing = listing
        self._root = root
        self._prefix = prefix
        self._rules = rules
        self._only = patterns(rules.only) if rules.only else None
        self._out = patterns(rules.leave_out)

    def files(self) -> Iterator[SourceFile]:
        """Yield the files of a folder."""
        pending = [(self._root, True, Ignored.above(self._root) if self._rules.ignore_files else Ignored())]
        while pending:
            location, is_folder, ignored = pending.pop()
            if location.as_posix() in self.listing.excluded:
                self._skip(location, "excluded")
            elif is_folder:
                within = ignored.within(location, self.listing.errors) if self._rules.ignore_files else ignored
                pending += [
                    (entry, entry_is_folder, within) for entry, entry_is_folder in self._entries(location, within)
                ]
            else:
                yield from self.named(location)

    def named(self, location: Path) -> Iterator[SourceFile]:
        """Yield one file."""
        try:
            location.as_posix().encode("utf-8")
        except UnicodeEncodeError:
            name = os.fsencode(location).decode("utf-8", "backslashreplace")
            error = ReadError(name, "the file's name is not valid UTF-8", fix="rename the file")
            self.listing.errors.append(error)
            return
        yield SourceFile(location.as_posix(), self._below(location), self._rules.encoding)

    def _entries(self, folder: Path, ignored: Ignored) -> list[tuple[Path, bool]]:
        """Return what in ``folder`` is to be visited, last first, and whether each is a folder."""
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name, reverse=True)
            os.stat(os.path.join(folder, os.curdir))  # to list a folder and to enter it are two permissions
        except _GONE:
            return []  # it went while the folder above it was walked
        except OSError as error:
            problem = f"the folder cannot be looked into: {os_problem(error)}"
            _not_known(folder, ReadError(folder.as_posix(), problem), self.listing)
            return []
        visited = []
        for entry in found:
            location = folder / entry.name
            try:
                reason = self._left_out(entry, location, ignored)
                if not reason:
                    visited.append((location, entry.is_dir(follow_symlinks=False)))
            except OSError as error:
                _not_known(location, ReadError(f"{folder}/{entry.name}", os_problem(error)), self.listing)
                continue
            if reason:
                self._skip(location, reason)
        return visited

    def _left_out(self, entry: os.DirEntry[str], location: Path, ignored: Ignored) -> str:
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.name.startswith(".") and (not self._rules.hidden or entry.name in NEVER_READ):
            return "hidden"
        if entry.is_symlink():
            return "symbolic link"
        if is_folder and (kind := _kind_of_others(entry)):
            return kind
        if not is_folder and not entry.is_file(follow_symlinks=False):
            return "not a regular file"
        if matches(self._out, location, self._root, is_folder):
            return "excluded"
        if not is_folder and self._only is not None and not matches(self._only, location, self._root, is_folder):
            return "no pattern names it"
        return "ignored" if ignored.leaves_out(location, is_folder) else ""

    def _skip(self, location: Path, reason: str) -> None:
        self.listing.skipped.append(Skipped(shorten(self._below(location), 200), reason))

    def _below(self, location: Path) -> str:
        return location.as_posix().removeprefix(self._prefix)


def _not_known(location: Path, error: ReadError, listing: FileListing) -> None:
    listing.errors.append(error)
    listing.unknown.add(location.as_posix())


def _kind_of_others(entry: os.DirEntry[str]) -> str:
    """Return what a folder is that holds no documents of anybody's, or an empty string."""
    if entry.name in IGNORED_FOLDERS:
        return "ignored folder"
    if is_index(entry):
        return "an index"
    return next((kind for mark, kind in MARKS_OF_OTHERS.items() if os.path.lexists(os.path.join(entry, mark))), "")


def os_problem(error: OSError) -> str:
    """Return what the system says, in lower case."""
    if isinstance(error, FileNotFoundError):
        return "no such file or folder"
    return (error.strerror or str(error)).lower()
