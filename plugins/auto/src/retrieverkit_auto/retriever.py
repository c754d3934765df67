"""`AutoRetriever`: finds filters in the words of a question, and asks another retriever with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from pydantic import BaseModel

from retrieverkit_auto.fields import MetadataInfo
from retrieverkit_auto.model import PROMPT, ModelReader
from retrieverkit_auto.options import AutoSettings, Interpreter
from retrieverkit_auto.rules.reading import read
from retrieverkit_auto.schema import Schema, Schemas
from retrieverkit_auto.spec import AutoSpec
from retrieverkit_core.corpus import Corpus
from retrieverkit_core.errors import MissingServiceError, OptionError, shorten
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import Outcome, RetrievalResult
from retrieverkit_core.retriever import BaseAutoRetriever, BaseRetriever, Hits
from retrieverkit_core.services import LanguageModel
from retrieverkit_core.threads import offload


class AutoRetriever(BaseAutoRetriever):
    """Finds filters and the number of hits in the words of a question, and asks a retriever with them.

    What was read is ``result.spec``, and is told in the result's notes. Caller's filters and scope hold besides,
    whatever was read; who reads knows only the fields and values of nodes that pass them.

    Args:
        retriever: Who is asked.
        corpus: Where the fields and their values are looked up, or None where all are declared.
        interpreter: ``"rules"`` reads English questions and leaves in the query what is not certain; ``"model"`` asks
            a language model, whose answer is checked.
        llm: The language model.
        metadata: The fields that may be filtered by; all that the corpus has if None.
        content: What the documents are, in words: for the model, and because these words tell no document from others.
        top_k: How many hits a question gets that does not say.
        max_top_k: At most this many hits, however many a question asks for; a caller's ``top_k`` holds besides.
        instructions: What the model is told. It is the prompt of that name, see `get_prompts`.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: A setting is wrong.
        MissingServiceError: A model is to be asked and there is none.
    """

    name = "auto"

    def __init__(
        self,
        retriever: BaseRetriever,
        corpus: Corpus | None = None,
        *,
        interpreter: Interpreter = "rules",
        llm: LanguageModel | None = None,
        metadata: Sequence[MetadataInfo | Mapping[str, Any]] | None = None,
        content: str = "",
        top_k: int = 5,
        max_top_k: int = 20,
        instructions: str | None = None,
        **base: Any,
    ) -> None:
        super().__init__(**base)
        if not isinstance(retriever, BaseRetriever):
            problem = f"{shorten(repr(retriever))} is not a BaseRetriever"
            raise OptionError("auto", [("retriever", problem)], fix="pass one, such as index.as_retriever()")
        settings = AutoSettings.checked(
            interpreter=interpreter,
            metadata=metadata,
            content=content,
            top_k=top_k,
            max_top_k=max_top_k,
            instructions=instructions,
        )
        if interpreter == "model" and llm is None:
            raise MissingServiceError(
                "interpreter='model' needs a language model and there is none", fix="pass llm=, or use the rules"
            )
        if corpus is None and metadata is None:
            raise OptionError("auto", [("metadata", "is needed where there is no corpus to look fields up in")])
        self.default_top_k = top_k
        self.scores = retriever.score_spec
        self.answers_blank = retriever.answers_blank
        self._asked = retriever
        self._corpus = corpus
        self._max_top_k = max_top_k
        self._content = content
        self._model = llm if interpreter == "model" else None
        self._schemas = Schemas(corpus, settings.metadata)
        if self._model is not None:
            self.prompts = {"instructions": PROMPT}
            if instructions is not None:
                self.update_prompts(instructions=instructions)

    @property
    def sub_retrievers(self) -> Sequence[BaseRetriever]:
        """Who is asked."""
        return [self._asked]

    def generate_retrieval_spec(self, query_bundle: QueryBundle) -> AutoSpec:
        """Return what a question is read as.

        Raises:
            FilterGenerationError: The model's answer cannot be used.
            ServiceError: The model does not answer.
        """
        question, schema = query_bundle.query_str, self._schema(query_bundle)
        if self._model is None:
            return self._read(question, schema)
        return self._reader(question, schema).ask(self._model)

    async def agenerate_retrieval_spec(self, query_bundle: QueryBundle) -> AutoSpec:
        """As `generate_retrieval_spec`, without blocking the event loop."""
        if self._model is None:
            return await offload(self.generate_retrieval_spec, query_bundle)
        schema = await offload(self._schema, query_bundle)
        return await self._reader(query_bundle.query_str, schema).aask(self._model)

    def _retrieve(self, query_bundle: QueryBundle) -> Hits:
        return self._filled(super()._retrieve(query_bundle), query_bundle)

    async def _aretrieve(self, query_bundle: QueryBundle) -> Hits:
        answer = await super()._aretrieve(query_bundle)
        return await offload(self._filled, answer, query_bundle)

    def _filled(self, answer: Hits, asked: QueryBundle) -> Hits:
        """Add what passes the filters where the question asks for nothing else, such as ``papers after 1990``.

        A retriever that ranks by words finds few of them, or none. They come without a score, in the order of the
        corpus, behind what was found. So they do where nothing was found by the words that are left.
        """
        if not isinstance(answer, RetrievalResult) or self._corpus is None:
            return answer
        spec = answer.spec
        if not isinstance(spec, AutoSpec) or spec.filters is None:
            return answer
        if spec.ranks and (answer or answer.outcome is not Outcome.EMPTY):
            return answer
        limit = self._narrowed(_query_of(spec), asked).top_k or 0
        found = {hit.node.id for hit in answer}
        missing = limit - len(answer)
        if missing <= 0 or answer.abstained:
            return answer
        ordinals = islice(self._schema(asked).passing(spec.filters), limit)
        nodes = [node for node in self._corpus.fetch(list(ordinals)) if node is not None and node.id not in found]
        answer.extend(NodeWithScore(node) for node in nodes[:missing])
        if nodes:
            nothing = f"nothing was found for {shorten(repr(spec.query), 80)}; " if spec.ranks else ""
            note = f"{nothing}hits without a score pass the filters, in the order of the corpus"
            answer.notes = (*answer.notes, note)
        return answer

    def _build_retriever_from_spec(self, spec: BaseModel) -> tuple[BaseRetriever, QueryBundle]:
        assert isinstance(spec, AutoSpec)
        if self._verbose:
            print(f"{self.name}: query {spec.query!r}; {'; '.join(spec.notes)}")
        return self._asked, _query_of(spec)

    async def _abuild_retriever_from_spec(self, spec: BaseModel) -> tuple[BaseRetriever, QueryBundle]:
        return self._build_retriever_from_spec(spec)

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        question, schema = query_bundle.query_str, self._schema(query_bundle)
        if self._model is not None:
            return self._reader(question, schema).plan(self.name, self._model, self._asked.plan(query_bundle))
        spec = self._read(question, schema)
        query = self._narrowed(_query_of(spec), query_bundle)
        return Plan(self.name, "; ".join(("reads by rules", *spec.notes)), parts=(self._asked.plan(query),))

    def _read(self, question: str, schema: Schema) -> AutoSpec:
        return read(question, schema, max_top_k=self._max_top_k, content=self._content)

    def _schema(self, query: QueryBundle) -> Schema:
        return self._schemas.of(MetadataFilters.and_(query.filters, query.scope))

    def _reader(self, question: str, schema: Schema) -> ModelReader:
        return ModelReader(question, schema, self.prompts["instructions"], self._content, self._max_top_k)


def _query_of(spec: AutoSpec) -> QueryBundle:
    return QueryBundle(spec.query, top_k=spec.top_k, filters=spec.filters)
