"""The ``minilm`` embedding by name."""

from __future__ import annotations

from importlib.util import find_spec

from pydantic import BaseModel, Field

from retrieverkit_core.errors import MissingServiceError
from retrieverkit_core.services import Embedder, EmbeddingOptions


class MiniLmOptions(EmbeddingOptions):
    """Options of ``minilm``."""

    folder: str | None = Field(
        default=None, description="Folder with model.safetensors and tokenizer.json. None: looked for on this machine."
    )


class MiniLmProvider:
    """Provides `MiniLm`."""

    name = "minilm"
    summary = "all-MiniLM-L6-v2 on numpy, without torch: English sentences, 384 dimensions, official weights only."
    options: type[BaseModel] = MiniLmOptions

    def problem(self, options: BaseModel) -> str:
        """Return what is missing here and how to get it, or "". The weights are looked for, not read."""
        from retrieverkit_vector.embeddings.minilm.weights import find_weights

        assert isinstance(options, MiniLmOptions)
        missing = _missing()
        try:
            find_weights(options.folder)
        except MissingServiceError as error:
            return f"{error.message}; {error.fix}"
        return missing

    def make(self, options: BaseModel) -> Embedder:
        """Return the embedding.

        Raises:
            MissingServiceError: A package or the official weights are missing.
        """
        from retrieverkit_vector.embeddings.minilm.weights import INSTALL, find_weights

        assert isinstance(options, MiniLmOptions)
        if missing := _missing():
            raise MissingServiceError(missing, fix=INSTALL)
        folder = find_weights(options.folder)
        from retrieverkit_vector.embeddings.minilm.embedder import MiniLm

        return MiniLm(folder)


def _missing() -> str:
    names = [name for name in ("safetensors", "tokenizers") if find_spec(name) is None]
    return f"minilm needs {' and '.join(names)}: pip install 'retrieverkit-vector[minilm]'" if names else ""


provider = MiniLmProvider()
