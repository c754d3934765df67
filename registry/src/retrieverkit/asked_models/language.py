"""`AskedModel`: a language model whose calls are recorded, replayed and traced."""

from __future__ import annotations

import json
from time import perf_counter
from typing import TYPE_CHECKING, Any

from retrieverkit.asked_models.asked import Asked
from retrieverkit.asked_models.calls import LiveCall, pay, reported, unheard
from retrieverkit.asked_models.errors import error_of
from retrieverkit.cassettes import Cassette, current
from retrieverkit.cassettes.files import MEND
from retrieverkit.cassettes.questions import Places, of_prompt
from retrieverkit_core import budget
from retrieverkit_core.errors import CassetteError, NotRecordedError, ServiceError, shorten
from retrieverkit_core.services import Prompt, Reply, Usage

if TYPE_CHECKING:
    from retrieverkit.cassettes.cassette import Answer


class AskedModel(Asked):
    """A `LanguageModel` whose calls are recorded, replayed and traced."""

    @property
    def name(self) -> str:
        """The model's name."""
        known = self._known("llm")
        return str(self._model.name if known is None else known["name"])

    def note(self) -> None:
        """Put what is known of the model on the cassette that is recorded: a run that asks nothing is replayed too."""
        tape = current()
        if tape is not None and tape.records:
            tape.note_model("llm", self._spec, {"name": self.name})

    def ask(self, prompt: Prompt) -> Reply:
        """Return the model's answer, see `LanguageModel.ask`.

        Raises:
            NotRecordedError: A cassette is replayed that does not hold the call.
        """
        if unheard():
            reply: Reply = self._model.ask(prompt)
            return reply
        call = _Ask(self, prompt)
        if (played := call.played()) is not None:
            return played
        with call.live:
            reply = self._model.ask(prompt)
        return call.answered(reply)

    async def aask(self, prompt: Prompt) -> Reply:
        """As `ask`, without blocking the event loop."""
        if unheard():
            reply: Reply = await self._model.aask(prompt)
            return reply
        call = _Ask(self, prompt)
        if (played := call.played()) is not None:
            return played
        with call.live:
            reply = await self._model.aask(prompt)
        return call.answered(reply)


class _Ask:
    """One prompt to one model."""

    def __init__(self, model: AskedModel, prompt: Prompt) -> None:
        self._tape = current()
        self._prompt = prompt
        self._places = Places(prompt.labels)
        self._name = model.name
        self._question = of_prompt(self._name, prompt)
        model.note()
        self.live = LiveCall(self._tape, [self._question], self._name, {}, self._places)

    def played(self) -> Reply | None:
        """Return the recorded reply, or None where the model is to be asked."""
        if self._tape is None:
            return None
        started = perf_counter()
        try:
            (answer,) = self._tape.play([self._question], self._name, pay)
        except NotRecordedError as error:
            # A run that had spent its budget, or had too little left for this prompt, ended here without asking.
            budget.check(llm_calls=1, tokens=(self._tape.refused(self._question) or 0) + 1)
            self._tape.missing.append(error)
            raise
        if answer is None:
            return None
        budget.note(tokens=answer.spent.get("tokens", 0))
        attempts, tokens = answer.spent.get("llm_calls", 0), answer.spent.get("tokens", 0)
        reported(self._name, {"replayed": True}, attempts, tokens, perf_counter() - started, answer.error)
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
            error = error_of(self._places.back(answer.error))
        except (LookupError, TypeError, ValueError, AttributeError) as wrong:
            problem = f"the reply on line {answer.line} cannot be used: {shorten(wrong, 200)}"
            raise CassetteError(tape.path, problem, line=answer.line or None, fix=MEND) from wrong
        raise error

    def _replied(self, told: dict[str, Any]) -> Reply:
        attempts, read, written = told.get("usage", (1, 0, 0))
        parsed = self._parsed(self._places.back(told["parsed"])) if "parsed" in told else None
        return Reply(self._places.back(told["text"]), parsed, Usage(int(attempts), int(read), int(written)))

    def _parsed(self, told: Any) -> Any:
        schema = self._prompt.schema
        return None if schema is None else schema.model_validate_json(json.dumps(told))
