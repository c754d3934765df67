"""Made-up vectors of length 1 whose directions are of unequal weight, as those of text embeddings are."""

from pathlib import Path

import numpy as np

DIMENSION = 384
QUERIES = 500
DECAY = 0.6
CHUNK = 50_000


def write(folder: Path, count: int, seed: int = 3) -> None:
    """Write vectors.f32 and, from the same distribution, queries.f32."""
    draw = np.random.default_rng(seed)
    turn = np.linalg.qr(draw.standard_normal((DIMENSION, DIMENSION)))[0]
    basis = (np.arange(1, DIMENSION + 1)[:, None] ** -DECAY * turn).astype(np.float32)
    for name, rows in (("vectors.f32", count), ("queries.f32", QUERIES)):
        with (folder / name).open("wb") as file:
            for start in range(0, rows, CHUNK):
                part = draw.standard_normal((min(CHUNK, rows - start), DIMENSION), dtype=np.float32) @ basis
                file.write((part / np.linalg.norm(part, axis=1, keepdims=True)).tobytes())


def read(folder: Path, name: str) -> np.ndarray:
    """Return vectors.f32 or queries.f32, mapped into memory."""
    return np.memmap(folder / name, np.float32, mode="r").reshape(-1, DIMENSION)
