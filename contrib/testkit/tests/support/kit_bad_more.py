"""Retrievers that each break one promise which small corpora, one process or one call at a time would not show."""

import copy
import fnmatch
import logging
import os
import random
import tempfile
import time
from collections import Counter
from datetime import datetime
from math import log
from pathlib import Path

from kit_good import AsyncWords, Words

from retrieverkit_core import NodeWithScore
from retrieverkit_core.plugin import NO_PUSHDOWN


class NoneIsTen(Words):
    def _retrieve(self, query_bundle):
        return super()._retrieve(query_bundle)[: 10 if query_bundle.top_k is None else None]


class HalfMustMatch(Words):
    def matching(self, query, text=None):
        asked = set(self.words(query.query_str))
        return [
            one for one in super().matching(query, text) if 2 * len(asked & set(self.words(one[2].text))) >= len(asked)
        ]


class CutsQueries(Words):
    def hits(self, query, text=None):
        return super().hits(query, " ".join(query.query_str.split()[:10]))


class LowersTheQueryAlone(Words):
    """Folds case when it indexes, and only lowers it when it is asked."""

    def hits(self, query, text=None):
        found = super().hits(query)
        return [hit for hit in found if set(query.query_str.lower().split()) & set(self.words(hit.node.text))]


class DropsShortWords(Words):
    def words(self, text):
        return [word for word in super().words(text) if len(word) > 2 and not word.isdigit()]


class Recurses(Words):
    def words(self, text):
        self.depth(text.split())
        return super().words(text)

    def depth(self, words):
        return 1 + self.depth(words[:-1]) if words else 0


class OneLessUnderFilters(Words):
    def _retrieve(self, query_bundle):
        found = super()._retrieve(query_bundle)
        return found if query_bundle.filters is None or len(found) < 2 else found[:-1]


class CachesByTheStartOfFilters(Words):
    def __init__(self, documents):
        super().__init__(documents)
        self.passing = {}

    def passes(self, node, query):
        key = (node.id, repr(query.filters)[:500])
        if key not in self.passing:
            self.passing[key] = super().passes(node, query)
        return self.passing[key]


class LikePatterns(Words):
    def passes(self, node, query):
        if query.filters is None:
            return True
        for leaf in query.filters.leaves():
            if leaf.operator == "text_match":
                pattern = leaf.value.replace("%", "*").replace("_", "?")
                return fnmatch.fnmatch(str(node.metadata.get(leaf.key)), f"*{pattern}*")
        return super().passes(node, query)


class FoldsKeys(Words):
    def passes(self, node, query):
        folded = copy.deepcopy(node)
        leaves = [] if query.filters is None else query.filters.leaves()
        for leaf in leaves:
            for key, value in node.metadata.items():
                if key.strip().casefold() == leaf.key.strip().casefold():
                    folded.metadata[leaf.key] = value
        return super().passes(folded, query)


class LocalDates(Words):
    def passes(self, node, query):
        if query.filters is None:
            return True
        for leaf in query.filters.leaves():
            if leaf.operator == "<" and isinstance(node.metadata.get("when"), str):
                stamps = [datetime.fromisoformat(text).timestamp() for text in (node.metadata["when"], leaf.value)]
                return stamps[0] < stamps[1]
        return super().passes(node, query)


class Window(Words):
    """A thousand candidates, whatever is asked for; filters are applied before."""

    def _retrieve(self, query_bundle):
        return super()._retrieve(query_bundle)[:1000]


class FiltersAWindow(Words):
    """Finds everything without filters, and under filters what passes of the first thousand."""

    def matching(self, query, text=None):
        if query.filters is None:
            return super().matching(query, text)
        found = super().matching(query.replace(filters=None, scope=None), text)[:1000]
        return [one for one in found if self.passes(one[2], query)]


class UnstableAboveAThousand(Words):
    def matching(self, query, text=None):
        found = super().matching(query, text)
        return found[::-1] if query.top_k is not None and len(found) > 1000 >= query.top_k else found


class SharedCache(Words):
    """A cache for the whole process, keyed by how many documents there are."""

    kept = {}

    def _retrieve(self, query_bundle):
        key = (len(self.stored), repr(query_bundle))
        if key not in self.kept:
            self.kept[key] = super()._retrieve(query_bundle)
        return copy.deepcopy(self.kept[key])


class SharedPlaces(Words):
    """The same, of places; the nodes are its own."""

    kept = {}

    def matching(self, query, text=None):
        key = (len(self.stored), repr(query))
        if key not in self.kept:
            self.kept[key] = [(score, place) for score, place, _ in super().matching(query, text)]
        return [(score, place, self.stored[place]) for score, place in self.kept[key]]


class SharedFrequencies(Words):
    counted = Counter()

    def __init__(self, documents):
        super().__init__(documents)
        self.counted.update(word for node in self.stored for word in set(self.words(node.text)))

    def weights(self, nodes):
        return {word: log(1 + 10_000 / count) for word, count in self.counted.items()}


class NeedsWords(Words):
    answers_blank = True

    def _retrieve(self, query_bundle):
        if not query_bundle.is_blank:
            max(query_bundle.query_str.split())
        return super()._retrieve(query_bundle) if query_bundle.query_str.strip() else []


