"""`TransformRetriever`: other words for a query before it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from retrieverkit_compose.around import Around, checked, explicit
from retrieverkit_compose.by_ranks import SCORES, by_ranks
from retrieverkit_compose.legs import Leg, aask_all, ask_all, warnings_of
from retrieverkit_compose.transform.options import By, TransformSettings
from retrieverkit_compose.transform.rewriting import PROMPTS, Rewriting
from retrieverkit_core.errors import MissingServiceError, QueryError, shorten
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import UNLIMITED, QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.services import LanguageModel
from retrieverkit_core.threads import offload

WRITE = "write"
"""The name of the prompt."""

_PLANNED = "x" * 480  # a passage of usual length, before anybody has written it

Rewrite = Callable[[QueryBundle], Iterable[str]]
"""Returns the queries to ask in place of one; it may block."""


class TransformRetriever(Around):
    """Has a query rewritten, asks a retriever with what was written, and makes one answer of the answers.

    Several queries are asked side by side, and their hits put together by ranks. For ``hyde`` one is asked: its words
    are those of the query and the passages, and its embedding the mean of theirs. What was written is on the result, in
    the notes of the legs. A rewriting that fails makes the result partial where the query itself is asked too, else it
    is an error.

    Args:
        retriever: Who is asked.
        by: ``"multi_query"``, ``"decompose"``, ``"hyde"``, or a function that is given the query and returns the
            queries to ask.
        llm: The language model, unless a function rewrites.
        num_queries: How many texts the model writes; at most this many for ``decompose``.
        include_original: Whether the query itself is asked too. A function says so itself.
        candidates: Where several queries are asked: how many hits of each; None leaves it to ``retriever``.
        top_k: How many hits a query gets that does not say.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: A setting is wrong.
        MissingServiceError: There is no language model.
    """

    name = "transform"

    def __init__(
        self,
        retriever: BaseRetriever,
        *,
        by: By | Rewrite = "multi_query",
        llm: LanguageModel | None = None,
        num_queries: int = 3,
        include_original: bool = True,
        candidates: int | None = 50,
        top_k: int = 5,
        **base: Any,
    ) -> None:
        super().__init__(retriever, **base)
        given: dict[str, Any] = {"num_queries": num_queries, "include_original": include_original, "top_k": top_k}
        given |= {} if candidates is None else {"candidates": candidates}
        settings = checked(self.name, TransformSettings, given if callable(by) else {**given, "by": by})
        self._by: By = settings.by
        self._function = by if callable(by) else None
        self._model = None if callable(by) else llm
        self._count = settings.num_queries
        self._original = settings.include_original
        self._candidates = candidates
        self.default_top_k = settings.top_k
        self._as_one = self._function is None and self._by == "hyde"
        self.scores = retriever.score_spec if self._as_one else SCORES
        if self._function is None:
            if llm is None:
                raise MissingServiceError(
                    f"transform by {by!r} needs a language model and there is none", fix="pass llm="
                )
            self.notes = (f"model: {llm.name}",)
            self.prompts = {WRITE: PROMPTS[self._by]}

    def _retrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        rewriting = self._rewriting(query_bundle)
        if rewriting is not None and self._model is not None:
            rewriting.ask(self._model)
        legs = self._legs(query_bundle, rewriting)
        ask_all(legs)
        return self._answer(legs, rewriting, query_bundle.top_k)

    async def _aretrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        rewriting = self._rewriting(query_bundle)
        if rewriting is not None and self._model is not None:
            await rewriting.aask(self._model)
        legs = await offload(self._legs, query_bundle, rewriting)
        await aask_all(legs)
        return await offload(self._answer, legs, rewriting, query_bundle.top_k)

    def _rewriting(self, query: QueryBundle) -> Rewriting | None:
        if self._function is not None:
            return None
        return Rewriting(self._by, query, self._count, self.prompts[WRITE], required=not self._original)

    def _legs(self, query: QueryBundle, rewriting: Rewriting | None) -> list[Leg]:
        """Return what is asked, the query itself first.

        Raises:
            QueryError: A function returned what cannot be asked.
        """
        if self._as_one:
            assert rewriting is not None
            return [self._leg(1, self._with_passages(explicit(query), rewriting.texts), rewriting.texts)]
        if rewriting is None:
            assert self._function is not None
            written = self._function(query)
            if isinstance(written, str) or not isinstance(written, Iterable):
                said = f"the function returned {shorten(repr(written))}, not a list of queries"
                raise QueryError(said, fix="return a list, such as [query.query_str]")
            written = list(written)
            if not written:
                raise QueryError("the function returned no query to ask", fix="return the query itself")
            texts = list(dict.fromkeys(written))
        else:
            itself = self._original or not rewriting.words
            texts = [*([query.query_str] if itself else []), *rewriting.texts]
        asked = self._asked(query)
        return [
            self._leg(number, *((asked, ()) if text == query.query_str else (_other(asked, text), (text,))))
            for number, text in enumerate(texts, 1)
        ]

    def _leg(self, number: int, query: QueryBundle, written: Sequence[str]) -> Leg:
        name = self.retriever.name if number == 1 else f"{self.retriever.name}@{number}"
        said = " | ".join(shorten(text, 200) for text in written)
        return Leg(name, self.retriever, query, f"query {number}: {said}" if said else "")

    def _with_passages(self, query: QueryBundle, passages: Sequence[str]) -> QueryBundle:
        """Return the query whose words are those of the passages too, and whose embedding is the mean of all."""
        texts = [*(query.embedding_strs if self._original else ()), *passages]
        if not passages:
            return query
        return query.replace(query_str="\n".join(texts), embedding=None, custom_embedding_strs=tuple(texts))

    def _asked(self, query: QueryBundle) -> QueryBundle:
        wanted = self._candidates
        if wanted is not None:
            wanted = max(wanted, UNLIMITED if query.top_k is None else query.top_k)
        return query.replace(top_k=wanted)

    def _answer(self, legs: Sequence[Leg], rewriting: Rewriting | None, top_k: int | None) -> RetrievalResult:
        results = [(leg, leg.result) for leg in legs if leg.result is not None]
        lists = [(leg.name, leg.retriever.name, result) for leg, result in results]
        return RetrievalResult(
            lists[0][2] if self._as_one else by_ranks(lists, top_k),
            legs=[*([] if rewriting is None else [rewriting.status]), *(leg.status for leg in legs)],
            warnings=warnings_of(legs),
            abstained=all(result.abstained for _, result in results),
        )

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        query = self._limited(query_bundle)
        rewriting = self._rewriting(query)
        if rewriting is None:
            within = self.retriever.plan(self._asked(query))
            return Plan(self.name, "asks what a function writes", None, None, None, parts=(within,))
        assert self._model is not None
        plan = rewriting.plan(self.name, self._model.name)
        if self._as_one:
            passages = [f"{number} {_PLANNED}" for number in range(self._count if rewriting.words else 0)]
            return replace(plan, parts=(self.retriever.plan(self._with_passages(query, passages)),))
        asked = self._asked(query)
        if not rewriting.words:
            return replace(plan, parts=(self.retriever.plan(asked),))
        other = self.retriever.plan(_other(asked, asked.query_str))
        parts = [self.retriever.plan(asked)] if self._original else [other]
        again = other.without_once()
        more = range(2, self._count + self._original + 1)
        return replace(plan, parts=(*parts, *(replace(again, name=f"{other.name}@{number}") for number in more)))


def _other(query: QueryBundle, words: str) -> QueryBundle:
    return query.replace(query_str=words, embedding=None, custom_embedding_strs=None)
