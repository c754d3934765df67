"""The protocols that embedding and language models are used through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


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
        """Return one row per text, shape ``(len(texts), dimension)``, float32.

        Raises:
            ServiceError: The model cannot answer.
        """
        ...

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row per query, shape ``(len(texts), dimension)``, float32.

        Raises:
            ServiceError: The model cannot answer.
        """
        ...


@runtime_checkable
class BoundedEmbedder(Protocol):
    """What an `Embedder` may be too: it reads the beginning of a text alone, and can say of which."""

    @property
    def max_tokens(self) -> int:
        """How much of a text it reads."""
        ...

    def longer(self, texts: Sequence[str]) -> Sequence[bool]:
        """Return for each text whether it has more than `max_tokens`. Far cheaper than to embed it."""
        ...


@runtime_checkable
class MeteredEmbedder(Protocol):
    """What an `Embedder` may be too: it says what it costs to ask it. Plans and builds count on it."""

    @property
    def texts_per_call(self) -> int:
        """How many texts one request embeds; 0 for a model in this process, which costs nothing to ask."""
        ...


def texts_per_call(embedder: object) -> int | None:
    """Return how many texts one request embeds, 0 where asking costs nothing, None where that is not known."""
    if isinstance(embedder, CorpusEmbedder):
        return 0
    return embedder.texts_per_call if isinstance(embedder, MeteredEmbedder) else None


@runtime_checkable
class CorpusEmbedder(Protocol):
    """An embedding that is fitted to the texts of a corpus before it can embed anything.

    The fitted model is stored in the same generation as the vectors that it made, so that the two never part.
    """

    @property
    def fingerprint(self) -> str:
        """Names the method and its settings, without what is fitted."""
        ...

    def in_language(self, language: str) -> CorpusEmbedder:
        """Return the method for texts in ``language`` (ISO 639-1); itself where its settings name one, or need none.

        Raises:
            ConfigError: The language is not supported.
        """
        ...

    def fit(self, texts: Sequence[str], folder: Path) -> NDArray[np.float32] | None:
        """Fit the model to ``texts`` and write it into the empty ``folder``.

        Returns:
            The vectors of ``texts``, just as the model's `Embedder.embed_documents` returns them, where they came by
            fitting; else None.
        """
        ...

    def load(self, folder: Path) -> Embedder:
        """Return the model that `fit` wrote into ``folder``."""
        ...

    def outgrown(self, fitted_on: int, added: int, removed: int) -> bool:
        """Return whether the model must be fitted again.

        Args:
            fitted_on: How many texts it was fitted to.
            added: How many texts have come since and are still there.
            removed: How many of those it was fitted to have been deleted since.
        """
        ...


class EmbeddingOptions(BaseModel):
    """Base of an embedding's options: unknown options are refused, values are not coerced from other types.

    A refused value is not repeated in the error, as it may be a secret in the wrong place.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True)


class EmbeddingProvider(Protocol):
    """What a ``retrieverkit.embeddings`` entry point names.

    Attributes:
        name: The entry point's name.
        summary: One line for listings.
        options: The model of its options; it refuses unknown ones.
    """

    name: str
    summary: str
    options: type[BaseModel]

    def problem(self, options: BaseModel) -> str:
        """Return why the embedding cannot be used here; "" if it can. Cheap: loads no model.

        What to do about it stands behind a semicolon and a space, where there is something to do.
        """
        ...

    def make(self, options: BaseModel) -> Embedder | CorpusEmbedder:
        """Return the embedding.

        Raises:
            MissingServiceError: It cannot be used here.
        """
        ...


class ModelSettings(BaseModel):
    """How a language model is asked to answer; what is None is left to the model.

    Attributes:
        temperature: How far the answer may stray from the likeliest one; 0 for the least.
        max_tokens: The most tokens of the answer.
        seed: A number that makes answers repeatable where the model honours it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    temperature: float | None = 0.0
    max_tokens: int | None = None
    seed: int | None = None


DEFAULT_SETTINGS = ModelSettings()


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request to a language model. Instructions and documents are apart, so that documents cannot instruct.

    Attributes:
        system: The instructions.
        data: What they are about: the query, documents; each is a message of its own.
        schema: The model that the answer must be an instance of, or None for text.
        settings: How to answer.
        labels: Random words that stand in ``data`` and ``schema`` for this call alone, such as the labels of documents
            to choose from. A recording puts their places in for them, so that the same question is found again.
    """

    system: str
    data: tuple[str, ...] = ()
    schema: type[BaseModel] | None = None
    settings: ModelSettings = DEFAULT_SETTINGS
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call cost.

    Attributes:
        attempts: How many HTTP requests, or tries, were made for it.
        input_tokens: Tokens of the prompt, over all attempts.
        output_tokens: Tokens of the answers, over all attempts.
    """

    attempts: int = 1
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of a language model.

    Attributes:
        text: The answer in words; of a structured answer, its JSON.
        parsed: The answer as an instance of the prompt's schema, or None where it has none.
        usage: What it cost.
    """

    text: str
    parsed: BaseModel | None = None
    usage: Usage = Usage()


@runtime_checkable
class LanguageModel(Protocol):
    """Answers prompts. Implementations count each attempt with `budget.spend` before they make it."""

    @property
    def name(self) -> str:
        """The model's name, for messages and cassettes."""
        ...

    def ask(self, prompt: Prompt) -> Reply:
        """Return the model's answer.

        Raises:
            ServiceError: The model cannot answer, or not in the shape that the schema wants.
            BudgetExceededError: The caller's budget does not allow another attempt.
        """
        ...

    async def aask(self, prompt: Prompt) -> Reply:
        """As `ask`, without blocking the event loop."""
        ...


@runtime_checkable
class Reranker(Protocol):
    """Scores texts by how well they answer a query. A request counts as a call of a language model in budgets."""

    @property
    def name(self) -> str:
        """The model's name, for messages and cassettes."""
        ...

    def calls_for(self, texts: int) -> int:
        """Return how many requests it takes to score that many texts; 0 for a model in this process."""
        ...

    def rerank(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """Return a score per text, in their order: more is better.

        Raises:
            ServiceError: The model cannot answer, or not about every text.
            BudgetExceededError: The caller's budget does not allow another attempt.
        """
        ...

    async def arerank(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """As `rerank`, without blocking the event loop."""
        ...


class Services(Protocol):
    """The models that a mode may use. Every model call goes through here."""

    def embedding(self, spec: str | None = None) -> tuple[str, Embedder | CorpusEmbedder]:
        """Return an embedding and the spec that names it.

        Args:
            spec: A name with options in the syntax of mode strings, such as ``"openai(model='m')"``; None takes the
                configured one, else the one that this index was built with, else the best at hand.

        Raises:
            MissingServiceError: There is none.
            ConfigError: The spec is wrong.
        """
        ...

    def llm(self, spec: str | None = None) -> LanguageModel:
        """Return a language model.

        Args:
            spec: A name with options, as for `embedding`; None takes the configured one.

        Raises:
            MissingServiceError: There is none.
            ConfigError: The spec is wrong.
        """
        ...

    def reranker(self, spec: str) -> Reranker:
        """Return a reranking model.

        Args:
            spec: A name with options, as for `embedding`.

        Raises:
            MissingServiceError: It cannot be used here.
            ConfigError: The spec is wrong.
        """
        ...
