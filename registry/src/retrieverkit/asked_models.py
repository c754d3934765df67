"""Models as modes have them: every call passes here, where cassettes and traces see it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakValueDictionary

from retrieverkit.cassettes import Cassette, current
from retrieverkit.cassettes.files import MEND
from retrieverkit.cassettes.questions import DOCUMENT, LONGER, QUERY, Places, Question, of_prompt, of_text
from retrieverkit_core import budget, trace
from retrieverkit_core.budget import limited
from retrieverkit_core.errors import (
    CassetteError,
    EmbeddingMismatchError,
    EndpointError,
    InvalidEmbeddingError,
    ModelAnswerError,
    NotRecordedError,
    RetrieverKitError,
    ServiceError,
    shorten,
)
from retrieverkit_core.services import (
    BoundedEmbedder,
    CorpusEmbedder,
    MeteredEmbedder,
    Prompt,
    Reply,
    Usage,
)
from retrieverkit_core.vectors import as_texts, checked, from_texts
from retrieverkit_indexing.embeddings import PROBE_TEXTS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from retrieverkit.cassettes.cassette import Answer

_ERRORS: dict[str, type[ServiceError]] = {
    kind.code: kind
    for kind in (ServiceError, EndpointError, InvalidEmbeddingError, EmbeddingMismatchError, ModelAnswerError)
}


class _Asked:
    """What an asked model is: the spec that names it, and the model itself, made when it is first needed.

    Args:
        spec: The spec, or what an object calls itself.
        make: Returns the model.
    """

    def __init__(self, spec: str, make: Callable[[], Any]) -> None:
        self._spec = spec
        self._make = make
        self._made: Any = None

    @property
    def _model(self) -> Any:
        if self._made is None:
            self._made = self._make()
        return self._made

    def _known(self, kind: str) -> dict[str, Any] | None:
        """Return what the cassette that is played knows of the model."""
        tape = current()
        return None if tape is None else tape.model(kind, self._spec)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or self._made is None:
            raise AttributeError(name)
        return getattr(self._made, name)

    def __repr__(self) -> str:
        return repr(self._made) if self._made is not None else f"<{self._spec}>"


class _Live:
    """A call that is really made, as a context: its cost and its time are taken, its error is recorded.

    Args:
        tape: The cassette that it is recorded on, or None.
        questions: What is asked in it.
        facts: What a trace is told of it.
        asked: The model's name.
        places: Those of the labels of a prompt.
    """

    def __init__(
        self,
        tape: Cassette | None,
        questions: Sequence[Question],
        asked: str,
        facts: dict[str, Any],
        places: Places | None = None,
    ) -> None:
        self._tape, self._questions, self._asked, self._facts = tape, questions, asked, facts
        self._places = places or Places(())

    def __enter__(self) -> Self:
        self._limited = limited(None)
        self._account = self._limited.__enter__()
        self._started = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._limited.__exit__()
        if isinstance(error, ServiceError):
            told = self._places.put(_error_told(error))
            self._settle(None, told)

    def answered(self, given: Sequence[Any]) -> None:
        """Record one answer per question."""
        self._settle(given, None)

    def _settle(self, given: Sequence[Any] | None, error: dict[str, Any] | None) -> None:
        spent = self._account.spent
        if self._tape is not None:
            self._tape.record(self._questions, given, spent=spent.as_dict(), error=error)
        attempts = spent.llm_calls or spent.embedding_calls
        _report(self._asked, self._facts, attempts, spent.tokens, perf_counter() - self._started, error)


def _report(
    asked: str, facts: dict[str, Any], attempts: int, tokens: int, seconds: float, error: Mapping[str, Any] | None
) -> None:
    if trace.listener() is None:
        return
    failed = {} if error is None else {"error": error["code"]}
    milliseconds = round(seconds * 1000, 3)
    trace.reported(asked, "model", attempts=attempts, tokens=tokens, milliseconds=milliseconds, **facts, **failed)


def _unheard() -> bool:
    """Return whether nobody wants to know of a call."""
    return current() is None and trace.listener() is None


# Language models


class AskedModel(_Asked):
    """A `LanguageModel` whose calls are recorded, replayed and traced."""

    @property
    def name(self) -> str:
        """The model's name."""
        known = self._known("llm")
        return str(self._model.name if known is None else known["name"])

    def ask(self, prompt: Prompt) -> Reply:
        """Return the model's answer, see `LanguageModel.ask`.

        Raises:
            NotRecordedError: A cassette is replayed that does not hold the call.
        """
        if _unheard():
            reply: Reply = self._model.ask(prompt)
            return reply
        call = _Ask(self._spec, self, prompt)
        if (played := call.played()) is not None:
            return played
        with call.live:
            reply = self._model.ask(prompt)
        return call.answered(reply)

    async def aask(self, prompt: Prompt) -> Reply:
        """As `ask`, without blocking the event loop."""
        if _unheard():
            reply: Reply = await self._model.aask(prompt)
            return reply
        call = _Ask(self._spec, self, prompt)
        if (played := call.played()) is not None:
            return played
        with call.live:
            reply = await self._model.aask(prompt)
        return call.answered(reply)


