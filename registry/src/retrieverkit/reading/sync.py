"""What changed since the files were last read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from retrieverkit.reading.finding import FileListing, Skipped, SourceFile, find_files
from retrieverkit.reading.formats import reader_for
from retrieverkit.reading.loading import fingerprint, load
from retrieverkit_core.errors import ReadError


@dataclass(slots=True)
class SyncPlan:
    """What to do so that an index holds what some paths hold now.

    Attributes:
        changed: Files that are new or have other content: read them, and replace all their documents.
            unchanged: Files that hold what they held: leave their documents. gone: Sources below the paths
            that are no longer there: remove their documents. skipped: What was left out by rule. errors:
            Paths that cannot be looked at. Documents of what lies there are kept, as nothing is known of it.
    """

    changed: list[SourceFile] = field(default_factory=list)
    unchanged: list[SourceFile] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    errors: list[ReadError] = field(default_factory=list)


def plan_sync(
    previous: Mapping[str, str | None],
    paths: Iterable[str | os.PathLike[str]],
    *,
    exclude: Iterable[str | os.PathLike[str]] = (),
) -> SyncPlan:
    """Compare the files under ``paths`` with what was read before.

    Content decides, not size and time: a hash costs about a second a gigabyte and is never fooled by an edit
    within the clock's tick or by a restored time stamp.

    Args:
        previous: For every source that was ever read, anywhere, the fingerprint of the bytes it was read
            from, or None
            where reading it was not complete.
        paths: Files and folders to bring up to date; sources outside of them are left alone.
        exclude: Files and folders to leave out; what was read from them before is gone.

    Returns:
        The plan. A path that does not exist is an error, and all that was below it is gone.
    """
    listing = find_files(paths, exclude=exclude)
    plan = SyncPlan(skipped=listing.skipped, errors=list(listing.errors))
    for file in listing.files:
        known = previous.get(file.source)
        unchanged = known is not None and known == _fingerprint_now(file)
        (plan.unchanged if unchanged else plan.changed).append(file)
    plan.gone = _gone(previous, listing)
    return plan


def _fingerprint_now(file: SourceFile) -> str | None:
    try:
        return fingerprint(load(file, known_format=reader_for(file) is not None))
    except ReadError:
        return None  # reading it will tell why


def _gone(previous: Iterable[str], listing: FileListing) -> list[str]:
    present = {file.source for file in listing.files}
    return sorted(
        source
        for source in previous
        if source not in present and _is_below(source, listing.roots) and not _is_below(source, listing.unlisted)
    )


def _is_below(source: str, folders: Iterable[str]) -> bool:
    return any(source == folder or source.startswith(folder.rstrip("/") + "/") for folder in folders)
