"""`ShadowRetriever`: one retriever serves, another is compared with it off the path."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from threading import BoundedSemaphore
from typing import Any

from retrieverkit_compose.around import Around, check_retriever, checked, explicit
from retrieverkit_compose.shadow.comparison import Comparison
from retrieverkit_compose.shadow.options import ShadowSettings
from retrieverkit_core import deadline, explain
from retrieverkit_core.errors import OverloadedError
from retrieverkit_core.plan import Plan
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.result import RetrievalResult
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.threads import WORKERS

logger = logging.getLogger("retrieverkit.shadow")


class ShadowRetriever(Around):
    """Answers by one retriever, then asks another the same in a thread of its own, and logs in what they differ.

    The other changes nothing of the answer: not its hits, nor its time, nor whether it fails. It is asked with the same
    filters and scope, and what it spends on models counts in the caller's budget as far as that lasts. Differences are
    logged by ``retrieverkit.shadow``, without the query.

    Args:
        retriever: Who answers.
        shadow: Who is compared.
        on_compared: Is called with each `Comparison`, in that thread.
        timeout: Seconds after which the other is given up.
        concurrency: At most this many comparisons run at once; further queries are not compared, and the log says so.
        top_k: How many hits a query gets that does not say.
        **base: What every retriever takes: ``object_map``, ``objects``, ``hooks``, ``verbose``.

    Raises:
        OptionError: A setting is wrong.
    """

    name = "shadow"

    def __init__(
        self,
        retriever: BaseRetriever,
        shadow: BaseRetriever,
        *,
        on_compared: Callable[[Comparison], object] | None = None,
        timeout: float = 30.0,
        concurrency: int = 4,
        top_k: int = 5,
        **base: Any,
    ) -> None:
        super().__init__(retriever, **base)
        check_retriever(self.name, "shadow", shadow)
        given = {"timeout": float(timeout), "concurrency": concurrency, "top_k": top_k}
        settings = checked(self.name, ShadowSettings, given)
        self.shadow = shadow
        self.default_top_k = settings.top_k
        self.scores = retriever.score_spec
        self._on_compared = on_compared
        self._timeout = settings.timeout
        self._slots = BoundedSemaphore(settings.concurrency)

    @property
    def sub_retrievers(self) -> Sequence[BaseRetriever]:
        """Both retrievers."""
        return (self.retriever, self.shadow)

    def _retrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        return self._served(query_bundle, self.retriever.retrieve(explicit(query_bundle)))

    async def _aretrieve(self, query_bundle: QueryBundle) -> RetrievalResult:
        return self._served(query_bundle, await self.retriever.aretrieve(explicit(query_bundle)))

    def _served(self, query: QueryBundle, found: RetrievalResult) -> RetrievalResult:
        if not self._slots.acquire(blocking=False):
            logger.warning("%s was not compared: too many comparisons are running", self.shadow.name)
        else:
            ids = [hit.node.id for hit in found]
            asked = explicit(query).replace(timeout=self._timeout)
            try:
                WORKERS.submit(self._compare, asked, ids, found.elapsed * 1000)
            except OverloadedError as error:
                self._slots.release()
                logger.warning("%s was not compared: %s", self.shadow.name, error)
        return self._made(found, found)

    def _compare(self, query: QueryBundle, served: Sequence[str], milliseconds: float) -> None:
        """Ask the other retriever, and tell of it; whatever goes wrong is told too."""
        try:
            with deadline.lifted(), explain.unrecorded():
                try:
                    compared = Comparison.of(served, milliseconds, self.shadow.retrieve(query))
                except Exception as error:
                    compared = Comparison(tuple(served), served_ms=milliseconds, error=error)
            level = logging.INFO if compared.error is None else logging.WARNING
            logger.log(level, "%s beside %s: %s", self.shadow.name, self.retriever.name, compared)
            if self._on_compared is not None:
                self._on_compared(compared)
        except Exception:
            logger.exception("what is told of comparisons raised")
        finally:
            self._slots.release()

    def _plan(self, query_bundle: QueryBundle) -> Plan:
        query = self._limited(query_bundle)
        does = f"answers by {self.retriever.name}, and compares {self.shadow.name} afterwards"
        return Plan(self.name, does, parts=(self.retriever.plan(query), self.shadow.plan(query)))