class _Ask:
    """One prompt to one model."""

    def __init__(self, spec: str, model: AskedModel, prompt: Prompt) -> None:
        self._tape = current()
        self._prompt = prompt
        self._places = Places(prompt.labels)
        self._name = model.name
        self._question = of_prompt(self._name, prompt)
        if self._tape is not None and self._tape.records:
            self._tape.note_model("llm", spec, {"name": self._name})
        self.live = _Live(self._tape, [self._question], self._name, {}, self._places)

    def played(self) -> Reply | None:
        """Return the recorded reply, or None where the model is to be asked."""
        if self._tape is None:
            return None
        started = perf_counter()
        try:
            (answer,) = self._tape.play([self._question], self._name, _pay)
        except NotRecordedError:
            budget.check(llm_calls=1)  # a run that had spent its budget ended here without asking
            raise
        if answer is None:
            return None
        budget.note(tokens=answer.spent.get("tokens", 0))
        attempts, tokens = answer.spent.get("llm_calls", 0), answer.spent.get("tokens", 0)
        _report(self._name, {"replayed": True}, attempts, tokens, perf_counter() - started, answer.error)
        return self._reply(self._tape, answer)

    def answered(self, reply: Reply) -> Reply:
        """Record the reply and return it."""
        if self._tape is None or not self._tape.records:
            self.live.answered([None])
            return reply
        told: dict[str, Any] = {"text": reply.text}
        if reply.parsed is not None:
            told["parsed"] = reply.parsed.model_dump(mode="json", by_alias=True)
        usage = reply.usage
        told = self._places.put(told)
        told["usage"] = [usage.attempts, usage.input_tokens, usage.output_tokens]
        self.live.answered([told])
        return reply

    def _reply(self, tape: Cassette, answer: Answer) -> Reply:
        """Return the recorded reply with this call's labels, or raise the recorded error."""
        error: ServiceError
        try:
            if answer.error is None:
                return self._replied(answer.given)
            error = _error_of(self._places.back(answer.error))
        except (LookupError, TypeError, ValueError, AttributeError) as wrong:
            problem = f"the reply on line {answer.line} cannot be used: {shorten(wrong, 200)}"
            raise CassetteError(tape.path, problem, line=answer.line or None, fix=MEND) from wrong
        raise error

    def _replied(self, told: dict[str, Any]) -> Reply:
        attempts, read, written = told.get("usage", (1, 0, 0))
        parsed = self._parsed(self._places.back(told["parsed"])) if "parsed" in told else None
        return Reply(self._places.back(told["text"]), parsed, Usage(int(attempts), int(read), int(written)))

    def _parsed(self, told: Any) -> Any:
        import json

        schema = self._prompt.schema
        return None if schema is None else schema.model_validate_json(json.dumps(told))


def _pay(spent: Mapping[str, int]) -> None:
    calls = {name: amount for name, amount in spent.items() if name != "tokens"}
    if calls:
        budget.spend(**calls)


def _error_told(error: ServiceError) -> dict[str, Any]:
    told: dict[str, Any] = {"code": error.code if error.code in _ERRORS else ServiceError.code}
    told |= {"message": error.message, "fix": error.fix, "retryable": error.retryable}
    more = {name: getattr(error, name) for name in ("status", "answer") if hasattr(error, name)}
    return told | more


