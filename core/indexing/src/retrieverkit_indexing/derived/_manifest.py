"""What a generation of a derived index says about itself, and how it is held against its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from retrieverkit_core.corpus import Cursor
from retrieverkit_indexing.derived._applied import Applied, Kind, Misfit, canonical_json
from retrieverkit_indexing.derived._files import FileMark, Look, look, mark_file, protect, read_record

MANIFEST_NAME = "manifest.json"
MANIFEST_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one generation was made from and consists of.

    Attributes:
        applied: What it was made from.
        files: Every file but the manifest, by its path relative to the generation's folder.
    """

    applied: Applied
    files: Mapping[str, FileMark]

    def write(self, folder: Path) -> None:
        """Write the manifest into ``folder``, with a checksum over itself."""
        applied = self.applied
        body: dict[str, Any] = {
            "format": MANIFEST_FORMAT,
            "index": applied.kind.name,
            "version": applied.kind.version,
            "config": json.loads(applied.kind.config),
            "cursor": list(applied.cursor),
            "nodes": applied.nodes,
            "files": {name: list(mark) for name, mark in self.files.items()},
            "rebuilds": applied.rebuilds,
            "rebuild_reason": applied.rebuild_reason,
        }
        (folder / MANIFEST_NAME).write_bytes(sealed(body))
        protect(folder / MANIFEST_NAME)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest in ``folder``.

        Raises:
            Misfit: It is missing, damaged, or of another format.
        """
        try:
            body = unsealed(read_record(folder / MANIFEST_NAME))
        except OSError as error:
            raise Misfit(f"its manifest cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise Misfit(f"its manifest {error}") from error
        if body["format"] != MANIFEST_FORMAT:
            raise Misfit(f"its manifest has format {body['format']}, not {MANIFEST_FORMAT}")
        applied = Applied(
            Kind(body["index"], body["version"], canonical_json(body["config"])),
            Cursor(*body["cursor"]),
            body["nodes"],
            body["rebuilds"],
            body["rebuild_reason"],
        )
        return cls(applied, {name: FileMark(*mark) for name, mark in body["files"].items()})

    @property
    def size(self) -> int:
        """The size of all files together, in bytes."""
        return sum(mark.size for mark in self.files.values())


def compare(
    manifest: Manifest, folder: Path, known: Mapping[str, Look], *, hashes: bool = True
) -> tuple[list[str], dict[str, Look]]:
    """Compare the files in ``folder`` with the manifest.

    Args:
        manifest: The manifest.
        folder: The generation's folder.
        known: What files looked like whose contents have been compared before; they are not read again.
        hashes: Whether the contents of all others are compared, or the sizes alone.

    Returns:
        What is wrong, one text per file, nothing if all is right; and what each file looked like that is right. Files
        that the manifest does not name are ignored.
    """
    found: list[str] = []
    looks: dict[str, Look] = {}
    for name, mark in manifest.files.items():
        if not _stays_inside(name):
            found.append(f"its manifest names a file outside of its folder: {name[:80]!r}")
            continue
        try:
            before = look(folder / name)
            if before.size != mark.size:
                found.append(f"{name} has {before.size} bytes, not {mark.size}")
            elif hashes and before != known.get(name) and mark_file(folder / name) != mark:
                found.append(f"{name} has other contents than were written")
            else:
                looks[name] = before
        except OSError as error:
            found.append(f"{name} cannot be read ({error.strerror})")
    return found, looks


def sealed(body: Mapping[str, Any]) -> bytes:
    """Return a record as bytes, with a checksum over itself."""
    return canonical_json({**body, "checksum": _checksum(body)}).encode()


def unsealed(data: bytes) -> dict[str, Any]:
    """Return what was sealed.

    Raises:
        ValueError: It is damaged.
    """
    try:
        body: dict[str, Any] = json.loads(data)
        stated = body.pop("checksum")
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"cannot be read ({type(error).__name__})") from error
    if stated != _checksum(body) or data != sealed(body):
        raise ValueError("has a wrong checksum")
    return body


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _checksum(body: Mapping[str, Any]) -> str:
    return hashlib.blake2b(canonical_json(body).encode(), digest_size=32).hexdigest()