class SwallowsErrors(Words):
    def _retrieve(self, query_bundle):
        try:
            return super()._retrieve(query_bundle)
        except Exception:
            return []


class ChangesTheFolder(Words):
    def _retrieve(self, query_bundle):
        if "canary" in query_bundle.query_str:
            os.chdir(tempfile.gettempdir())
        return super()._retrieve(query_bundle)


class Prints(Words):
    def _retrieve(self, query_bundle):
        if query_bundle.filters is not None:
            print("filtering")
        return super()._retrieve(query_bundle)


class Seeds(Words):
    def _retrieve(self, query_bundle):
        random.seed(7)
        return super()._retrieve(query_bundle)


class LogsQueries(Words):
    def _retrieve(self, query_bundle):
        logging.getLogger("words").warning("asked: %s", query_bundle.query_str)
        return super()._retrieve(query_bundle)


class Decays(Words):
    def _retrieve(self, query_bundle):
        age = time.time() / 86400 / 365
        return [NodeWithScore(hit.node, hit.score / age) for hit in super()._retrieve(query_bundle)]


class WritesElsewhere(Words):
    def __init__(self, documents):
        super().__init__(documents)
        texts = "\n".join(node.text for node in self.stored)
        Path(tempfile.gettempdir(), f"words-{os.getpid()}-{abs(hash(texts))}.txt").write_text(texts)


class BatchByText(Words):
    def _retrieve_many(self, query_bundles):
        found = {query.query_str: self._retrieve(query) for query in query_bundles}
        many = len(query_bundles) > 50
        return [found[query.query_str] if many else self._retrieve(query) for query in query_bundles]


class ComputesInTheLoop(AsyncWords):
    async def _aretrieve(self, query_bundle):
        return self.answer(query_bundle)


class SharesNodes(Words):
    def _retrieve(self, query_bundle):
        return self.hits(query_bundle)[: query_bundle.top_k]


class CutsTheScope(Words):
    filter_capabilities = NO_PUSHDOWN

    def _retrieve(self, query_bundle):
        return super()._retrieve(query_bundle)[:2]


class ReadsTheBeginning(Words):
    def weights(self, nodes):
        return {word: 1.0 for node in nodes for word in self.words(node.text)}

    def words(self, text):
        return super().words(text[:2000])


class ScoresByLimit(Words):
    def _retrieve(self, query_bundle):
        return [NodeWithScore(hit.node, hit.score / query_bundle.top_k) for hit in super()._retrieve(query_bundle)]


class RemembersEachQuery(Words):
    def __init__(self, documents):
        super().__init__(documents)
        self.cache = {}

    def _retrieve(self, query_bundle):
        if query_bundle not in self.cache:
            self.cache[query_bundle] = super()._retrieve(query_bundle)
        return copy.deepcopy(self.cache[query_bundle])


BAD = {
    "the_end_of_a_long_node_is_read": ReadsTheBeginning,
    "scores_do_not_depend_on_top_k": ScoresByLimit,
    "nothing_is_kept_of_every_query": RemembersEachQuery,
    "no_limit_is_all": NoneIsTen,
    "the_last_word_counts": HalfMustMatch,
    "the_end_of_a_query_is_read": CutsQueries,
    "one_word_documents_are_found": LowersTheQueryAlone,
    "every_word_of_a_document_finds_it": DropsShortWords,
    "long_words_and_documents_are_indexed": Recurses,
    "a_filter_that_all_pass_changes_nothing": OneLessUnderFilters,
    "filters_that_differ_a_little_are_kept_apart": CachesByTheStartOfFilters,
    "long_and_wild_values_are_only_values": LikePatterns,
    "keys_are_taken_as_they_are": FoldsKeys,
    "dates_do_not_depend_on_the_time_zone": LocalDates,
    "a_long_list_of_principals_is_read_to_its_end": CachesByTheStartOfFilters,
    "equal_documents_are_found_all": Window,
    "one_in_a_crowd_is_found_under_its_filter": FiltersAWindow,
    "the_cut_is_stable_in_a_crowd": UnstableAboveAThousand,
    "two_indexes_do_not_mix": SharedCache,
    "two_indexes_rank_by_their_own_words": SharedPlaces,
    "an_index_beside_another_answers_as_alone": SharedFrequencies,
    "an_embedding_that_is_not_used_is_harmless": NeedsWords,
    "a_failing_engine_is_not_an_empty_answer": SwallowsErrors,
    "the_process_is_left_as_it_is": ChangesTheFolder,
    "random_numbers_are_not_seeded": Seeds,
    "queries_are_not_logged_aloud": LogsQueries,
    "the_clock_changes_no_answer": Decays,
    "no_file_is_left_outside_of_the_index": WritesElsewhere,
    "a_large_batch_equals_single_calls": BatchByText,
    "async_does_not_compute_in_the_loop": ComputesInTheLoop,
    "callers_may_change_the_nodes_of_their_results": SharesNodes,
}
"""What must fail each check, as a class over documents."""
