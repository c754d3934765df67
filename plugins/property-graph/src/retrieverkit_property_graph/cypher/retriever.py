"""`GraphCypherRetriever`: a language model writes Cypher; `GraphCypherTemplateRetriever`: it fills in parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from retrieverkit_core import deadline
from retrieverkit_core.corpus import Corpus
from retrieverkit_core.errors import OptionError, shorten
from retrieverkit_core.found import Found
from retrieverkit_core.hits import Evidence
from retrieverkit_core.plan import Plan, tokens_of
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.services import LanguageModel, Prompt
from retrieverkit_indexing.derived import answer
from retrieverkit_property_graph.cypher.allowing import Allowed, Limits, allowed
from retrieverkit_property_graph.cypher.asking import (
    EXPECTED_TOKENS,
    FILL,
    REPAIR,
    SCHEMA_TOKENS,
    WRITE,
    query_of,
    to_fill,
    to_repair,
    to_write,
    values_of,
)
from retrieverkit_property_graph.cypher.errors import CypherQueryError, CypherRefusedError
from retrieverkit_property_graph.cypher.grounds import (
    Grounds,
    belonging,
    grounds_of,
    shown_rows,
    supported,
    together,
    told,
)
from retrieverkit_property_graph.cypher.options import SCORES, CypherOptions, CypherTemplateOptions
from retrieverkit_property_graph.cypher.store import LADYBUG, CypherStore
from retrieverkit_property_graph.graph_retriever import SHOWN, GraphRetriever
from retrieverkit_property_graph.options import GraphOptions
from retrieverkit_property_graph.paths import as_json

if TYPE_CHECKING:
    from retrieverkit_property_graph.cypher.sandbox.worker import Rows
    from retrieverkit_property_graph.graph.reader import GraphReader
    from retrieverkit_property_graph.graph.tables import Integers
    from retrieverkit_property_graph.graph.view import GraphView


class CypherRetriever(GraphRetriever):
    """The base of retrievers that ask the graph in Cypher, after a language model was asked.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        model: The language model.
        store: Where the graph is put to be asked; a throw-away copy in a process of its own if None.
        **given: Options (`CypherOptions`), and what `GraphRetriever` takes.

    Raises:
        OptionError: There is no such option, or it has a value that cannot be.
        MissingServiceError: A model is to extract and there is none.
    """

    scores = SCORES
    asks_model = True
    options_type: ClassVar[type[GraphOptions]] = CypherOptions

    options: CypherOptions

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        model: LanguageModel,
        *,
        store: CypherStore | None = None,
        **given: Any,
    ) -> None:
        super().__init__(corpus, storage, **given)
        self._model = model
        self._store = LADYBUG if store is None else store
        self._limits = Limits(rows=self.options.max_rows, hops=self.options.max_hops)

    def _ask(self, query_bundle: QueryBundle) -> Found:
        """Ask the model and the graph. The query has words."""
        raise NotImplementedError

    def _retrieve(self, query_bundle: QueryBundle) -> Found:
        if not query_bundle.query_str.strip():
            nothing = Found([], notes=(f"{self.name}: the query has no words, so nothing was searched for",))
            return answer(self.index, lambda _: nothing)
        return self._ask(query_bundle)

    def _run(self, written: str, run: Allowed, parameters: Mapping[str, Any], query_bundle: QueryBundle) -> Found:
        """Return the nodes that support what a query returns.

        Args:
            written: The query as it was written.
            run: The same as it may run.
            parameters: The values of its parameters.
            query_bundle: What `_retrieve` is given.

        Raises:
            CypherError: The query cannot be run, takes too long, or ends the process that runs it.
        """
        bound = run.bound(parameters)
        asked = {"query": written, "parameters": dict(parameters)} if parameters else {"query": written}
        everything = query_bundle.filters is None

        def search(reader: GraphReader) -> Found:
            reader = self._as_settings_are(reader)
            with reader.view(self._allowed(query_bundle)) as view:

                def rows_of(query: str, most: int) -> Rows:
                    seconds = self._seconds()
                    return self._store.ask(
                        reader, view, query, bound, everything=everything, rows=most, seconds=seconds
                    )

                rows = rows_of(run.text, self._limits.rows)
                contents = self._store.contents(reader, view, everything=everything)
                cut = [self._cut(rows)] if rows.more else []
                if run.grounds is None or not rows.rows:
                    found = [grounds_of(row, contents) for row in rows.rows]
                else:
                    every = rows_of(run.grounds, self._limits.grounds)
                    if every.more:
                        cut.append(f"more was counted than the {self._limits.grounds} rows that hits are looked for in")
                    found = [together(grounds_of(row, contents) for row in belonging(rows.rows, every.rows, run.keys))]
                return self._found_by(view, run, asked, rows, found, top_k=query_bundle.top_k, cut=cut)

        return answer(self.index, search)

    def _cut(self, rows: Rows) -> str:
        if not rows.rows:
            raise CypherQueryError("a row of the result is larger than can be read", fix="return less in one row")
        if len(rows.rows) < self._limits.rows:
            return f"there are more rows than were read, {len(rows.rows)}, as they are large"
        return f"there are more rows than were read, at most {self._limits.rows} (max_rows)"

    def _found_by(
        self,
        view: GraphView,
        run: Allowed,
        asked: Mapping[str, Any],
        rows: Rows,
        grounds: list[Grounds],
        *,
        top_k: int | None,
        cut: Sequence[str],
    ) -> Found:
        """Return the nodes that support rows, and what to tell of them."""
        columns = rows.columns if run.columns is None else run.columns
        by_row = run.grounds is None
        nodes = supported(view, grounds)[:top_k]
        steps = sorted({relation for node in nodes for relation in node.relations[:SHOWN]})
        paths = dict(zip(steps, as_json(view, [(step,) for step in steps], self.index.corpus), strict=True))
        pairs: list[tuple[int, float | None]] = []
        evidence = []
        for rank, node in enumerate(nodes, start=1):
            score = 1.0 / (1 + node.rows[0])
            told_of = {
                **asked,
                "rows": shown_rows(columns, rows.rows, node.rows if by_row else range(len(rows.rows))),
                "paths": [paths[relation] for relation in node.relations[:SHOWN]],
            }
            pairs.append((node.ordinal, score))
            evidence.append((Evidence(self.name, rank, score, told_of),))
        notes = [f"{self.name}: ran {shorten(asked['query'], 300)}"]
        if rows.rows and not (by_row and nodes):
            what = "" if nodes else ", which no node stands for"
            notes.append(f"{self.name}: the query returned {told(columns, rows.rows)}{what}")
        warnings = tuple(f"{self.name}: {each}" for each in cut)
        return Found(pairs, evidence=evidence, notes=(*notes, *view.notes(self.name)), warnings=warnings)

    def _allowed(self, query_bundle: QueryBundle) -> Integers | None:
        if query_bundle.filters is None:
            return None
        return self._metadata.reader().ordinals_of(query_bundle.filters)

    def _seconds(self) -> float:
        """Return how long the next query may take: a process is ended with the caller's deadline, at the latest."""
        left = deadline.remaining()
        limit = self.options.time_limit
        return limit if left is None else max(0.001, min(limit, left))


