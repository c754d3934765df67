"""The protocols that embedding and language models are used through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydantic import BaseModel

M = TypeVar("M", bound="BaseModel")


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors. Implementations check nothing twice: callers use `embeddings.checked`."""

    @property
    def fingerprint(self) -> str:
        """Names the model so that vectors under one fingerprint can be compared with each other."""
        ...

    @property
    def dimension(self) -> int:
        """The length of every vector."""
        ...

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row a text, shape ``(len(texts), dimension)``, float32.

        Raises:
            ServiceError: The model cannot answer.
        """
        ...

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row a query, shape ``(len(texts), dimension)``, float32.

        Raises:
            ServiceError: The model cannot answer.
        """
        ...


@runtime_checkable
class LanguageModel(Protocol):
    """Completes prompts."""

    @property
    def name(self) -> str:
        """The model's name, for messages and cassettes."""
        ...

    def complete(self, prompt: str) -> str:
        """Return the model's answer to ``prompt``.

        Raises:
            ServiceError: The model cannot answer.
        """
        ...

    def structured(self, prompt: str, schema: type[M]) -> M:
        """Return the model's answer as an instance of ``schema``.

        Raises:
            ServiceError: The model cannot answer, or not in that shape.
        """
        ...

    async def acomplete(self, prompt: str) -> str:
        """As `complete`, without blocking the event loop."""
        ...

    async def astructured(self, prompt: str, schema: type[M]) -> M:
        """As `structured`, without blocking the event loop."""
        ...


class Services(Protocol):
    """The models that a mode may use. Every model call goes through here."""

    def embedding(self, name: str | None = None) -> Embedder:
        """Return the embedding model of that name, or the configured one.

        Raises:
            MissingServiceError: There is none.
        """
        ...

    def llm(self, name: str | None = None) -> LanguageModel:
        """Return the language model of that name, or the configured one.

        Raises:
            MissingServiceError: There is none.
        """
        ...
