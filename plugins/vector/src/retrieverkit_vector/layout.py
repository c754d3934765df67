"""What a generation of the index consists of."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from retrieverkit_vector.fits import Fit

_LAYOUT = "layout.json"
_REMOVED = "removed.i64"
_LONGER = "longer.i64"


@dataclass(slots=True)
class GraphEntry:
    """A stored graph.

    Attributes:
        name: Its files' name.
        rows: It covers so many rows from the first.
        efforts: Pairs of a share of the rows and the effort that finds enough of the nearest among such a share of
            them; None where no effort does.
    """

    name: str
    rows: int
    efforts: list[tuple[float, int | None]]


@dataclass(slots=True)
class Layout:
    """The index's table of contents.

    Attributes:
        dimension: The length of the vectors; 0 while there is none.
        searched: The metadata fields that were embedded with a node's text.
        language: The language that a model was fitted in, "" where it needs none.
        fingerprint: The embedding's fingerprint.
        probe: The embedding's probe, "" where nothing was embedded or the model is kept with the vectors.
        model: The name of the kept model, "" where there is none.
        fits: What the kept model was fitted to, last, and the models before it that can be gone back to.
        latest: The last ordinal that the index has seen.
        segments: Name and number of rows of each segment, in order of their rows.
        graph: The graph over the first rows, if there is one.
    """

    dimension: int = 0
    searched: list[str] = field(default_factory=list)
    language: str = ""
    fingerprint: str = ""
    probe: str = ""
    model: str = ""
    fits: list[Fit] = field(default_factory=list)
    latest: int = 0
    segments: list[tuple[str, int]] = field(default_factory=list)
    graph: GraphEntry | None = None

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return what `write` stored in ``folder``."""
        stored: dict[str, Any] = json.loads((folder / _LAYOUT).read_bytes())
        layout = cls(**stored)
        layout.fits = [Fit(**fit) for fit in stored["fits"]]
        layout.segments = [(name, rows) for name, rows in stored["segments"]]
        layout.graph = GraphEntry(**stored["graph"]) if stored["graph"] else None
        return layout

    def write(self, folder: Path) -> None:
        """Store the layout in ``folder`` as a new file."""
        (folder / _LAYOUT).unlink(missing_ok=True)
        (folder / _LAYOUT).write_text(json.dumps(asdict(self)), "utf-8")


def read_removed(folder: Path) -> NDArray[np.int64]:
    """Return the ordinals of nodes whose vectors are still in a segment but no longer count."""
    return np.fromfile(folder / _REMOVED, "<i8")


def write_removed(folder: Path, ordinals: NDArray[np.int64]) -> None:
    """Store what `read_removed` returns."""
    _write_new(folder / _REMOVED, ordinals)


def read_longer(folder: Path) -> NDArray[np.int64]:
    """Return the ordinals of nodes whose texts are longer than the model reads."""
    return np.fromfile(folder / _LONGER, "<i8")


def write_longer(folder: Path, ordinals: NDArray[np.int64]) -> None:
    """Store what `read_longer` returns."""
    _write_new(folder / _LONGER, ordinals)


def _write_new(path: Path, ordinals: NDArray[np.int64]) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(ordinals.astype("<i8").tobytes())
