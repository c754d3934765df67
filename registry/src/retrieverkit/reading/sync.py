"""What changed since the files were last read."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from retrieverkit.reading.choosing import TEXT, reader_for
from retrieverkit.reading.finding import FileListing, Skipped, find_files
from retrieverkit.reading.ignoring import FileRules
from retrieverkit.reading.loading import load
from retrieverkit_core.errors import ReadError, RetrieverKitError
from retrieverkit_core.readers import SourceFile

_FAILED = "!"

_PRUNE = "check the path; if it is gone for good, remove what was read from it: --prune, or prune=True"


@dataclass(slots=True)
class SyncPlan:
    """What to do so that an index holds what some paths hold now.

    Attributes:
        changed: Files that are new or have other content: read them, and replace all their documents.
        unchanged: Files that hold what they held: leave their documents.
        failed: Files that could not be read, or not all of them, and hold what they held then.
        gone: Sources below the paths that are no longer there: remove their documents.
        roots: The resolved form of every path that was looked at.
        skipped: What was left out by rule.
        errors: Paths that cannot be looked at, and paths that are gone whole. Documents of what lies there are kept.
    """

    changed: list[SourceFile] = field(default_factory=list)
    unchanged: list[SourceFile] = field(default_factory=list)
    failed: list[SourceFile] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    roots: frozenset[str] = frozenset()
    skipped: list[Skipped] = field(default_factory=list)
    errors: list[ReadError] = field(default_factory=list)


def plan_sync(
    previous: Mapping[str, str | None],
    paths: Iterable[str | os.PathLike[str]],
    *,
    exclude: Iterable[str | os.PathLike[str]] = (),
    base: str | os.PathLike[str] = "",
    prune: bool = False,
    retry: bool = False,
    rules: FileRules | None = None,
) -> SyncPlan:
    """Compare the files under ``paths`` with what was read before.

    Content decides, not size and time: a hash costs about a second per gigabyte and is never fooled by an edit
    within the clock's tick or by a restored time stamp.

    Args:
        previous: For every source that was ever read, anywhere, the fingerprint of the bytes it was read from, as
            `failed_before` makes it where reading it failed, or None where it has to be read again.
        paths: Files and folders to bring up to date; sources outside of them are left alone.
        exclude: Files and folders to leave out; what was read from them before is gone.
        base: The folder that paths and ids are relative to; see `find_files`.
        prune: Whether a path that does not exist any longer, or where nothing is left of all that was read there,
            takes its documents along. Without it such a path is an error and nothing of it is gone: that is how a
            disk that is not mounted looks.
        retry: Whether files that could not be read, and have not changed, are read again.
        rules: Which files of a folder are read; by default all that are not hidden or ignored.

    Returns:
        The plan.
    """
    listing = find_files(paths, exclude=exclude, base=base, rules=rules)
    plan = SyncPlan(skipped=listing.skipped, errors=list(listing.errors), roots=frozenset(listing.roots))
    for file in listing.files:
        known = previous.get(file.source)
        same = known is not None and is_same(known, fingerprint_now(file))
        failed = known is not None and known.startswith(_FAILED)
        if not same or (failed and retry):
            plan.changed.append(file)
        else:
            (plan.failed if failed else plan.unchanged).append(file)
    plan.gone, lost = _gone(previous, listing)
    plan.errors += _lost_errors(lost, listing, prune)
    if prune:
        plan.gone = sorted({*plan.gone, *(source for sources in lost.values() for source in sources)})
    return plan


def is_same(known: str, now: str | None) -> bool:
    """Return whether a file still holds what was read; one for which no encoding is said now keeps that of before."""
    known = known.removeprefix(_FAILED)
    return now is not None and now in (known, known.partition(" ")[0])


def is_whole(fingerprint: str | None) -> bool:
    """Return whether all of a file was read, by the fingerprint that is kept of it."""
    return fingerprint is not None and not fingerprint.startswith(_FAILED)


def failed_before(fingerprint: str) -> str:
    """Return the fingerprint of a file that could not be read: it is not read again until it changes."""
    return f"{_FAILED}{fingerprint}"


def fingerprint_now(file: SourceFile) -> str | None:
    """Return the fingerprint of what a file holds, or None where it cannot be read."""
    try:
        chosen = reader_for(file)
        content = load(file, known_format=chosen is not None)
    except RetrieverKitError:
        return None  # reading it will tell why
    return content.fingerprint((chosen or TEXT).identity, file.encoding)


def _gone(previous: Iterable[str], listing: FileListing) -> tuple[list[str], dict[str, list[str]]]:
    """Return the sources that are gone, and by each path that is gone whole, the sources that were read there."""
    present = {file.source for file in listing.files}
    paths = {*listing.roots, *listing.missing}
    with_files = {path for source in present for path in _containing(source, paths)}
    gone: list[str] = []
    lost: dict[str, list[str]] = {}
    for source in previous:
        if source in present or any(_containing(source, listing.unknown)):
            continue
        around = list(_containing(source, paths))
        if not with_files.isdisjoint(around) or (around and any(_containing(source, listing.excluded))):
            gone.append(source)
        else:
            for path in around:
                lost.setdefault(path, []).append(source)
    return sorted(gone), lost


def _lost_errors(lost: Mapping[str, Sequence[str]], listing: FileListing, prune: bool) -> Iterator[ReadError]:
    for path, given in listing.missing.items():
        if path not in lost:
            yield ReadError(given, "no such file or folder", fix="check the path")
        elif not prune:
            yield ReadError(given, f"no such file or folder; {_kept(lost[path])}", fix=_PRUNE)
    for path in listing.roots:
        if path in lost and not prune:
            yield ReadError(path, f"none of the files that were read here is left; {_kept(lost[path])}", fix=_PRUNE)


def _kept(sources: Sequence[str]) -> str:
    return f"what was read from {len(sources):,} file{'' if len(sources) == 1 else 's'} is kept"


def _containing(source: str, folders: Collection[str]) -> Iterator[str]:
    """Yield each of ``folders`` that ``source`` is or lies in."""
    if folders:
        yield from (place for place in (source, *map(str, PurePosixPath(source).parents)) if place in folders)
