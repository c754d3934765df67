"""Looking at stored indexes without the plugins that made them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from retrieverkit_core.corpus import Corpus
from retrieverkit_indexing.derived._generations import CURRENT_NAME, Generations
from retrieverkit_indexing.derived._manifest import Misfit, misfits


def inspect(storage: Path, corpus: Corpus, *, hashes: bool = True) -> list[dict[str, Any]]:
    """Describe every derived index under ``storage``, changing nothing.

    Args:
        storage: The folder that a corpus's indexes live under.
        corpus: The corpus.
        hashes: Whether to compare every byte with what was written.

    Returns:
        For each index ``folder``, ``name``, ``config``, ``nodes``, ``size`` in bytes, ``behind`` (changes not yet
        applied, or None), ``rebuilds``, ``last_rebuild_reason``, and ``problems`` (why it will be rebuilt at its next
        use, one text each).
    """
    if not storage.is_dir():
        return []
    folders = sorted(entry for entry in storage.iterdir() if (entry / CURRENT_NAME).exists())
    return [_describe(folder, corpus, hashes) for folder in folders]


def _describe(folder: Path, corpus: Corpus, hashes: bool) -> dict[str, Any]:
    status: dict[str, Any] = {"folder": str(folder), "name": "", "config": "", "nodes": 0, "size": 0, "behind": None}
    status |= {"rebuilds": 0, "last_rebuild_reason": "", "problems": []}
    try:
        generation = Generations(folder, 0.0).current()
    except Misfit as misfit:
        return status | {"problems": [str(misfit)]}
    if generation is None:
        return status
    manifest = generation.manifest
    problems = misfits(manifest, generation.folder, hashes=hashes)
    if corpus.holds(manifest.cursor):
        status["behind"] = max(0, corpus.head().seq - manifest.cursor.seq)
    else:
        problems = [*problems, "the corpus's history has no such place as it was built at"]
    return status | {
        "name": manifest.index,
        "config": manifest.config,
        "nodes": manifest.nodes,
        "size": manifest.size,
        "rebuilds": manifest.rebuilds,
        "last_rebuild_reason": manifest.rebuild_reason,
        "problems": problems,
    }
