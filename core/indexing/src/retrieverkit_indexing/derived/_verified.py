"""Remembering between processes which files were compared with their hashes, so that the next need not read them all.

Beside a generation stands what its files looked like when every byte of them was known to be right. A file that still
looks so is not read again before the machine is started again: only then can it have lost what was written to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from uuid import uuid4

from retrieverkit_indexing.derived._files import Look, read_record, replace
from retrieverkit_indexing.derived._manifest import sealed, unsealed

VERIFIED_NAME = "VERIFIED"


def recall(folder: Path, generation: str) -> dict[str, Look]:
    """Return what the files of ``generation`` looked like when they were right, as far as that can be relied on."""
    try:
        body = unsealed(read_record(folder / VERIFIED_NAME))
        if not _boot() or (body["boot"], body["generation"]) != (_boot(), generation):
            return {}
        return {name: Look(*numbers) for name, numbers in body["looks"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def remember(folder: Path, generation: str, looks: Mapping[str, Look]) -> None:
    """Write down what the files of ``generation`` look like that are right; where that cannot be, it is not."""
    if not _boot():
        return
    body = {"boot": _boot(), "generation": generation, "looks": {name: list(seen) for name, seen in looks.items()}}
    unfinished = folder / f"tmp-{uuid4().hex}"
    try:
        replace(folder / VERIFIED_NAME, sealed(body), unfinished)
    except OSError:
        return


@cache
def _boot() -> str:
    """Return what is different after the machine was started again, or an empty string where nothing says so."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
