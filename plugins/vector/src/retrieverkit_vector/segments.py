"""Segments: vectors, their lengths and their nodes' ordinals, in files that never change.

``<name>.f32`` holds the vectors, ``<name>.len`` their lengths as float32, ``<name>.i64`` the ordinals; all
little-endian and without a header. A large file of vectors is mapped into memory, so that processes share it; a small
one is read.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np

from retrieverkit_vector.halves import Halves

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAPPED_FROM = 64 << 20
"""Bytes."""

Batch = tuple["NDArray[np.int64]", "NDArray[np.float32]"]
"""Ordinals and their vectors, one per row."""


class Segment:
    """The vectors of some nodes.

    Args:
        folder: The folder that `write_segment` wrote into.
        name: The segment's name.
        dimension: The length of each vector.
    """

    def __init__(self, folder: Path, name: str, dimension: int) -> None:
        self.name = name
        self.ordinals: NDArray[np.int64] = np.fromfile(folder / f"{name}.i64", "<i8")
        self.lengths: NDArray[np.float32] = np.fromfile(folder / f"{name}.len", "<f4")
        self.vectors: NDArray[np.float32] = _vectors(folder / f"{name}.f32").reshape(len(self.ordinals), dimension)
        self.halves = Halves(self.vectors, self.lengths)

    def __len__(self) -> int:
        return len(self.ordinals)


def _vectors(path: Path) -> NDArray[np.float32]:
    if path.stat().st_size < MAPPED_FROM:
        return np.fromfile(path, "<f4")
    with path.open("rb") as file:
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), "<f4")


def write_segment(folder: Path, batches: Iterable[Batch]) -> tuple[str, int] | None:
    """Write a segment; vectors without a direction are left out.

    Args:
        folder: Where to write.
        batches: Checked vectors by ordinal.

    Returns:
        The segment's name and how many rows it has, or None where there is nothing to write.
    """
    name, count = uuid4().hex, 0
    paths = [folder / f"{name}.{suffix}" for suffix in ("f32", "len", "i64")]
    with paths[0].open("wb") as vectors_file, paths[1].open("wb") as lengths_file, paths[2].open("wb") as ordinals_file:
        for ordinals, vectors in batches:
            lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
            kept = lengths > 0
            if not kept.all():
                ordinals, vectors, lengths = ordinals[kept], vectors[kept], lengths[kept]
            vectors_file.write(vectors.astype("<f4", copy=False).tobytes())
            lengths_file.write(lengths.astype("<f4").tobytes())
            ordinals_file.write(ordinals.astype("<i8", copy=False).tobytes())
            count += len(ordinals)
    if not count:
        for path in paths:
            path.unlink()
        return None
    return name, count


def remove_segment(folder: Path, name: str) -> None:
    """Remove a segment's files from ``folder``."""
    for suffix in ("f32", "len", "i64"):
        (folder / f"{name}.{suffix}").unlink()