def _error_of(told: Mapping[str, Any]) -> ServiceError:
    kind = _ERRORS.get(told.get("code", ""), ServiceError)
    message, fix, retryable = str(told["message"]), str(told.get("fix", "")), bool(told.get("retryable"))
    if kind is EndpointError:
        return EndpointError(message, status=told.get("status"), retryable=retryable, fix=fix)
    if kind is ModelAnswerError:
        return ModelAnswerError(message, answer=str(told.get("answer", "")), fix=fix)
    error = kind(message, fix=fix)
    error.retryable = retryable
    return error


# Embeddings


class AskedEmbedder(_Asked):
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
        if _unheard():
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
        if _unheard():
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
            _report(name, facts, attempts, 0, perf_counter() - started, error)
        if failed is not None and failed.error is not None:
            raise _error_of(failed.error)
        fresh: dict[str, Any] = {}
        if missing:
            asked = list(missing)
            live = _Live(tape, [of_text(name, kind, text) for text in asked], name, {"texts": len(asked)})
            with live:
                fresh = dict(zip(asked, ask(asked), strict=True))
            live.answered([fresh[text] for text in asked])
        return [fresh[text] if answer is None else answer.given for text, answer in zip(texts, played, strict=True)]

    def _played(self, tape: Cassette | None, questions: Sequence[Question], kind: str) -> list[Answer | None]:
        if tape is None:
            return [None] * len(questions)
        try:
            return tape.play(questions, self.fingerprint, _pay)
        except NotRecordedError:
            size = self._of("texts_per_call")
            if kind != LONGER and size != 0:  # a run that had spent its budget ended here without asking
                budget.check(embedding_calls=-(-len(questions) // size) if size else 1)
            raise

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
        if _unheard() or not texts:
            return self._model.longer(texts) if texts else []
        self._facts()
        return [
            bool(one) for one in self._answers(LONGER, texts, lambda some: list(map(bool, self._model.longer(some))))
        ]


class _MeteredBounded(_Metered, _Bounded):
    pass


@cache
def _embedder_class(metered: bool, bounded: bool) -> type[AskedEmbedder]:
    if metered:
        return _MeteredBounded if bounded else _Metered
    return _Bounded if bounded else AskedEmbedder


# Making them

_objects: WeakValueDictionary[int, _Asked] = WeakValueDictionary()
_objects_guard = threading.Lock()


def asked_object(model: Any, kind: str) -> Any:
    """Return the asked model of an object that a user gave; the same one for the same object.

    A `CorpusEmbedder` is returned as it is: it is fitted to the corpus here, and asks nobody.
    """
    if isinstance(model, (_Asked, CorpusEmbedder)):
        return model
    with _objects_guard:
        found = _objects.get(id(model))
        if found is None:  # as long as it lives it holds the model, so that the id is that model's
            found = _objects[id(model)] = _asked(kind, f"object:{_called(model, kind)}", lambda: model, model)
            found._made = model
        return found


def _called(model: Any, kind: str) -> str:
    return str(model.name if kind == "llm" else model.fingerprint)


def asked_spec(kind: str, spec: str, make: Callable[[], Any]) -> Any:
    """Return the asked model that a spec names.

    Args:
        kind: ``"llm"`` or ``"embedding"``.
        spec: The spec.
        make: Makes the model. It is called at once, unless the cassette that is played knows the model.
    """
    tape = current()
    known = None if tape is None else tape.model(kind, spec)
    if known is not None:
        return _asked(kind, spec, make, known)
    try:
        model = make()
    except RetrieverKitError as error:
        others = [] if tape is None or tape.records else tape.specs(kind)
        if not others:
            raise
        told = [f"the {kind} is {shorten(other, 100)}" for other in others]
        raise NotRecordedError(tape.path if tape else "", spec, differences=told) from error
    if isinstance(model, CorpusEmbedder):
        return model
    found = _asked(kind, spec, make, model)
    found._made = model
    return found


def _asked(kind: str, spec: str, make: Callable[[], Any], like: Any) -> _Asked:
    """Return an asked model that has what ``like``, a model or what a cassette knows of one, has."""
    if kind == "llm":
        return AskedModel(spec, make)
    if isinstance(like, dict):
        metered, bounded = "texts_per_call" in like, "max_tokens" in like
    else:
        metered, bounded = isinstance(like, MeteredEmbedder), isinstance(like, BoundedEmbedder)
    return _embedder_class(metered, bounded)(spec, make)
