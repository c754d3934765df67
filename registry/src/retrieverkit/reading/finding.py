"""Which files a list of paths stands for."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from retrieverkit.layout import is_index
from retrieverkit_core.errors import ReadError, shorten

IGNORED_FOLDERS = frozenset({"CVS", "_darcs", "__pycache__", "node_modules"})
"""Folders that are never walked into, besides hidden ones (which `.git`, `.hg`, `.svn` and `.venv` are)."""

_GONE = (FileNotFoundError, NotADirectoryError)
"""The only errors that say that something does not exist; all others leave it unknown."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that documents come from.

    Attributes:
        source: The resolved absolute path with forward slashes: the file's identity from one run to the next.
        path: The same below the base folder without that folder, so that it is the same on another machine. It begins
            the ids of what is read from the file, and no two files have the same.
    """

    source: str
    path: str

    @property
    def suffix(self) -> str:
        """The suffix in lower case, with its dot."""
        return Path(self.source).suffix.lower()

    @property
    def name(self) -> str:
        """The file's own name."""
        return Path(self.source).name


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
) -> FileListing:
    """List the files that ``paths`` stand for.

    A path that is named is always listed, whatever it is called and even when it is a symbolic link. Inside a
    folder, these are left out: hidden files and folders, `IGNORED_FOLDERS`, indexes, symbolic links (so there are no
    loops, nothing is read twice and nothing outside is reached), and what is neither file nor folder. An index that is
    named is an error.

    Args:
        paths: Files and folders.
        exclude: Files and folders to leave out, such as the index's own folder.
        base: The folder that `SourceFile.path` is relative to; files outside of it, or all where it is not given, have
            their absolute path.

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
        for file in _under_root(os.fspath(given), root, prefix, listing):
            if file.source not in seen:
                seen.add(file.source)
                listing.files.append(file)
    return listing


def _resolved(path: str | os.PathLike[str]) -> str:
    return Path(os.path.realpath(path)).as_posix()


def _under_root(given: str, root: Path, prefix: str, listing: FileListing) -> Iterator[SourceFile]:
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
    if is_folder:
        yield from _walk(root, prefix, listing)
    else:
        yield from _named(root, prefix, listing)


def _walk(root: Path, prefix: str, listing: FileListing) -> Iterator[SourceFile]:
    pending = [(root, True)]
    while pending:
        location, is_folder = pending.pop()
        if location.as_posix() in listing.excluded:
            listing.skipped.append(Skipped(shorten(_below(prefix, location), 200), "excluded"))
        elif is_folder:
            pending += _entries(location, prefix, listing)
        else:
            yield from _named(location, prefix, listing)


def _below(prefix: str, location: Path) -> str:
    return location.as_posix().removeprefix(prefix)


def _entries(folder: Path, prefix: str, listing: FileListing) -> list[tuple[Path, bool]]:
    """Return what in ``folder`` is to be visited, last first, and whether each is a folder."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name, reverse=True)
        os.stat(os.path.join(folder, os.curdir))  # to list a folder and to enter it are two permissions
    except _GONE:
        return []  # it went while the folder above it was walked
    except OSError as error:
        problem = f"the folder cannot be looked into: {os_problem(error)}"
        _not_known(folder, ReadError(folder.as_posix(), problem), listing)
        return []
    visited = []
    for entry in found:
        try:
            reason = _left_out(entry)
        except OSError as error:
            _not_known(folder / entry.name, ReadError(f"{folder}/{entry.name}", os_problem(error)), listing)
            continue
        if reason:
            listing.skipped.append(Skipped(shorten(_below(prefix, folder / entry.name), 200), reason))
        else:
            visited.append((folder / entry.name, entry.is_dir(follow_symlinks=False)))
    return visited


def _not_known(location: Path, error: ReadError, listing: FileListing) -> None:
    listing.errors.append(error)
    listing.unknown.add(location.as_posix())


def _left_out(entry: os.DirEntry[str]) -> str:
    if entry.name.startswith("."):
        return "hidden"
    if entry.is_symlink():
        return "symbolic link"
    if entry.is_dir(follow_symlinks=False):
        if entry.name in IGNORED_FOLDERS:
            return "ignored folder"
        return "an index" if is_index(entry) else ""
    return "" if entry.is_file(follow_symlinks=False) else "not a regular file"


def _named(location: Path, prefix: str, listing: FileListing) -> Iterator[SourceFile]:
    try:
        location.as_posix().encode("utf-8")
    except UnicodeEncodeError:
        name = os.fsencode(location).decode("utf-8", "backslashreplace")
        listing.errors.append(ReadError(name, "the file's name is not valid UTF-8", fix="rename the file"))
        return
    yield SourceFile(location.as_posix(), _below(prefix, location))


def os_problem(error: OSError) -> str:
    """Return what the system says, in lower case."""
    if isinstance(error, FileNotFoundError):
        return "no such file or folder"
    return (error.strerror or str(error)).lower()
