"""Retrievers that each break one promise, by the name of the check that must notice."""

import asyncio
import itertools
import re
import threading
import time

from kit_good import AsyncWords, Words

from retrieverkit_core import Node, NodeWithScore, QueryBundle, ScoreKind, ScoreSpec, deadline, explain
from retrieverkit_core.errors import BatchError, QueryError, RetrieverKitError
from retrieverkit_core.explain import How, Score
from retrieverkit_core.plugin import NO_PUSHDOWN
from retrieverkit_core.result import LegState, LegStatus, RetrievalResult


class Around(Words):
    """Goes around what is final, by putting its own `retrieve` onto the instance."""

    def __init__(self, documents):
        super().__init__(documents)
        self.core = self.retrieve
        self.retrieve = self.instead

    def instead(self, query):
        return self.core(query)


class Meets(Around):
    """Knows how many calls are under way, so that one can wait for what another does, however slow the machine is."""

    def __init__(self, documents):
        super().__init__(documents)
        self.calls = []

    def instead(self, query):
        self.calls.append(query)
        try:
            return self.core(query)
        finally:
            self.calls.remove(query)

    def wait_for_another(self, seen, naps=300):
        """Wait until ``seen()`` while others call, and not for ever, as they may wait too."""
        while len(self.calls) > 1 and not seen() and naps:
            time.sleep(0.001)
            naps -= 1


class Strings(Words):
    def _retrieve(self, query_bundle):
        return [hit.node.text for hit in super()._retrieve(query_bundle)]


class CutsTexts(Words):
    def _retrieve(self, query_bundle):
        found = super()._retrieve(query_bundle)
        return [NodeWithScore(Node(text=hit.text[:10], id=hit.node.id), hit.score) for hit in found]


class Twice(Words):
    def _retrieve(self, query_bundle):
        return [each for hit in self.hits(query_bundle) for each in (hit, hit)][: query_bundle.top_k]


class Backwards(Words):
    def _retrieve(self, query_bundle):
        return super()._retrieve(query_bundle)[::-1]


class BeyondItsBounds(Words):
    scores = ScoreSpec(ScoreKind.PROBABILITY, lower_bound=0.0, upper_bound=1.0)


class RanksFromZero(Words):
    def _retrieve(self, query_bundle):
        found = super()._retrieve(query_bundle)
        return [NodeWithScore(hit.node, hit.score, (("words", n, hit.score),)) for n, hit in enumerate(found)]


class LosesALeg(Words):
    def _retrieve(self, query_bundle):
        leg = LegStatus("lost", LegState.FAILED, error=OSError("gone"))
        return RetrievalResult(super()._retrieve(query_bundle), legs=[leg])


class ObjectsInMetadata(Words):
    def _retrieve(self, query_bundle):
        found = super()._retrieve(query_bundle)
        return [NodeWithScore(Node(text=h.text, id=h.node.id, metadata={"engine": self}), h.score) for h in found]


class IgnoresTheQuery(Words):
    def _retrieve(self, query_bundle):
        return [NodeWithScore(node, 1.0) for node in self.nodes()[: query_bundle.top_k]]


class HiddenLimit(Words):
    def _retrieve(self, query_bundle):
        return super()._retrieve(query_bundle)[:10]


class ZeroIsNotGiven(Around):
    def instead(self, query):
        query = QueryBundle.of(query)
        return self.core(query.replace(top_k=query.top_k or 5))


class ReturnsAll(Words):
    def _retrieve(self, query_bundle):
        return self.hits(query_bundle)


class OneLess(Words):
    def _retrieve(self, query_bundle):
        return super()._retrieve(query_bundle)[:-1]


class SmallNumbers(Words):
    def _retrieve(self, query_bundle):
        (query_bundle.top_k or 0).to_bytes(3, "little")
        return super()._retrieve(query_bundle)


class TakesAnything(Around):
    def instead(self, query):
        return self.core(query if isinstance(query, (str, QueryBundle)) else "anything")


class ForgetsItsDefault(Around):
    def instead(self, query):
        return self.core(QueryBundle(query, top_k=100) if isinstance(query, str) else query)


class GrowsTired(Words):
    asked = 0

    def _retrieve(self, query_bundle):
        self.asked += 1
        return super()._retrieve(query_bundle)[self.asked > 3 :]


class EachIsAnother(Words):
    made = itertools.count()

    def __init__(self, documents):
        super().__init__(documents)
        self.skipped = next(self.made) % 2

    def _retrieve(self, query_bundle):
        return super()._retrieve(query_bundle)[self.skipped :]


class TiesByLimit(Words):
    def _retrieve(self, query_bundle):
        turn = query_bundle.top_k % 3 - 1
        found = sorted(self.matching(query_bundle), key=lambda one: (-one[0], one[1] * turn))
        return [NodeWithScore(node, score) for score, _, node in found][: query_bundle.top_k]