class GraphCypherRetriever(CypherRetriever):
    """Finds the nodes that support what a Cypher query returns; a language model writes the query.

    The model is shown the labels, the relation labels and the names of properties that nodes in scope support, and the
    question. What it writes runs only if it reads and nothing else (`cypher.allowing`), over what those nodes support
    and nothing else. A query that cannot run goes back to the model once, with the reason; then it is an error.

    A row of the result stands for the nodes that support its relations, those that the query matched included; a row
    without relations for the nodes that name its entities. The score is 1 over the place of the first row that a node
    supports. Where rows are counted or made one, the hits are the nodes that support what was counted, those that
    support more of it first, and a note has the rows; so it has where no node stands for them.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        model: The language model.
        store: Where the graph is put to be asked; a throw-away copy in a process of its own if None.
        **given: Options (`CypherOptions`), and what `GraphRetriever` takes.

    Raises:
        OptionError: There is no such option, or it has a value that cannot be.
        MissingServiceError: A model is to extract and there is none.
    """

    name = "graph_cypher"
    prompts = {"write": WRITE, "repair": REPAIR}

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        model: LanguageModel,
        *,
        store: CypherStore | None = None,
        **given: Any,
    ) -> None:
        super().__init__(corpus, storage, model, store=store, **given)
        self.notes = (*self.notes, f"Cypher: by {model.name}")

    def _ask(self, query_bundle: QueryBundle) -> Found:
        prompt = self._prompt(query_bundle, self._schema(query_bundle))
        written = query_of(self._model.ask(prompt))
        try:
            return self._checked(written, query_bundle)
        except (CypherRefusedError, CypherQueryError) as error:
            refused = error
            why = f"{error.message} {error.fix}"
        again = to_repair(prompt, self.prompts["repair"], written[: self._limits.characters], why)
        found = self._checked(query_of(self._model.ask(again)), query_bundle)
        reason = refused.message.splitlines()[0]
        found.notes = (*found.notes, f"{self.name}: a query before it was not run: {shorten(reason, 200)}")
        return found

    def _checked(self, written: str, query_bundle: QueryBundle) -> Found:
        return self._run(written, allowed(written, dialect=self._store.dialect, limits=self._limits), {}, query_bundle)

    def _prompt(self, query_bundle: QueryBundle, schema: str) -> Prompt:
        return to_write(self.prompts["write"], self.options.max_hops, schema, query_bundle.query_str)

    def _schema(self, query_bundle: QueryBundle) -> str:
        """Return what the model may know of the graph: what nodes that pass support."""

        def read(reader: GraphReader) -> str:
            reader = self._as_settings_are(reader)
            with reader.view(self._allowed(query_bundle)) as view:
                everything = query_bundle.filters is None
                return self._store.contents(reader, view, everything=everything).schema

        return self.index.ask_at(read)[0]

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        parts = self._index_plan(query_bundle)
        if not query_bundle.query_str.strip():
            return Plan(self.name, "finds nothing, and asks nobody", parts=parts)
        prompt = self._prompt(query_bundle, "")
        tokens = tokens_of(prompt.system, *prompt.data) + SCHEMA_TOKENS + EXPECTED_TOKENS
        return Plan(self.name, f"asks {self._model.name} for Cypher, and runs it", 1, 0, tokens, parts=parts)


