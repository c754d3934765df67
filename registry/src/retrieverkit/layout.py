"""What the folder of an index holds."""

from __future__ import annotations

import os
from pathlib import Path

from retrieverkit_core.errors import CorpusTooNewError, NotACorpusError

CORPUS_FILE = "corpus.sqlite"
"""The documents."""

DERIVED_FOLDER = "derived"
"""What modes derive from them."""

EMBEDDING_FILE = "embedding"
"""The name of the embedding that was chosen for the index."""

ROOTS_FOLDER = "roots"
"""Which paths were indexed, and when."""


def is_index(folder: str | os.PathLike[str]) -> bool:
    """Return whether an index is kept in ``folder``, by the header of its corpus."""
    corpus = Path(folder, CORPUS_FILE)
    if not os.path.isfile(corpus):
        return False
    from retrieverkit.corpus.schema import check_header

    try:
        check_header(corpus)
    except CorpusTooNewError:
        return True
    except (NotACorpusError, OSError):
        return False
    return True
