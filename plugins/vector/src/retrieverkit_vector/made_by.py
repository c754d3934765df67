"""`MadeBy`: what made the vectors of an index."""

from __future__ import annotations

from typing import NamedTuple


class MadeBy(NamedTuple):
    """What made the vectors of an index.

    Attributes:
        embedding: The fingerprint of the embedding; of one that is fitted, that of the method.
        model: The fingerprint of the model that was fitted to the corpus, "" where none was.
        probe: What the embedding gave for fixed texts, "" where that is not known, or a model was fitted.
    """

    embedding: str = ""
    model: str = ""
    probe: str = ""


UNKNOWN = MadeBy()
