"""``sentence_transformers``: any model that the package of that name can run."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from retrieverkit_core.errors import MissingServiceError, ServiceError, shorten
from retrieverkit_core.services import Embedder, EmbeddingOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INSTALL = "pip install 'retrieverkit-vector[sentence-transformers]'"


class SentenceTransformersOptions(EmbeddingOptions):
    """Options of ``sentence_transformers``."""

    model: str = Field(min_length=1, description="A folder, or the name of a model on the Hugging Face hub.")
    local_files_only: bool = Field(default=True, description="Never download; False lets a model be fetched by name.")


class SentenceTransformersEmbedder:
    """Embeds texts by a sentence-transformers model, with the model's own prompts for queries and documents.

    It is an `Embedder`. Of a text as many tokens count as the model takes.

    Args:
        model: A folder, or a name on the hub.
        local_files_only: Never download.

    Raises:
        MissingServiceError: The package or the model is missing.
    """

    texts_per_call = 0
    """It costs nothing to ask."""

    def __init__(self, model: str, local_files_only: bool = True) -> None:
        self._model = _load(model, local_files_only)
        self.dimension = int(self._model.get_embedding_dimension())
        self.fingerprint = f"sentence-transformers {Path(model).name if Path(model).is_dir() else model}"

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row a text.

        Raises:
            ServiceError: The model failed.
        """
        return self._ask(self._model.encode_document, texts)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row a query.

        Raises:
            ServiceError: The model failed.
        """
        return self._ask(self._model.encode_query, texts)

    def _ask(self, encode: Any, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        if not texts:
            return np.empty((0, self.dimension), np.float32)
        valid = [text.encode("utf-8", "replace").decode() for text in texts]  # no lone surrogates
        try:
            vectors = encode(valid, show_progress_bar=False, convert_to_numpy=True)
        except Exception as error:
            raise ServiceError(f"{self.fingerprint} failed: {shorten(repr(error), 300)}") from error
        return np.asarray(vectors, np.float32)

    def __repr__(self) -> str:
        return f"SentenceTransformersEmbedder({self.fingerprint!r})"


class SentenceTransformersProvider:
    """Provides `SentenceTransformersEmbedder`."""

    name = "sentence_transformers"
    summary = "Any sentence-transformers model, by its name or folder; needs torch."
    options: type[BaseModel] = SentenceTransformersOptions

    def problem(self, options: BaseModel) -> str:
        """Return how to install the package, or "" if it is there. Whether the model is, shows when it is made."""
        if find_spec("sentence_transformers") is None:
            return f"sentence-transformers is not installed: {INSTALL}"
        return ""

    def make(self, options: BaseModel) -> Embedder:
        """Return the embedding.

        Raises:
            MissingServiceError: The package or the model is missing.
        """
        assert isinstance(options, SentenceTransformersOptions)
        return SentenceTransformersEmbedder(options.model, options.local_files_only)


def _load(model: str, local_files_only: bool) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingServiceError(f"sentence-transformers cannot be imported: {error}", fix=INSTALL) from error
    try:
        return SentenceTransformer(model, local_files_only=local_files_only, model_kwargs={"use_safetensors": True})
    except Exception as error:
        fix = "name a folder that holds the model"
        if local_files_only:
            fix += ", or set local_files_only=False to let it be downloaded"
        raise MissingServiceError(
            f"sentence-transformers cannot load {shorten(model)!r}: {shorten(repr(error), 300)}", fix=fix
        ) from error


provider = SentenceTransformersProvider()
