"""`AskedEmbedder`: an embedding whose calls are recorded, replayed and traced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING, Any

from retrieverkit.asked_models.asked import Asked
from retrieverkit.asked_models.calls import LiveCall, pay, reported, unheard
from retrieverkit.asked_models.errors import error_of
from retrieverkit.cassettes import Cassette, current
from retrieverkit.cassettes.questions import DOCUMENT, LONGER, QUERY, Question, of_text
from retrieverkit_core import budget
from retrieverkit_core.budget import limited
from retrieverkit_core.errors import NotRecordedError
from retrieverkit_core.vectors import as_texts, checked, from_texts
from retrieverkit_indexing.embeddings import PROBE_TEXTS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from retrieverkit.cassettes.cassette import Answer


class AskedEmbedder(Asked):
    """An `Embedder` whose calls are recorded, replayed and traced.

    An index compares the vectors of `PROBE_TEXTS` once per process. Where that was before a recording, they are put on
    the cassette all the same: the process that replays it compares them too.
    """

    _probes: NDArray[np.float32] | None = None

    @property
    def fingerprint(self) -> str:
        """The model's fingerprint."""
        known = self._known("embedding")
        return str(self._model.fingerprint if known is None else known["fingerprint"])

    @property
    def dimension(self) -> int:
        """The length of every vector.

        Raises:
            NotRecordedError: A cassette is replayed that does not know it.
        """
        return int(self._facts()["dimension"])

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row per text, see `Embedder.embed_documents`.

        Raises:
            NotRecordedError: A cassette is replayed that does not hold a text.
        """
        if unheard():
            rows: NDArray[np.float32] = self._model.embed_documents(texts)
            if tuple(texts) == PROBE_TEXTS:
                self._probes = checked(rows, len(texts), self._model.dimension, allow_zero=True)
            return rows
        return self._embedded(DOCUMENT, texts, lambda some: self._model.embed_documents(some))

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row per query, see `Embedder.embed_queries`.

        Raises:
            NotRecordedError: A cassette is replayed that does not hold a text.
        """
        if unheard():
            rows: NDArray[np.float32] = self._model.embed_queries(texts)
            return rows
        return self._embedded(QUERY, texts, lambda some: self._model.embed_queries(some))

    def _embedded(
        self, kind: str, texts: Sequence[str], ask: Callable[[Sequence[str]], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        def answer(some: Sequence[str]) -> list[str]:
            rows = ask(some)  # before the dimension: a remote model that is asked for that alone would be paid for it
            return as_texts(checked(rows, len(some), self._model.dimension, allow_zero=True))

        self._noted(current(), {})
        given = self._answers(kind, texts, answer) if texts else []
        return from_texts(given, self.dimension)

    def _answers(self, kind: str, texts: Sequence[str], ask: Callable[[Sequence[str]], Sequence[Any]]) -> list[Any]:
        """Return an answer per text: from the cassette that is played, the rest by one call."""
        tape, name = current(), self.fingerprint
        questions = [of_text(name, kind, text) for text in texts]
        started = perf_counter()
        played = self._played(tape, questions, kind)
        failed = next((answer for answer in played if answer is not None and answer.error is not None), None)
        missing = dict.fromkeys(text for text, answer in zip(texts, played, strict=True) if answer is None)
        if len(missing) < len(texts):
            calls = {id(answer.call): answer.spent for answer in played if answer is not None}
            attempts = sum(spent.get("embedding_calls", 0) for spent in calls.values())
            facts = {"texts": len(texts) - len(missing), "replayed": True}
            error = None if failed is None else failed.error
            reported(name, facts, attempts, 0, perf_counter() - started, error)
        if failed is not None and failed.error is not None:
            raise error_of(failed.error)
        fresh: dict[str, Any] = {}
        if missing:
            asked = list(missing)
            live = LiveCall(tape, [of_text(name, kind, text) for text in asked], name, {"texts": len(asked)})
            with live:
                fresh = dict(zip(asked, ask(asked), strict=True))
            live.answered([fresh[text] for text in asked])
        return [fresh[text] if answer is None else answer.given for text, answer in zip(texts, played, strict=True)]

    def _played(self, tape: Cassette | None, questions: Sequence[Question], kind: str) -> list[Answer | None]:
        if tape is None:
            return [None] * len(questions)
        try:
            return tape.play(questions, self.fingerprint, pay)
        except NotRecordedError as error:
            size = self._of("texts_per_call")
            if kind != LONGER and size != 0:  # a run that had spent its budget ended here without asking
                budget.check(embedding_calls=-(-len(questions) // size) if size else 1)
            tape.missing.append(error)
            raise

    def note(self) -> None:
        """Put what is known of the model on the cassette that is recorded: a run that asks nothing is replayed too."""
        self._noted(current(), {})

    def _facts(self) -> dict[str, Any]:
        """Return what is known of the model, from the cassette that is played, or the model itself."""
        tape = current()
        known = self._known("embedding")
        if known is not None and tape is not None and "dimension" in known:
            if known.get("spent"):
                tape.pay_once(self._spec, known["spent"])
            return known
        if tape is not None and not tape.records and self._of("texts_per_call") != 0:
            error = NotRecordedError(tape.path, self.fingerprint)
            tape.missing.append(error)
            raise error
        with limited(None) as account:
            facts: dict[str, Any] = {"dimension": self._model.dimension}
        if account.spent:
            facts["spent"] = {"embedding_calls": account.spent.embedding_calls}
        self._noted(tape, facts)
        return facts

    def _noted(self, tape: Cassette | None, facts: Mapping[str, Any]) -> None:
        """Put what is known of the model on the cassette, and its probes."""
        if tape is None or not tape.records:
            return
        said: dict[str, Any] = {name: value for name in _OPTIONAL if (value := self._of(name)) is not None}
        if self._probes is not None:
            said["dimension"] = self._probes.shape[1]
            probes = [of_text(self.fingerprint, DOCUMENT, text) for text in PROBE_TEXTS]
            tape.add(probes, as_texts(self._probes))
        tape.note_model("embedding", self._spec, {"fingerprint": self.fingerprint, **said, **facts})

    def _of(self, name: str) -> int | None:
        """Return what an embedder may say of itself, or None where this one does not."""
        known = self._known("embedding")
        return getattr(self._model, name, None) if known is None else known.get(name)


_OPTIONAL = ("texts_per_call", "max_tokens")


class _Metered(AskedEmbedder):
    @property
    def texts_per_call(self) -> int:
        """How many texts one request embeds."""
        return self._of("texts_per_call") or 0


class _Bounded(AskedEmbedder):
    @property
    def max_tokens(self) -> int:
        """How much of a text the model reads."""
        return self._of("max_tokens") or 0

    def longer(self, texts: Sequence[str]) -> Sequence[bool]:
        """Return for each text whether it has more than `max_tokens`."""
        if unheard() or not texts:
            return self._model.longer(texts) if texts else []
        self._facts()
        return [
            bool(one) for one in self._answers(LONGER, texts, lambda some: list(map(bool, self._model.longer(some))))
        ]


class _MeteredBounded(_Metered, _Bounded):
    pass


@cache
def embedder_class(*, metered: bool, bounded: bool) -> type[AskedEmbedder]:
    """Return the class of an embedding that says what it costs, and one that says of which texts it reads a part."""
    if metered:
        return _MeteredBounded if bounded else _Metered
    return _Bounded if bounded else AskedEmbedder
