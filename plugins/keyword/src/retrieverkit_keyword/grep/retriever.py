"""`GrepRetriever`: nodes whose text has what is looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.deadline import remaining
from retrieverkit_core.errors import DeadlineExceededError, RetrievalError
from retrieverkit_core.filters import MetadataFilter, MetadataFilters
from retrieverkit_core.found import Found, Pair
from retrieverkit_core.hits import Evidence
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import LegState, LegStatus
from retrieverkit_indexing.derived import IndexRetriever
from retrieverkit_keyword.grep import trigrams
from retrieverkit_keyword.grep.index import GrepIndex, GrepReader, Texts
from retrieverkit_keyword.grep.lines import matching_lines
from retrieverkit_keyword.grep.options import SCORES, Case, GrepOptions, Order
from retrieverkit_keyword.grep.pattern import Matcher, matcher
from retrieverkit_keyword.options import FILTERS

if TYPE_CHECKING:
    from retrieverkit_indexing.metadata import MetadataIndex


class TimeLimitError(RetrievalError, TimeoutError):
    """The time limit passed before anything was found.

    Attributes:
        searched: How many texts were searched to the end by then.
        texts: How many there are to search, where filters leave none out.
    """

    code = "time_limit"

    def __init__(self, who: str, seconds: float, searched: int, texts: int) -> None:
        self.searched, self.texts = searched, texts
        super().__init__(
            f"{who} searched {searched:,} of {texts:,} texts within {seconds:g} s",
            fix="write a simpler expression, filter, or raise time_limit",
        )


class GrepRetriever(IndexRetriever[GrepReader]):
    """Finds the nodes whose text has a literal, or a match of a regular expression.

    The query is taken as it is, white space around it too. The score is the number of matches. The evidence of a hit
    has that number and the lines with matches: their numbers in the node's text, the column of the first match in each,
    and what they say. Of a regular expression, ``^`` and ``$`` stand for the ends of lines; its syntax is that of
    Python's `re` and what the engine, `regex`, has beside it.

    Args:
        corpus: What to retrieve from.
        storage: The folder under which the corpus's indexes live.
        top_k: How many hits a query gets that does not say.
        regex: Whether the query is a regular expression; else it is literal.
        case: ``ignore``: case does not matter; ``match``: it does; ``smart``: it does where the query has capitals.
        word: Whether a match must not stand next to a letter, a digit or an underscore.
        order: ``matches``: most matches first, equal ones in the order of the corpus; ``corpus``: in the order of the
            corpus, each with the score 1, and no more is looked at than needed.
        time_limit: Seconds after which what was found by then is returned as partial, or a `TimeLimitError` is raised
            where that is nothing.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Attributes:
        index: The texts and their trigrams.

    Raises:
        OptionError: An option has a value that cannot be.
    """

    scores = SCORES
    filter_capabilities = FILTERS
    name = "grep"

    def __init__(
        self,
        corpus: Corpus,
        storage: Path | str,
        *,
        top_k: int = 5,
        regex: bool = False,
        case: Case = "smart",
        word: bool = False,
        order: Order = "matches",
        time_limit: float = 5.0,
        **base: Any,
    ) -> None:
        super().__init__(**base)
        self._options = GrepOptions.checked(
            self.name, top_k=top_k, regex=regex, case=case, word=word, order=order, time_limit=time_limit
        )
        self.default_top_k = top_k
        self._storage = Path(storage)
        self._metadata: MetadataIndex | None = None
        self.index: GrepIndex = GrepIndex(corpus, self._storage)

    def can_push(self, filter: MetadataFilter) -> bool:  # noqa: A002 - the name of what it is
        """Return True: the metadata index applies every condition exactly."""
        return True

    def _search(self, reader: GrepReader, query_bundle: QueryBundle) -> Found:
        options = self._options
        if not query_bundle.query_str.strip():  # it has a vector, which says nothing here
            return Found([])
        finds = matcher(query_bundle.query_str, is_regex=options.regex, case=options.case, word=options.word)
        left = remaining()
        seconds = options.time_limit if left is None else min(options.time_limit, left)
        admits = None if query_bundle.filters is None else self._admits(query_bundle.filters)
        with reader.reading() as texts:
            search = _Search(texts, finds, monotonic() + seconds)
            if options.order == "corpus":
                found = search.first(query_bundle.top_k, admits)
            else:
                found = search.best(query_bundle.top_k, admits)
            pairs: list[Pair] = [(at, float(n) if options.order == "matches" else 1.0) for at, n in found]
            evidence = [
                (Evidence(self.name, rank, score, {"matches": found[rank - 1][1], "lines": search.lines(ordinal)}),)
                for rank, (ordinal, score) in enumerate(pairs, 1)
            ]
            if not search.timed_out:
                return Found(pairs, evidence=evidence)
            error = TimeLimitError(self.name, seconds, search.searched, texts.count())
        if left is not None and left <= options.time_limit:
            raise DeadlineExceededError(self.name, left) from error
        if not pairs:
            raise error
        leg = LegStatus(self.name, LegState.TIMEOUT, len(pairs), seconds * 1000, error)
        return Found(pairs, evidence=evidence, legs=(leg,))

    def _admits(self, filters: MetadataFilters) -> Callable[[int], bool]:
        if self._metadata is None:
            from retrieverkit_indexing.metadata import (
                MetadataIndex,
            )  # loads numpy, which a search without filters spares

            self._metadata = MetadataIndex(self.index.corpus, self._storage)
        admitted = self._metadata.reader().ordinals_of(filters)
        return frozenset(admitted.tolist()).__contains__


class _Search:
    """One search under way.

    Attributes:
        searched: How many texts were searched to the end.
        timed_out: Whether the time was up before all was done.
    """

    def __init__(self, texts: Texts, finds: Matcher, until: float) -> None:
        self._texts, self._finds, self._until = texts, finds, until
        self._wanted = trigrams.query(finds.needs)
        self.searched = 0
        self.timed_out = False

    def first(self, limit: int | None, admits: Callable[[int], bool] | None) -> list[tuple[int, int]]:
        """Return the first nodes with matches, each with their number."""
        found: list[tuple[int, int]] = []
        for hit in self._matching(admits):
            found.append(hit)
            if limit is not None and len(found) >= limit:
                break
        return found

    def best(self, limit: int | None, admits: Callable[[int], bool] | None) -> list[tuple[int, int]]:
        """Return the nodes with most matches, each with their number."""
        return sorted(self._matching(admits), key=lambda hit: (-hit[1], hit[0]))[:limit]

    def lines(self, ordinal: int) -> list[dict[str, Any]]:
        """Return the lines with matches in a text that has some; none where the time is up."""
        try:
            for _, text in self._texts.at([ordinal]):
                return self._finds.used(text, self._until, partial(matching_lines, text))
        except TimeoutError:
            self.timed_out = True
        return []

    def _matching(self, admits: Callable[[int], bool] | None) -> Iterator[tuple[int, int]]:
        until = self._until
        for ordinal, text in self._texts.holding(self._wanted, admits):
            try:
                count = self._finds.count(text, until)
            except TimeoutError:
                self.timed_out = True
                return
            self.searched += 1
            if count:
                yield ordinal, count
            if monotonic() >= until:
                self.timed_out = True
                return