class TiesByHash(Words):
    def _retrieve(self, query_bundle):
        found = sorted(self.hits(query_bundle), key=lambda hit: (-hit.score, hash(hit.node.id)))
        return found[: query_bundle.top_k]


class AnswersBlank(Words):
    answers_blank = True

    def _retrieve(self, query_bundle):
        if query_bundle.is_blank:
            return [NodeWithScore(node, 0.0) for node in self.nodes()[: query_bundle.top_k]]
        return super()._retrieve(query_bundle)


class BestOfNothing(Words):
    def _retrieve(self, query_bundle):
        max(node.id for node in self.nodes())
        return super()._retrieve(query_bundle)


class DividesByLength(Words):
    def _retrieve(self, query_bundle):
        min(1 / len(self.words(node.text)) for node in self.nodes())
        return super()._retrieve(query_bundle)


class NeedsATerm(Words):
    def _retrieve(self, query_bundle):
        max(self.words(query_bundle.query_str))
        return super()._retrieve(query_bundle)


class FillsUp(Words):
    def _retrieve(self, query_bundle):
        found = super()._retrieve(query_bundle)
        known = {hit.node.id for hit in found}
        rest = [node for node in self.nodes() if node.id not in known and self.passes(node, query_bundle)]
        return [*found, *(NodeWithScore(node, 0.0) for node in rest)][: query_bundle.top_k]


class ReadsPatterns(Words):
    def _retrieve(self, query_bundle):
        re.compile(query_bundle.query_str)
        return super()._retrieve(query_bundle)


class ReadsOperators(Words):
    def words(self, text):
        refused = set(re.findall(r"(?:NOT |-)(\w+)", text))
        return [word for word in super().words(text) if word not in refused]


class TakesHalfCharacters(Around):
    def instead(self, query):
        return self.core(query.encode(errors="replace").decode() if isinstance(query, str) else query)


class ReadsTheEnd(Words):
    def words(self, text):
        return super().words(text[-1000:])


class KnowsAsciiAlone(Words):
    def words(self, text):
        return re.findall(r"[a-z0-9]+", text.casefold())


class TidiesMetadata(Words):
    def _retrieve(self, query_bundle):
        found = super()._retrieve(query_bundle)
        for hit in found:
            hit.node.metadata = {key.strip(): value for key, value in hit.node.metadata.items() if key.isprintable()}
        return found


class ChangesTheQuery(Around):
    def instead(self, query):
        if isinstance(query, QueryBundle):
            object.__setattr__(query, "query_str", query.query_str.upper())
        return self.core(query)


class MarksDocuments(Words):
    def _retrieve(self, query_bundle):
        for document in self.documents:
            document.text += " "
        return super()._retrieve(query_bundle)


class RemembersInNodes(Words):
    def _retrieve(self, query_bundle):
        found = self.hits(query_bundle)[: query_bundle.top_k]
        for hit in found:
            hit.node.metadata["asked"] = query_bundle.query_str
        return found


class GivesItsCacheAway(Around):
    def __init__(self, documents):
        super().__init__(documents)
        self.cache = {}

    def instead(self, query):
        key = repr(query)
        if key not in self.cache:
            self.cache[key] = self.core(query)
        return self.cache[key]


class AsyncIsAnother(Words):
    def _retrieve(self, query_bundle):
        return super()._retrieve(query_bundle)

    async def _aretrieve(self, query_bundle):
        return self._retrieve(query_bundle)[1:]


class BatchInAnotherOrder(Words):
    def _retrieve_many(self, query_bundles):
        return [self._retrieve(query) for query in query_bundles][::-1]


class BatchFailsWhole(Words):
    def __init__(self, documents):
        super().__init__(documents)
        self.batch = self.retrieve_many
        self.retrieve_many = self.instead

    def instead(self, queries):
        queries = list(queries)
        try:
            return self.batch(queries)
        except BatchError as error:
            raise BatchError([None] * len(queries), dict.fromkeys(range(len(queries)), error)) from error


class SleepsInTheLoop(AsyncWords):
    async def _aretrieve(self, query_bundle):
        time.sleep(0.01)
        return await super()._aretrieve(query_bundle)


class RunsItsOwnLoop(Words):
    def _retrieve(self, query_bundle):
        return asyncio.run(self.later(query_bundle))

    async def later(self, query_bundle):
        return super()._retrieve(query_bundle)


class KeepsItsLoop(AsyncWords):
    loop = None

    async def _aretrieve(self, query_bundle):
        self.loop = self.loop or asyncio.get_running_loop()
        self.loop.call_soon(lambda: None)
        return await super()._aretrieve(query_bundle)


