"""`ByModel`: entities and relations that a language model names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice

from retrieverkit_core.asking import ask_all
from retrieverkit_core.corpus import IndexSettings, StoredNode
from retrieverkit_core.errors import BudgetExceededError, ModelAnswerError, RetrieverKitError, shorten
from retrieverkit_core.nodes import Node
from retrieverkit_core.plan import Plan, tokens_of
from retrieverkit_core.progress import counted
from retrieverkit_core.services import LanguageModel, Prompt, Reply
from retrieverkit_indexing.analysis import indexed_parts
from retrieverkit_property_graph.extract_schema import ExtractSchema
from retrieverkit_property_graph.extraction.llm.answers import Named, answer_model, checked, named
from retrieverkit_property_graph.extraction.llm.cache import AnswerCache
from retrieverkit_property_graph.extraction.prompt import EXTRACT
from retrieverkit_property_graph.triples import NOTHING, Extracted

PART_CHARS = 24_000
"""At most so much of a text is put into one prompt; of a longer one, each part is asked about."""
ATTEMPTS = 3
"""How often texts are asked about where no answer of a build can be used, before the graph does without them."""

_RULES_VERSION = 1
_EXPECTED_TOKENS = 400
_AT_ONCE = 32
_COUNTED_AT_ONCE = 512


class ByModel:
    """Asks a language model about each node's text, one node in one prompt.

    What it says is kept the moment it comes, by the text, the model, the prompt and the schema, so that nothing is paid
    for twice, whatever ends a build. A model that cannot be asked ends the build; the next one goes on. A text whose
    answer cannot be used is a problem of its node: it is told of, and a build that meets it later asks again, each time
    after a longer while. Where not one answer can be used, the build fails: at most `ATTEMPTS` times if the model has
    ever given one that can.

    Args:
        model: The model.
        cache: Keeps the answers.
        settings: Those of the corpus.
        schema: What the model is to look for; None for whatever it finds.
        prompt: What it is told, with the field ``{schema}``.

    Attributes:
        uses: The model.
    """

    def __init__(
        self,
        model: LanguageModel,
        cache: AnswerCache,
        settings: IndexSettings,
        *,
        schema: ExtractSchema | None = None,
        prompt: str = EXTRACT,
    ) -> None:
        self._model, self._cache, self._settings = model, cache, settings
        self._system = prompt.format(schema=_in_words(schema))
        self._answer = answer_model(schema)
        self._identity = json.dumps([_RULES_VERSION, model.name, self._system, self._answer.model_json_schema()])
        self._heard = hashlib.sha256(self._identity.encode("utf-8", "replace")).digest()
        self._has_answered = False
        self.uses: tuple[object, ...] = (model,)

    @property
    def fingerprint(self) -> str:
        """Names the rules, the model, its prompt and the schema, and what of a node it is shown."""
        return f"by model {self._heard.hex()}, {self._model.name}; of {', '.join(self._settings.searched)}"

    def of_nodes(self, nodes: Sequence[StoredNode]) -> list[Extracted]:
        """Return what the model names of each node, in order.

        Raises:
            BudgetExceededError: The caller's budget does not allow all of them; what came is kept.
            ServiceError: The model cannot answer, or not with what can be used; what came is kept.
        """
        prompts = [self._prompts(stored.node) for stored in nodes]
        answers = self._answers({self._key(prompt): prompt for own in prompts for prompt in own})
        return [
            self._extracted(stored.node, [answers[self._key(prompt)] for prompt in own])
            for stored, own in zip(nodes, prompts, strict=True)
        ]

    def cost(self, name: str, nodes: Iterable[StoredNode]) -> Plan:
        """Return what `of_nodes` would take, but for what is kept. Nobody is asked."""
        missing: dict[bytes, int] = {}
        count, pending = 0, iter(nodes)
        while some := list(islice(pending, _COUNTED_AT_ONCE)):
            count += len(some)
            prompts = {self._key(prompt): prompt for stored in some for prompt in self._prompts(stored.node)}
            for key in self._to_ask(prompts, self._known(prompts)):
                missing[key] = tokens_of(prompts[key].system, *prompts[key].data) + _EXPECTED_TOKENS
        does = f"asks {self._model.name} for the relations of {count:,} node{'' if count == 1 else 's'}"
        return Plan(name, does, llm_calls=len(missing), tokens=sum(missing.values()), once=True)

    def _prompts(self, node: Node) -> list[Prompt]:
        kept_back = node.excluded_llm_metadata_keys
        parts = indexed_parts(node, self._settings.searched)
        text = "\n\n".join(part for field, part in parts if part.strip() and field not in kept_back)
        text = text.encode("utf-8", "replace").decode("utf-8")
        pieces = [text[at : at + PART_CHARS] for at in range(0, len(text), PART_CHARS)]
        return [Prompt(self._system, (piece,), self._answer) for piece in pieces if piece.strip()]

    def _answers(self, prompts: Mapping[bytes, Prompt]) -> dict[bytes, Named | None]:
        """Return what the model names for each prompt; None where it does not say it in a way that can be used.

        Raises:
            ModelAnswerError: No answer can be used, and some text was not asked about `ATTEMPTS` times, or the model
                has never given one.
        """
        answers = self._known(prompts)
        waiting = self._to_ask(prompts, answers)
        starts = range(0, len(waiting), _AT_ONCE)
        for start in counted(starts, f"texts that {self._model.name} reads, {_AT_ONCE} at a time", len(starts)):
            answers |= self._asked({key: prompts[key] for key in waiting[start : start + _AT_ONCE]})
        if prompts and not answers and (self._is_untried(prompts) or not self._cache.get([self._heard])):
            raise ModelAnswerError(  # what it said may be about what the caller must not see
                f"{self._model.name} names relations in no shape that can be used",
                fix="look at the prompt and the model",
            )
        return {key: answers.get(key) for key in prompts}

    def _asked(self, prompts: Mapping[bytes, Prompt]) -> dict[bytes, Named]:
        """Return what the model names, by key. What it says in a way that cannot be used is noted and left out.

        Raises:
            RetrieverKitError: One of the replies did not come.
        """
        replies = dict(zip(prompts, ask_all(self._model, list(prompts.values()), keep=self._keep), strict=True))
        errors = [reply for reply in replies.values() if isinstance(reply, RetrieverKitError)]
        others = [error for error in errors if not isinstance(error, ModelAnswerError)]
        for error in sorted(others, key=lambda error: not isinstance(error, BudgetExceededError)):
            raise error
        for key, reply in replies.items():
            if isinstance(reply, ModelAnswerError):
                self._cache.failed(key)
        return self._read(
            {key: checked(reply, self._answer) for key, reply in replies.items() if isinstance(reply, Reply)}
        )

    def _keep(self, prompt: Prompt, reply: Reply) -> Reply:
        """Keep what the model said, and return its reply.

        Raises:
            ModelAnswerError: It cannot be used.
        """
        answer = checked(reply, self._answer)
        self._cache.put(self._key(prompt), answer)
        if not self._has_answered:
            self._cache.put(self._heard, b"")
            self._has_answered = True
        return reply

    def _to_ask(self, prompts: Iterable[bytes], known: Mapping[bytes, Named]) -> list[bytes]:
        """Return the keys of what is not known, but for what is not to be asked for again yet."""
        unknown = [key for key in prompts if key not in known]
        failures = self._cache.failures(unknown)
        return [key for key in unknown if key not in failures or not failures[key].postponed]

    def _is_untried(self, keys: Collection[bytes]) -> bool:
        """Return whether one of them has not failed `ATTEMPTS` times."""
        failures = self._cache.failures(keys)
        return any(key not in failures or failures[key].times < ATTEMPTS for key in keys)

    def _known(self, keys: Iterable[bytes]) -> dict[bytes, Named]:
        return self._read(self._cache.get(keys))

    def _read(self, answers: Mapping[bytes, bytes]) -> dict[bytes, Named]:
        read = {key: named(answer, self._answer) for key, answer in answers.items()}
        return {key: answer for key, answer in read.items() if answer is not None}

    def _key(self, prompt: Prompt) -> bytes:
        return hashlib.sha256(json.dumps([self._identity, *prompt.data]).encode("ascii")).digest()

    def _extracted(self, node: Node, answers: Sequence[Named | None]) -> Extracted:
        given = [answer for answer in answers if answer is not None]
        triples = tuple(dict.fromkeys(triple for answer in given for triple in answer.triples))
        blank, problems = sum(answer.blank for answer in given), []
        if len(given) < len(answers):
            problems.append("what the model named of it, in no shape that can be used")
        if blank:
            problems.append(f"{blank:,} relation{'' if blank == 1 else 's'} with a blank or overlong end or name")
        if not problems:
            return Extracted(triples=triples) if triples else NOTHING
        return Extracted(triples=triples, problem=f"of node {shorten(repr(node.id))}: {', and '.join(problems)}")


def _in_words(schema: ExtractSchema | None) -> str:
    """Return what a model is told of a schema."""
    if schema is None:
        return ""
    said = []
    for what, names in (("labels", schema.entities), ("relations", schema.relations)):
        if names:
            listed = ", ".join(json.dumps(name, ensure_ascii=False) for name in names)
            said.append(f"Use {'only' if schema.strict else 'where they fit'} these {what}: {listed}. ")
    if schema.strict:
        said.append("Leave out what fits none of them. ")
    return "".join(said)