class GraphCypherTemplateRetriever(CypherRetriever):
    """Finds the nodes that support what a Cypher query of yours returns; a language model fills in its parameters.

    The query is checked when the retriever is made: it reads and nothing else, as in `GraphCypherRetriever`. The model
    is shown the names and types of the parameters, and the question. What it fills in is checked by type and given to
    the database as values; it is never text of the query. Hits are those of `GraphCypherRetriever`.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        model: The language model.
        store: Where the graph is put to be asked; a throw-away copy in a process of its own if None.
        **given: Options (`CypherTemplateOptions`), and what `GraphRetriever` takes.

    Raises:
        OptionError: There is no such option, or it has a value that cannot be; the query may not run, or does not use
            its parameters.
        MissingServiceError: A model is to extract and there is none.
    """

    name = "graph_cypher_template"
    prompts = {"fill": FILL}
    options_type = CypherTemplateOptions

    options: CypherTemplateOptions

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        model: LanguageModel,
        *,
        store: CypherStore | None = None,
        **given: Any,
    ) -> None:
        super().__init__(corpus, storage, model, store=store, **given)
        self.notes = (*self.notes, f"parameters: by {model.name}")
        self._template = self._checked_template()

    def _checked_template(self) -> Allowed:
        query, parameters = self.options.query, self.options.parameters
        try:
            run = allowed(query, dialect=self._store.dialect, limits=self._limits, parameters=parameters)
        except CypherRefusedError as error:
            raise OptionError(self.name, [("query", error.message)], fix=error.fix) from error
        unused = ", ".join(f"${name}" for name in sorted(set(parameters) - run.asks))
        if unused:
            raise OptionError(self.name, [("parameters", f"the query does not use {unused}")])
        return run

    def _ask(self, query_bundle: QueryBundle) -> Found:
        values = values_of(self._model.ask(self._prompt(query_bundle)), self.options.parameters)
        found = self._run(self.options.query, self._template, values, query_bundle)
        filled = ", ".join(f"{name} = {shorten(repr(value))}" for name, value in values.items())
        found.notes = (*found.notes, f"{self.name}: {filled}")
        return found

    def _prompt(self, query_bundle: QueryBundle) -> Prompt:
        return to_fill(self.prompts["fill"], self.options.parameters, query_bundle.query_str)

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        parts = self._index_plan(query_bundle)
        if not query_bundle.query_str.strip():
            return Plan(self.name, "finds nothing, and asks nobody", parts=parts)
        prompt = self._prompt(query_bundle)
        tokens = tokens_of(prompt.system, *prompt.data) + EXPECTED_TOKENS
        return Plan(self.name, f"asks {self._model.name} for values, and runs Cypher", 1, 0, tokens, parts=parts)