class KeepsItsQuery(Meets):
    def _retrieve(self, query_bundle):
        self.query = query_bundle
        self.wait_for_another(lambda: self.query.query_str != query_bundle.query_str)
        return super()._retrieve(self.query)


class KeepsItsQueryInALoop(AsyncWords):
    async def _aretrieve(self, query_bundle):
        self.query = query_bundle
        await asyncio.sleep(0)
        return await super()._aretrieve(self.query)


class PublishesTooEarly(Meets):
    built = None
    too_early = False

    def nodes(self):
        if self.built is None:
            self.built = []
            self.wait_for_another(lambda: self.too_early)
            self.built += self.stored
        self.too_early = not self.built
        return list(self.built)


class SwallowsCancelling(AsyncWords):
    async def _aretrieve(self, query_bundle):
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            return []
        return await super()._aretrieve(query_bundle)


class LeavesTasks(AsyncWords):
    async def _aretrieve(self, query_bundle):
        self.task = asyncio.create_task(asyncio.sleep(3600))
        return await super()._aretrieve(query_bundle)


class LeavesThreads(Words):
    test_ended = threading.Event()

    def _retrieve(self, query_bundle):
        threading.Thread(target=self.test_ended.wait, daemon=True).start()
        return super()._retrieve(query_bundle)


class LeavesFiles(Words):
    def __init__(self, documents):
        super().__init__(documents)
        self.files = []

    def _retrieve(self, query_bundle):
        self.files.append(open(__file__))  # noqa: SIM115 - that is what is wrong with it
        return super()._retrieve(query_bundle)


class FindsLessInAHurry(Words):
    def _retrieve(self, query_bundle):
        left = deadline.remaining()
        return super()._retrieve(query_bundle)[: None if left is None or left > 30 else 1]


class TellsTwice(Words):
    def _retrieve(self, query_bundle):
        if self._observers is not None:
            self._observers.start(self, query_bundle)
        return super()._retrieve(query_bundle)


class HidesFailures(Around):
    def instead(self, query):
        try:
            return self.core(query)
        except QueryError:
            raise
        except RetrieverKitError:
            return RetrievalResult()


class GivesUpWithWarnings(Around):
    def instead(self, query):
        result = self.core(query)
        return RetrievalResult() if result.warnings else result


class LosesEmptyMetadata(Words):
    def passes(self, node, query):
        return super().passes(node, query) and (query.filters is None or len(node.metadata) > 1)


class LosesBooleans(Words):
    def passes(self, node, query):
        leaves = [] if query.filters is None else list(query.filters.leaves())
        return super().passes(node, query) and not any(leaf.value is True for leaf in leaves)


class DropsFilters(Words):
    def passes(self, node, query):
        return True


class TenCandidates(Words):
    filter_capabilities = NO_PUSHDOWN

    def _retrieve(self, query_bundle):
        return super()._retrieve(query_bundle)[:10]


class FallsBack(Around):
    def instead(self, query):
        query = QueryBundle.of(query)
        return self.core(query) or self.core(query.replace(filters=None))


class HundredClauses(Words):
    def passes(self, node, query):
        leaves = [] if query.filters is None else list(query.filters.leaves())
        long = any(isinstance(leaf.value, tuple) and len(leaf.value) > 100 for leaf in leaves)
        return super().passes(node, query) and not long


class FormatsFilters(Words):
    def passes(self, node, query):
        leaves = [] if query.filters is None else list(query.filters.leaves())
        return super().passes(node, query) and not any("'" in f"{leaf.key}{leaf.value}" for leaf in leaves)


class FilterWins(Around):
    def instead(self, query):
        query = QueryBundle.of(query)
        return self.core(query.replace(scope=None) if query.filters is not None else query)


class KeepsItsFilters(Meets):
    def _retrieve(self, query_bundle):
        self.filters = query_bundle.filters
        self.wait_for_another(lambda: self.filters != query_bundle.filters)
        return super()._retrieve(query_bundle.replace(filters=self.filters))


def ties_by_hash(documents):
    return TiesByHash(documents)


class FindsLessWhenExplained(Words):
    def _retrieve(self, query_bundle):
        found = super()._retrieve(query_bundle)
        return found if explain.recording() is None else found[1:]


class ExplainsOtherNumbers(Words):
    def _retrieve(self, query_bundle):
        with explain.stage("search") as stage:
            found = super()._retrieve(query_bundle)
            stage.went(found)
            for hit in found:
                parts = (Score("words", hit.score), Score("length", 0.5))
                stage.scored(hit.node.id, Score("words", hit.score, How.PRODUCT, parts))
        return found


class NamesAllThatItSaw(Words):
    def _retrieve(self, query_bundle):
        with explain.stage("search") as stage:
            found = super()._retrieve(query_bundle)
            stage.went(found)
            stage.says("applied", f"looked at {', '.join(node.id for node in self.stored)}")
        return found


