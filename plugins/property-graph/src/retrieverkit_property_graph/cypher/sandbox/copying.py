"""A graph as a database in a folder of its own, with the processes that answer from it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from retrieverkit_property_graph.cypher.errors import CypherWorkerError
from retrieverkit_property_graph.cypher.rows import GraphRows
from retrieverkit_property_graph.cypher.sandbox.child import GRAPH, MADE, SEPARATOR
from retrieverkit_property_graph.cypher.sandbox.folders import PrivateFolder
from retrieverkit_property_graph.cypher.sandbox.pool import Pool
from retrieverkit_property_graph.cypher.sandbox.worker import Confinement

_UNFIT = str.maketrans({SEPARATOR: " ", "\0": " "})


class Copy:
    """A throw-away copy of a graph. It goes when nobody holds it any more.

    Args:
        rows: The graph.
        confinement: What a process that reads it may take.

    Attributes:
        folder: Where it is.
        workers: The processes that answer from it.

    Raises:
        CypherWorkerError: It cannot be made.
    """

    def __init__(self, rows: GraphRows, confinement: Confinement) -> None:
        try:
            self._private = PrivateFolder()
        except OSError as error:
            raise _not_made(error) from error
        self.folder = self._private.path
        try:
            _write(rows, self.folder)
            self.workers = Pool(self.folder, confinement)
            self.workers.make()
        except OSError as error:
            self._private.remove()
            raise _not_made(error) from error
        except BaseException:
            self._private.remove()
            raise

    @property
    def whole(self) -> bool:
        """Whether its files are still there; those that tidy temporary folders may come to it too."""
        return (self.folder / MADE).exists() and (self.folder / GRAPH).exists()

    def close(self) -> None:
        """End the processes, and remove the files."""
        self.workers.close()
        self._private.remove()


def _not_made(error: OSError) -> CypherWorkerError:
    return CypherWorkerError(
        f"the copy of the graph for Cypher cannot be made: {error.strerror or type(error).__name__}",
        fix="see that there is room in the folder for temporary files (TMPDIR), and that it can be written to",
    )


def _write(rows: GraphRows, folder: Path) -> None:
    entities = ((e.id, _text(e.name), _text(e.key), *_texts(e.labels), *_texts(e.properties)) for e in rows.entities)
    relations = ((r.subject, r.object, r.id, _text(r.label), *_texts(r.properties)) for r in rows.relations)
    _write_table(folder / "Entity.csv", entities)
    _write_table(folder / "Node.csv", ((node,) for node in rows.nodes))
    _write_table(folder / "Relation.csv", relations)
    _write_table(folder / "MENTIONS.csv", rows.mentions)


def _write_table(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8", errors="replace") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)


def _text(text: str) -> str:
    return text.translate(_UNFIT) + SEPARATOR


def _texts(texts: Sequence[str]) -> tuple[int, str]:
    return len(texts), "".join(f"={_text(text)}" for text in texts) or SEPARATOR
