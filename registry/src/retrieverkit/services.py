"""The embedding and language models of one index."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieverkit.asked_models import Asked, asked_object, asked_spec
from retrieverkit.cassettes import current
from retrieverkit.discovery import EMBEDDINGS, LLMS, RERANKERS, Discovery, validated_options
from retrieverkit.layout import EMBEDDING_FILE
from retrieverkit.regular_files import read_regular, write_whole
from retrieverkit_core.errors import ConfigError, MissingServiceError, PluginError
from retrieverkit_core.services import CorpusEmbedder, Embedder, LanguageModel, Reranker
from retrieverkit_core.spec import RetrieverSpec

if TYPE_CHECKING:
    from pydantic import BaseModel

EMBEDDING, LLM = "RETRIEVERKIT_EMBEDDING", "RETRIEVERKIT_LLM"
"""Environment variables that name the models of indexes that are opened without naming any."""

_BY_PREFERENCE = ("minilm", "lsa")
"""What an index without a configured embedding gets: the first of these that can be used when it is first needed."""


class IndexServices:
    """The models that the modes of one index use; each is made once.

    Args:
        discovery: Where providers are found.
        folder: The index's folder, which remembers the embedding that was chosen for it.
        embedding: The configured embedding: a spec, a model, or None for what the environment says.
        llm: The configured language model: a spec, a model, or None for what the environment says.
        read_only: Write nothing to the folder.
    """

    def __init__(
        self,
        discovery: Discovery,
        folder: Path,
        embedding: str | Embedder | CorpusEmbedder | None = None,
        llm: str | LanguageModel | None = None,
        *,
        read_only: bool = False,
    ) -> None:
        self._discovery = discovery
        self._memory = folder / EMBEDDING_FILE
        self._embedding = embedding
        self._llm = llm
        self._read_only = read_only
        self._made: dict[tuple[str, str], Any] = {}
        self._asked: dict[tuple[str, str], Any] = {}
        self._turns: dict[tuple[str, str], threading.Lock] = {}
        self._choice = threading.Lock()

    def embedding(self, spec: str | None = None) -> tuple[str, Embedder | CorpusEmbedder]:
        """Return an embedding and the spec that names it; see `retrieverkit_core.services.Services`."""
        configured = self._embedding
        if spec is None and configured is not None and not isinstance(configured, str):
            return f"object:{configured.fingerprint}", asked_object(configured, "embedding")
        wanted = spec
        if spec is None:
            named = configured if isinstance(configured, str) else os.environ.get(EMBEDDING)
            wanted = named or self._chosen()
        assert wanted is not None
        named = str(RetrieverSpec.parse(wanted))
        found = self._model(EMBEDDINGS, "embedding", wanted, named)
        _note_default("embedding", named, spec)
        return named, found

    def llm(self, spec: str | None = None) -> LanguageModel:
        """Return a language model; see `retrieverkit_core.services.Services`."""
        wanted = spec or self._llm or os.environ.get(LLM) or _recorded_default("llm")
        if wanted is None:
            raise MissingServiceError(
                "a language model is needed and none is configured",
                fix=f"pass llm= to Index.open or set {LLM}, for example to openai(model='…')",
            )
        model: LanguageModel
        if isinstance(wanted, str):
            named = str(RetrieverSpec.parse(wanted))
            model = self._model(LLMS, "llm", wanted, named)
            _note_default("llm", named, spec)
        else:
            model = asked_object(wanted, "llm")
        return model

    def reranker(self, spec: str) -> Reranker:
        """Return a reranking model; see `retrieverkit_core.services.Services`."""
        from retrieverkit.asked_models.reranking import AskedReranker, AsLanguageModel

        named = str(RetrieverSpec.parse(spec))
        found = self._asked.get((RERANKERS, named))
        if found is None:
            made = asked_spec("llm", named, lambda: AsLanguageModel(self._make(RERANKERS, spec)))
            found = self._asked.setdefault((RERANKERS, named), made)
        found.note()
        return AskedReranker(found)

    def embedding_to_keep(self, spec: str) -> str:
        """Return how the index would be told of its embedding.

        Args:
            spec: The embedding: a name with options, such as ``"openai(model='text-embedding-3-small')"``.

        Raises:
            ConfigError: It is not an embedding, or the index or the environment names another one.
            MissingServiceError: It cannot be used here.
        """
        named = str(RetrieverSpec.parse(spec))
        provider, options = self._provider(EMBEDDINGS, spec)
        if problem := provider.problem(options):
            raise MissingServiceError(f"{spec} cannot be used: {problem}")
        there = self._remembered()
        if there is not None and str(RetrieverSpec.parse(there)) != named:
            raise ConfigError(
                f"the index {self._memory.parent} has the embedding {there}, not {named}",
                fix=f"make another index with it, or remove {self._memory} and run this again: all is embedded again",
            )
        variable = os.environ.get(EMBEDDING)
        if variable and str(RetrieverSpec.parse(variable)) != named:
            raise ConfigError(
                f"{EMBEDDING} names the embedding {variable}, which is used in place of what an index keeps",
                fix=f"unset {EMBEDDING}",
            )
        return named if named.endswith(")") else f"{named}()"  # brackets: it was named, see `forget_embedding`

    def keep_embedding(self, spec: str) -> None:
        """Make an embedding that of the index, for every process that opens it without naming one.

        Args:
            spec: As for `embedding_to_keep`.

        Raises:
            ConfigError: It is not an embedding, or the index or the environment names another one.
            MissingServiceError: It cannot be used here.
            OSError: The folder cannot be written.
        """
        with self._choice:
            self._write(self.embedding_to_keep(spec))

    def forget_embedding(self) -> None:
        """Let the next use choose an embedding again, unless one was named for the index."""
        try:
            named = self._remembered() not in (None, *_BY_PREFERENCE)
        except ConfigError:
            named = False
        if not named:
            self._memory.unlink(missing_ok=True)

    def _model(self, group: str, kind: str, spec: str, named: str) -> Any:
        """Return the model of a spec as modes have it: always the same one."""
        found = self._asked.get((group, named))
        if found is None:
            made = asked_spec(kind, named, lambda: self._make(group, spec))
            found = self._asked.setdefault((group, named), made)
        if isinstance(found, Asked):
            found.note()
        return found

    def _make(self, group: str, spec: str) -> Any:
        wanted = (group, spec)
        with self._turns.setdefault(wanted, threading.Lock()):  # a lock per model: one that loads holds up no other
            if wanted not in self._made:
                provider, options = self._provider(group, spec)
                problem = provider.problem(options)
                if problem:
                    reason, _, remedy = problem.partition("; ")
                    raise MissingServiceError(f"{spec} cannot be used: {reason}", fix=remedy)
                self._made[wanted] = provider.make(options)
        return self._made[wanted]

    def _provider(self, group: str, spec: str) -> tuple[Any, BaseModel]:
        parsed = RetrieverSpec.parse(spec)
        provider: Any = self._discovery.load(group, parsed.mode, parsed.provider)
        return provider, validated_options(provider, parsed)

    def _chosen(self) -> str:
        with self._choice:
            return self._remembered() or _recorded_default("embedding") or self._best()

    def _remembered(self) -> str | None:
        try:
            return read_regular(self._memory).decode("utf-8").strip() or None
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{self._memory}, which names the embedding of the index, cannot be read: {error}",
                fix="remove it: the index chooses an embedding again",
            ) from error

    def _best(self) -> str:
        problems = []
        for name in _BY_PREFERENCE:
            try:
                provider, options = self._provider(EMBEDDINGS, name)
                problem = provider.problem(options)
            except (ConfigError, PluginError) as error:
                problem = error.message
            if not problem:
                self._remember(name)
                return name
            problems.append(f"{name}: {problem}")
        raise MissingServiceError(
            f"no embedding can be used ({'; '.join(problems)})", fix="pip install 'retrieverkit[hybrid]'"
        )

    def _remember(self, name: str) -> None:
        """Keep the choice, so that a model that is installed later does not change what the index answers."""
        if self._read_only:
            return
        with suppress(OSError):  # a folder that can only be read: each process chooses, and says which
            self._write(name)

    def _write(self, name: str) -> None:
        write_whole(self._memory, name + "\n")


def _recorded_default(kind: str) -> str | None:
    """Return the model that the cassette that is played was recorded with where none was named."""
    tape = current()
    return None if tape is None else tape.default(kind)


def _note_default(kind: str, named: str, asked: str | None) -> None:
    tape = current()
    if tape is not None and asked is None:
        tape.note_default(kind, named)