class EachTimeAnother(Words):
    """Turns its order round from one call to the next."""

    calls = 0

    def _retrieve(self, query_bundle):
        self.calls += 1
        found = self.hits(query_bundle)
        order = found if self.calls % 2 else found[::-1]
        return [NodeWithScore(hit.node, 1.0) for hit in order][: query_bundle.top_k]


BAD = {
    "hits_are_scored_nodes": Strings,
    "hits_are_in_the_corpus": CutsTexts,
    "no_node_is_returned_twice": Twice,
    "best_hits_come_first": Backwards,
    "scores_keep_their_declaration": BeyondItsBounds,
    "evidence_names_leg_and_rank": RanksFromZero,
    "an_ordinary_answer_is_whole": LosesALeg,
    "results_are_inert_json": ObjectsInMetadata,
    "a_document_is_found_by_its_own_text": IgnoresTheQuery,
    "everything_that_matches_is_found": HiddenLimit,
    "top_k_zero_gives_nothing": ZeroIsNotGiven,
    "top_k_is_kept": ReturnsAll,
    "top_k_is_filled": OneLess,
    "top_k_beyond_the_corpus": SmallNumbers,
    "a_negative_top_k_is_refused": TakesAnything,
    "the_default_top_k_is_kept": ForgetsItsDefault,
    "asking_again_gives_the_same": GrowsTired,
    "another_retriever_gives_the_same": EachIsAnother,
    "ties_are_stable": TiesByLimit,
    "order_does_not_depend_on_the_hash_seed": ties_by_hash,
    "a_blank_query_finds_nothing": AnswersBlank,
    "an_empty_corpus_is_answered": BestOfNothing,
    "documents_without_words_are_harmless": DividesByLength,
    "stop_words_alone_are_answered": NeedsATerm,
    "what_does_not_match_is_not_found": FillsUp,
    "hostile_queries_are_answered": ReadsPatterns,
    "naughty_strings_are_answered": ReadsPatterns,
    "nothing_in_a_query_is_syntax": ReadsOperators,
    "half_a_surrogate_pair_is_refused": TakesHalfCharacters,
    "a_very_long_query_is_answered": ReadsTheEnd,
    "every_script_is_found": KnowsAsciiAlone,
    "hostile_documents_are_kept": TidiesMetadata,
    "the_query_is_not_changed": ChangesTheQuery,
    "the_documents_are_not_changed": MarksDocuments,
    "earlier_results_are_not_changed": RemembersInNodes,
    "callers_may_change_their_results": GivesItsCacheAway,
    "async_equals_sync": AsyncIsAnother,
    "batch_equals_single": BatchInAnotherOrder,
    "a_batch_survives_a_bad_query": BatchFailsWhole,
    "async_does_not_block_the_loop": SleepsInTheLoop,
    "sync_works_inside_a_running_loop": RunsItsOwnLoop,
    "async_works_in_one_loop_after_another": KeepsItsLoop,
    "64_threads_get_their_own_answers": KeepsItsQuery,
    "the_first_call_may_come_from_many_threads": PublishesTooEarly,
    "64_tasks_get_their_own_answers": KeepsItsQueryInALoop,
    "cancelling_ends_a_call": SwallowsCancelling,
    "cancelling_leaves_no_task": LeavesTasks,
    "calls_leave_no_thread_and_no_file": LeavesThreads,
    "a_deadline_is_never_a_silent_loss": FindsLessInAHurry,
    "observers_see_each_call_once": TellsTwice,
    "observers_see_the_end_of_a_failure": HidesFailures,
    "a_raising_observer_changes_nothing": GivesUpWithWarnings,
    "explaining_changes_nothing": FindsLessWhenExplained,
    "explained_scores_recombine": ExplainsOtherNumbers,
    "explanations_keep_to_the_scope": NamesAllThatItSaw,
    "why_not_is_right": EachTimeAnother,
    "filters_equal_brute_force": LosesEmptyMetadata,
    "every_operator_alone": LosesBooleans,
    "pushed_filters_are_applied": DropsFilters,
    "a_narrow_filter_still_fills_top_k": TenCandidates,
    "a_filter_that_nothing_passes": FallsBack,
    "large_and_deep_filters": HundredClauses,
    "filters_are_never_code": FormatsFilters,
    "canaries_of_another_scope_never_appear": DropsFilters,
    "a_scope_hides_nothing_of_its_own": TenCandidates,
    "a_filter_never_widens_a_scope": FilterWins,
    "scopes_do_not_mix_between_threads_and_tasks": KeepsItsFilters,
}
"""What must fail each check, as a class over documents or a factory."""
