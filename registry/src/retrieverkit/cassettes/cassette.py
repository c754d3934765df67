"""`Cassette`: model calls that were recorded, or are."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from retrieverkit.cassettes import files
from retrieverkit.cassettes.nearest import differences, nearest
from retrieverkit.cassettes.questions import LONGER, Question, key_of, of_text
from retrieverkit_core import budget
from retrieverkit_core.budget import LIMITS
from retrieverkit_core.errors import CassetteError, ConfigError, NotRecordedError, near_matches
from retrieverkit_core.scoping import scoped

CassetteMode = Literal["once", "replay", "record", "auto"]


class Answer(NamedTuple):
    """What came of one question.

    Attributes:
        line: The line that it is on, counted from 1; 0 for what this run has recorded.
        given: The answer as inert JSON, or None where there was an error.
        error: The fields of the error that came instead, or None.
        spent: What the call cost that it came by, by the names of `Budget`'s limits.
        call: Tells calls apart, which may have answered several questions.
    """

    line: int
    given: Any
    error: dict[str, Any] | None
    spent: Mapping[str, int]
    call: object


_EXPLAINED = 10
"""For this many missing calls the nearest one is looked for; it takes longer than to find a call."""

Pay = Callable[[Mapping[str, int]], None]


class Cassette:
    """Model calls in a file. Safe for threads; several processes may add to one file.

    Args:
        path: The file.
        mode: See `cassette`.

    Attributes:
        path: The file.
        mode: What is done: ``replay``, ``record`` or ``auto``.
        replayed: How many calls were answered from it.
        recorded: How many calls were added to it.
        missing: The errors of the calls that it did not hold.

    Raises:
        CassetteError: The file cannot be used.
    """

    def __init__(self, path: str | os.PathLike[str], mode: CassetteMode = "once") -> None:
        if mode not in get_args(CassetteMode):
            near = near_matches(str(mode), get_args(CassetteMode))
            fix = f"did you mean {near[0]!r}? " if near else ""
            raise ConfigError(f"a cassette has no mode {mode!r}", fix=f"{fix}write one of {get_args(CassetteMode)}")
        self.path = Path(os.path.abspath(Path(path).expanduser()))
        self.replayed = self.recorded = 0
        self.missing: list[NotRecordedError] = []
        self._lock = threading.Lock()
        self._answers: dict[bytes, list[Answer]] = {}
        self._questions: dict[bytes, Question] = {}
        self._counts: dict[bytes, int] = {}
        self._played: dict[bytes, int] = {}
        self._refused: dict[bytes, int] = {}
        self._models: dict[tuple[str, str], dict[str, Any]] = {}
        self._defaults: dict[str, str] = {}
        self._paid: set[str] = set()
        self.mode = mode
        contents = self._contents()
        if mode == "once":
            self.mode = "replay" if contents.begun else "record"
        if self.plays:
            self._load(contents.lines)
        self._file: files.Appender | None = None
        if self.records:
            afresh = self.mode == "record"
            self._file = files.Appender(self.path, contents.unended, begins=not contents.begun, afresh=afresh)

    @property
    def plays(self) -> bool:
        """Whether calls are answered from it."""
        return self.mode != "record"

    @property
    def records(self) -> bool:
        """Whether calls that it does not hold are made, and added."""
        return self.mode != "replay"

    def close(self) -> None:
        """End it: what was added is on the disk, and what ends later is not added."""
        with self._lock:
            file, self._file = self._file, None
        if file is not None:
            file.close()

    # Answering

    def play(self, questions: Sequence[Question], asked: str, pay: Pay) -> list[Answer | None]:
        """Return the answer to each question, or None for one that is to be asked and recorded.

        A question that was asked several times has its answers in their order, and then the last one again.

        Args:
            questions: What is asked in one call.
            asked: Who is asked, for messages.
            pay: Spends what the recorded call cost. What it raises is raised, and nothing counts as answered.

        Raises:
            NotRecordedError: The cassette is replayed, and does not hold an answer.
        """
        if not self.plays:
            return [None] * len(questions)
        keys = [key_of(question) for question in questions]
        with self._lock:
            found = [self._next(key) for key in keys]
            if None not in found or self.records:
                calls = {id(answer.call): answer.spent for answer in found if answer is not None}
                for spent in calls.values():
                    pay(spent)
                for key in dict.fromkeys(keys):
                    self._played[key] = self._played.get(key, 0) + 1
                self.replayed += bool(calls)
                return found
        at = found.index(None)
        raise self._missed(questions[at], keys[at], asked)

    def _next(self, key: bytes) -> Answer | None:
        answers = self._answers.get(key)
        return None if answers is None else answers[min(self._played.get(key, 0), len(answers) - 1)]

    def _missed(self, question: Question, key: bytes, asked: str) -> NotRecordedError:
        told: list[str] | None = []
        if not scoped() and len(self.missing) < _EXPLAINED:  # what is recorded may be of another scope
            like = nearest(question, self._questions.values())
            told = None if like is None else differences(question, like)
        return NotRecordedError(self.path, asked, differences=told)

    # Adding

    def record(
        self,
        questions: Sequence[Question],
        given: Sequence[Any] | None,
        *,
        spent: Mapping[str, int],
        error: dict[str, Any] | None = None,
    ) -> None:
        """Add a call.

        Args:
            questions: What was asked in it: one prompt, or several texts of one kind.
            given: One answer per question, or None where there was an error.
            spent: What it cost.
            error: The fields of the error that came instead.

        Raises:
            CassetteError: The file cannot be written.
        """
        keys = [key_of(question) for question in questions]
        with self._lock:
            if self._file is None:  # it is replayed, or the call outlived its block
                return
            nth = [self._counts.get(key, 0) for key in keys]
            told = _line_of(questions, given, error) | ({"nth": nth} if any(nth) else {})
            paid = {name: spent[name] for name in LIMITS if spent.get(name)}
            self._file.append(told | ({"spent": paid} if paid else {}))
            self.recorded += 1
            for at, (key, question) in enumerate(zip(keys, questions, strict=True)):
                if self.plays:
                    self._keep(key, question, Answer(0, given and given[at], error, paid, told))
                else:
                    self._counts[key] = nth[at] + 1

    def record_refused(self, question: Question, left: int) -> None:
        """Add that a question was not asked, as a budget had only ``left`` tokens left.

        Raises:
            CassetteError: The file cannot be written.
        """
        with self._lock:
            if self._file is not None:
                self._file.append({"ask": question, "refused": left})

    def refused(self, question: Question) -> int | None:
        """Return how many tokens a budget had left that did not allow to ask this, or None where none refused it."""
        return self._refused.get(key_of(question))

    def add(self, questions: Sequence[Question], given: Sequence[Any]) -> None:
        """Add answers that were given before, unless they are on it.

        Raises:
            CassetteError: The file cannot be written.
        """
        if not all(key_of(question) in self._counts for question in questions):
            self.record(questions, given, spent={})
            self.recorded -= 1

    def _keep(self, key: bytes, question: Question, answer: Answer) -> None:
        self._questions[key] = question
        self._answers.setdefault(key, []).append(answer)
        self._counts[key] = len(self._answers[key])

    # Which models there were

    def model(self, kind: str, spec: str) -> dict[str, Any] | None:
        """Return what is known of a model (``"llm"`` or ``"embedding"``) of which calls were recorded, or None."""
        return self._models.get((kind, spec)) if self.plays else None

    def specs(self, kind: str) -> list[str]:
        """Return the specs of the models of a kind of which calls were recorded."""
        return [spec for of, spec in self._models if of == kind]

    def default(self, kind: str) -> str | None:
        """Return the spec of the model that was used where none was named, or None."""
        return self._defaults.get(kind) if self.plays else None

    def note_model(self, kind: str, spec: str, facts: Mapping[str, Any]) -> None:
        """Add what is known of a model.

        Raises:
            CassetteError: The file cannot be written.
        """
        self._note({**self._models.get((kind, spec), {}), "model": kind, "spec": spec, **facts})

    def note_default(self, kind: str, spec: str) -> None:
        """Add which model is used where none is named.

        Raises:
            CassetteError: The file cannot be written.
        """
        self._note({"default": kind, "spec": spec})

    def _note(self, told: dict[str, Any]) -> None:
        with self._lock:
            if self._file is not None and not self._knows(told):
                self._file.append(told)
                self._know(told)

    def _knows(self, told: dict[str, Any]) -> bool:
        if "default" in told:
            return told["default"] in self._defaults
        return self._models.get((told["model"], told["spec"])) == told

    def _know(self, told: dict[str, Any]) -> None:
        if "default" in told:
            self._defaults[told["default"]] = told["spec"]
        else:
            key = told["model"], told["spec"]
            self._models[key] = {**self._models.get(key, {}), **told}  # one line may say less than another

    def pay_once(self, spec: str, spent: Mapping[str, int]) -> None:
        """Spend what it cost to get to know an embedding, at the first call alone."""
        with self._lock:
            if spec not in self._paid:
                budget.spend(**spent)
                self._paid.add(spec)

    # Reading

    def _contents(self) -> files.Contents:
        try:
            return files.read(self.path)
        except FileNotFoundError:
            if self.mode == "replay":
                fix = "record it: mode='once' does where there is none yet"
                raise CassetteError(self.path, "there is no such file", fix=fix) from None
            return files.NOTHING

    def _load(self, lines: Sequence[files.Line]) -> None:
        read: list[tuple[int, bytes, Question, Answer]] = []
        for line in lines:
            try:
                if "refused" in line.told:
                    key, left = key_of(line.told["ask"]), int(line.told["refused"])
                    self._refused[key] = max(left, self._refused.get(key, 0))
                elif "ask" in line.told or "embed" in line.told:
                    read += _answers_on(line)
                else:
                    self._know({**line.told, "spec": _text(line.told["spec"])})
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                problem = f"line {line.number} is damaged: {type(error).__name__} {error}"
                raise CassetteError(self.path, problem, line=line.number, fix=files.MEND) from error
        for _, key, question, answer in sorted(read, key=lambda one: one[0]):  # the order of lines does not matter
            self._keep(key, question, answer)

    def __repr__(self) -> str:
        return f"<Cassette {self.path.name}: {self.mode}, {self.replayed} replayed, {self.recorded} recorded>"


def _line_of(questions: Sequence[Question], given: Sequence[Any] | None, error: Any) -> dict[str, Any]:
    first = questions[0]
    if "model" in first:
        told: dict[str, Any] = {"ask": first}
        return told | ({"error": error} if given is None else {"reply": given[0]})
    told = {"embed": {**first, "text": [question["text"] for question in questions]}}
    return told | ({"error": error} if given is None else {"given": list(given)})


def _answers_on(line: files.Line) -> Iterator[tuple[int, bytes, Question, Answer]]:
    told = line.told
    spent = {name: told["spent"][name] for name in LIMITS if name in told.get("spent", {})}
    error = told.get("error")
    if error is not None:
        _text(error["message"])
    if any(type(amount) is not int or amount < 0 for amount in spent.values()):
        raise ValueError("what was spent is a number from 0 up")
    questions, given = _questions_on(told)
    nth = told.get("nth", [0] * len(questions))
    for question, one, at in zip(questions, given, nth, strict=True):
        if type(at) is not int or at < 0:
            raise ValueError("nth is a number from 0 up")
        yield at, key_of(question), question, Answer(line.number, one, error, spent, told)


def _questions_on(told: dict[str, Any]) -> tuple[list[Question], list[Any]]:
    failed = "error" in told
    if "ask" in told:
        ask = told["ask"]
        _text(ask["model"]), _text(ask["system"]), ask["data"], ask["schema"], ask["settings"]
        reply = None if failed else told["reply"]
        if reply is not None:
            _text(reply["text"])
        return [ask], [reply]
    embed = told["embed"]
    fingerprint, kind = _text(embed["embedding"]), _text(embed["kind"])
    questions = [of_text(fingerprint, kind, _text(text)) for text in embed["text"]]
    given = [None] * len(questions) if failed else told["given"]
    lengths = {_length(one) for one in given if kind != LONGER and not failed}
    if len(lengths) > 1 or any(length % 4 for length in lengths):
        raise ValueError("a vector is cut")
    return questions, given


def _length(vector: Any) -> int:
    return len(base64.b64decode(_text(vector), validate=True))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


_current: ContextVar[Cassette | None] = ContextVar("retrieverkit_cassette", default=None)


def current() -> Cassette | None:
    """Return the cassette that calls go through here, or None."""
    return _current.get()


@contextmanager
def cassette(path: str | os.PathLike[str], mode: CassetteMode = "once") -> Iterator[Cassette]:
    """Record the model calls of the block to a file, or answer them from it.

    It holds for all that works for the block: retrievals in worker threads, async tasks, indexes that are built on the
    way. A thread that you start yourself is not part of the block unless it runs in a copy of its context
    (`contextvars.copy_context`).

    Args:
        path: The file, such as ``"calls.jsonl"``.
        mode: ``"once"`` records where there is no file yet and replays where there is; ``"replay"`` asks no model
            whatever happens; ``"record"`` begins the file again; ``"auto"`` replays what is on it and records the rest.

    Raises:
        CassetteError: The file cannot be used.
        ConfigError: There is no such mode.
    """
    tape = Cassette(path, mode)
    token = _current.set(tape)
    try:
        yield tape
    finally:
        _current.reset(token)
        tape.close()


def _after_fork() -> None:
    """Let a forked child go on with the cassette: the thread that held its lock is not in the child."""
    if (tape := _current.get()) is not None:
        tape._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
