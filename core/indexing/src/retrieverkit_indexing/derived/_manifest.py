"""What a generation of a derived index says about itself, and how it is held against its files."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from retrieverkit_core.corpus import Cursor

MANIFEST_NAME = "manifest.json"
MANIFEST_FORMAT = 1


class Misfit(Exception):
    """What is stored cannot be used; the text says why. Never leaves this package."""


class FileMark(NamedTuple):
    """The size of a file in bytes and the hex BLAKE2b of its contents."""

    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one generation was made from and consists of.

    Attributes:
        index: The name of the kind of index.
        version: The version of that kind's files.
        config: The settings it was built with, as canonical JSON.
        cursor: The place in the corpus's log up to which it has applied every change.
        nodes: How many nodes it covers.
        files: Every file but the manifest, by its path relative to the generation's folder.
        rebuilds: How many times a misfit made it be built anew, as far as is known.
        rebuild_reason: Why the last of these was necessary, or an empty string.
    """

    index: str
    version: int
    config: str
    cursor: Cursor
    nodes: int
    files: Mapping[str, FileMark] = field(default_factory=dict)
    rebuilds: int = 0
    rebuild_reason: str = ""

    def write(self, folder: Path) -> None:
        """Write the manifest into ``folder``, with a checksum over itself."""
        body: dict[str, Any] = {
            "format": MANIFEST_FORMAT,
            "index": self.index,
            "version": self.version,
            "config": json.loads(self.config),
            "cursor": list(self.cursor),
            "nodes": self.nodes,
            "files": {name: list(mark) for name, mark in self.files.items()},
            "rebuilds": self.rebuilds,
            "rebuild_reason": self.rebuild_reason,
        }
        body["checksum"] = _checksum(body)
        (folder / MANIFEST_NAME).write_text(canonical_json(body), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest in ``folder``.

        Raises:
            Misfit: It is missing, damaged, or of another format.
        """
        try:
            body = json.loads((folder / MANIFEST_NAME).read_bytes())
            stated = body.pop("checksum")
        except (OSError, ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
            raise Misfit(f"its manifest cannot be read ({type(error).__name__})") from error
        if stated != _checksum(body):
            raise Misfit("its manifest's checksum is wrong")
        if body["format"] != MANIFEST_FORMAT:
            raise Misfit(f"its manifest has format {body['format']}, not {MANIFEST_FORMAT}")
        return cls(
            index=body["index"],
            version=body["version"],
            config=canonical_json(body["config"]),
            cursor=Cursor(*body["cursor"]),
            nodes=body["nodes"],
            files={name: FileMark(*mark) for name, mark in body["files"].items()},
            rebuilds=body["rebuilds"],
            rebuild_reason=body["rebuild_reason"],
        )

    @property
    def size(self) -> int:
        """The size of all files together, in bytes."""
        return sum(mark.size for mark in self.files.values())


def canonical_json(value: object) -> str:
    """Return ``value`` as JSON that is equal for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def mark_file(path: Path) -> FileMark:
    """Read the file and return its size and hash."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).hexdigest()
        return FileMark(os.fstat(file.fileno()).st_size, digest)


def misfits(manifest: Manifest, folder: Path, *, hashes: bool) -> list[str]:
    """Compare the files in ``folder`` with the manifest; with ``hashes``, their contents too.

    Returns:
        What is wrong, one text a file; nothing if all is right. Files that the manifest does not name are
        ignored.
    """
    found = []
    for name, mark in manifest.files.items():
        if not _stays_inside(name):
            found.append(f"its manifest names a file outside of its folder: {name[:80]!r}")
            continue
        try:
            size = (folder / name).stat().st_size
            if size != mark.size:
                found.append(f"{name} has {size} bytes, not {mark.size}")
            elif hashes and mark_file(folder / name) != mark:
                found.append(f"{name} has other contents than were written")
        except OSError as error:
            found.append(f"{name} cannot be read ({error.strerror})")
    return found


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _checksum(body: Mapping[str, Any]) -> str:
    return hashlib.blake2b(canonical_json(body).encode(), digest_size=32).hexdigest()
