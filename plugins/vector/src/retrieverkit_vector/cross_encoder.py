"""``cross_encoder``: a reranker that reads the query and a text together, by sentence-transformers."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from retrieverkit_core.errors import MissingServiceError, ServiceError, shorten
from retrieverkit_core.services import EmbeddingOptions, Reranker
from retrieverkit_core.threads import offload
from retrieverkit_vector.embeddings.sentence_transformers import INSTALL


class CrossEncoderOptions(EmbeddingOptions):
    """Options of ``cross_encoder``."""

    model: str = Field(min_length=1, description="A folder, or the name of a model on the Hugging Face hub.")
    local_files_only: bool = Field(default=True, description="Never download; False lets a model be fetched by name.")


class CrossEncoderReranker:
    """Scores texts by a cross-encoder in this process. It is a `Reranker`. Of a text as much counts as the model takes.

    Args:
        model: A folder, or a name on the hub.
        local_files_only: Never download.

    Raises:
        MissingServiceError: The package or the model is missing.
    """

    def __init__(self, model: str, local_files_only: bool = True) -> None:
        self._model = _load(model, local_files_only)
        self.name = f"cross-encoder {Path(model).name if Path(model).is_dir() else model}"

    def calls_for(self, texts: int) -> int:
        """Return 0: it costs nothing to ask."""
        return 0

    def rerank(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """Return a score per text.

        Raises:
            ServiceError: The model failed.
        """
        pairs = [(_valid(query), _valid(text)) for text in texts]
        try:
            scores = self._model.predict(pairs, show_progress_bar=False) if pairs else []
            return [float(score) for score in scores]  # a model with several labels gives no single score
        except Exception as error:
            raise ServiceError(f"{self.name} failed: {shorten(repr(error), 300)}") from error

    async def arerank(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """As `rerank`, in a worker thread."""
        return await offload(self.rerank, query, texts)


class CrossEncoderProvider:
    """Provides `CrossEncoderReranker`."""

    name = "cross_encoder"
    summary = "Any cross-encoder of sentence-transformers, by its name or folder; needs torch."
    options: type[BaseModel] = CrossEncoderOptions

    def problem(self, options: BaseModel) -> str:
        """Return how to install the package, or "" if it is there. Whether the model is, shows when it is made."""
        return "" if find_spec("sentence_transformers") else f"sentence-transformers is not installed: {INSTALL}"

    def make(self, options: BaseModel) -> Reranker:
        """Return the reranker.

        Raises:
            MissingServiceError: The package or the model is missing.
        """
        assert isinstance(options, CrossEncoderOptions)
        return CrossEncoderReranker(options.model, options.local_files_only)


def _load(model: str, local_files_only: bool) -> Any:
    try:
        from sentence_transformers import CrossEncoder
    except ImportError as error:
        raise MissingServiceError(f"sentence-transformers cannot be imported: {error}", fix=INSTALL) from error
    try:
        return CrossEncoder(model, local_files_only=local_files_only, model_kwargs={"use_safetensors": True})
    except Exception as error:
        fix = "name a folder that holds the model"
        if local_files_only:
            fix += ", or set local_files_only=False to let it be downloaded"
        raise MissingServiceError(
            f"sentence-transformers cannot load {shorten(model)!r}: {shorten(repr(error), 300)}", fix=fix
        ) from error


def _valid(text: str) -> str:
    return text.encode("utf-8", "replace").decode()  # no lone surrogates


provider = CrossEncoderProvider()
