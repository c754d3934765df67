"""Modes that each break one promise about an index that changes, fails or is killed; by the check that must notice."""

import json
import os
from pathlib import Path

from kit_modes import CorpusWords, WordsPlugin
from pydantic import Field

from retrieverkit_core import Node, NodeWithScore
from retrieverkit_core.plugin import ModeOptions


class LastOfADocument(CorpusWords):
    """Keeps one row for a document: the last of its nodes."""

    def nodes(self):
        return list({node.ref_doc_id: node for node in super().nodes()}.values())


class FittedOnce(CorpusWords):
    """Keeps the weights of the documents that were there at the first query."""

    fitted = None

    def weights(self, nodes):
        now = super().weights(nodes)
        self.fitted = self.fitted or now
        return {word: self.fitted.get(word, weight) for word, weight in now.items()}


class Named(CorpusWords):
    """Keeps the ids of its nodes in a file, which grows and is never read whole again."""

    def __init__(self, *given):
        super().__init__(*given)
        self.storage.mkdir(parents=True, exist_ok=True)
        self.file = self.storage / "names.json"


class DeletesInMemory(Named):
    """Takes deleted nodes out of what it answers, not out of what it stores and copies."""

    def nodes(self):
        kept = json.loads(self.file.read_text()) if self.file.exists() else {}
        now = {node.id: node for node in super().nodes()}
        self.gone = getattr(self, "gone", set()) | (set(kept) - set(now) if hasattr(self, "asked") else set())
        self.asked = True
        kept |= {name: [node.text, node.metadata, node.relationships] for name, node in now.items()}
        self.file.write_text(json.dumps(kept))
        return [
            Node(text=text, id=name, metadata=metadata, relationships=related)
            for name, (text, metadata, related) in kept.items()
            if name not in self.gone
        ]


class AsyncReadsOnce(CorpusWords):
    """The async way knows the nodes of its first call."""

    known = None

    def _retrieve(self, query_bundle):
        return super()._retrieve(query_bundle)

    async def _aretrieve(self, query_bundle):
        self.known = self.known or {node.id for node in self.nodes()}
        return [hit for hit in self._retrieve(query_bundle) if hit.node.id in self.known]


class DropsOffsets(CorpusWords):
    def _retrieve(self, query_bundle):
        found = super()._retrieve(query_bundle)
        for hit in found:
            hit.node.start_char_idx = hit.node.end_char_idx = None
        return found


class CursorFirst(Named):
    """Writes how far it has read before what it has read."""

    def nodes(self):
        head = self.corpus.head().seq
        cursor = self.storage / "cursor"
        now = super().nodes()
        if not cursor.exists() or cursor.read_text() != str(head):
            cursor.write_text(str(head))
            self.file.write_text(json.dumps([node.id for node in now]))
        names = json.loads(self.file.read_text()) if self.file.exists() else []
        return [node for node in now if node.id in names]


class ByPath(CorpusWords):
    """A cache for the process, keyed by the folder."""

    kept = {}

    def nodes(self):
        key = (str(self.storage), self.corpus.head().seq)
        return self.kept.setdefault(key, super().nodes())


class FilesByName(CorpusWords):
    """Writes a file for each document, named by its id."""

    def nodes(self):
        self.storage.mkdir(parents=True, exist_ok=True)
        for node in super().nodes():
            try:
                (self.storage / f"{node.ref_doc_id}.txt").write_text(node.text)
            except (OSError, ValueError):
                continue
        return super().nodes()


class HoldsASnapshot(CorpusWords):
    def _retrieve(self, query_bundle):
        self.view = self.corpus.snapshot()
        self.view.__enter__()
        return super()._retrieve(query_bundle)


class HidesTheCorpus(CorpusWords):
    known = ()

    def nodes(self):
        try:
            self.known = list(super().nodes())
        except Exception:
            return self.known[:2]
        return self.known


class FetchesLate(CorpusWords):
    def _retrieve(self, query_bundle):
        found = super()._retrieve(query_bundle)
        again = self.corpus.get([hit.node.id for hit in found])
        return [NodeWithScore(Node(text=node.text, **self.kept(node)), hit.score) for node, hit in zip(again, found)]

    def kept(self, node):
        parts = ("id", "metadata", "relationships", "start_char_idx", "end_char_idx")
        return {part: getattr(node, part) for part in parts}


class Vectors(CorpusWords):
    """Ranks by the vectors of an embedding."""

    def __init__(self, context, options=None):
        super().__init__(context, options)
        self.model = context.services.embedding()[1]

    def vector(self, query):
        return query.embedding or self.model.embed_queries(query.embedding_strs)[0]

    def matching(self, query, text=None):
        nodes = list(self.nodes())
        asked = self.vector(query)
        if not nodes:
            return []
        rows = self.model.embed_documents([node.text for node in nodes])
        found = [
            (round(float(sum(a * b for a, b in zip(asked, row))), 6) + 1, place, node)
            for place, (row, node) in enumerate(zip(rows, nodes))
            if self.passes(node, query)
        ]
        return sorted(found, key=lambda one: (-one[0], one[1]))


class WordsAlone(Vectors):
    def vector(self, query):
        return self.model.embed_queries([query.query_str or "nothing"])[0]


class HidesTheModel(Vectors):
    def _retrieve(self, query_bundle):
        try:
            return super()._retrieve(query_bundle)
        except Exception:
            return []


class ByMatch(ModeOptions):
    weight: float = Field(default=1.0, description="What scores are multiplied with.")


class OneFileForAllOptions(Named):
    """Stores weights that depend on an option, and does not say so in the name of the file."""

    def __init__(self, context, options):
        super().__init__(context, options)
        self.factor = options.weight

    def weights(self, nodes):
        now = {word: weight * self.factor for word, weight in super().weights(nodes).items()}
        known = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.file.write_text(json.dumps({**now, **known}))
        return {**now, **known}


class TakesItsOptions(CorpusWords):
    def __init__(self, context, options):
        super().__init__(context)
        self.default_top_k = options.top_k


class KeepsItsPast(CorpusWords):
    """Reads its own file in place of the corpus, when there is one."""

    def __init__(self, *given):
        super().__init__(*given)
        self.storage.mkdir(parents=True, exist_ok=True)
        self.file = self.storage / f"{Path(__file__).stem}.json"
        self.own = not self.file.exists()

    def nodes(self):
        now = super().nodes()
        if self.own:
            if not self.file.exists():
                self.file.write_text(json.dumps([node.id for node in now]))
            return now
        return [node for node in now if node.id in json.loads(self.file.read_text())]


class KeepsWhatItRead(CorpusWords):
    """Looks again only when its own process has changed the corpus."""

    read = {}

    def nodes(self):
        key = os.getpid()
        if key not in self.read:
            self.read[key] = super().nodes()
        return self.read[key]


BAD = {
    "every_node_of_a_document_is_found": lambda: WordsPlugin(LastOfADocument),
    "an_index_that_grew_equals_one_made_at_once": lambda: WordsPlugin(FittedOnce),
    "every_way_of_asking_sees_changes": lambda: WordsPlugin(AsyncReadsOnce),
    "changes_survive_reopening": lambda: WordsPlugin(DeletesInMemory),
    "nodes_are_whole_after_reopening": lambda: WordsPlugin(DropsOffsets),
    "a_process_killed_at_a_write_leaves_a_sound_index": lambda: WordsPlugin(CursorFirst),
    "another_index_in_the_same_folder_is_another": lambda: WordsPlugin(ByPath),
    "hostile_ids_stay_ids": lambda: WordsPlugin(FilesByName),
    "snapshots_are_closed": lambda: WordsPlugin(HoldsASnapshot),
    "a_failing_corpus_is_not_a_shorter_answer": lambda: WordsPlugin(HidesTheCorpus),
    "a_query_that_is_changed_in_time_is_answered_by_what_is_there": lambda: WordsPlugin(FetchesLate),
    "a_querys_own_embedding_is_used": lambda: WordsPlugin(WordsAlone),
    "custom_embedding_texts_are_used": lambda: WordsPlugin(WordsAlone),
    "a_failing_embedding_is_not_a_shorter_answer": lambda: WordsPlugin(HidesTheModel),
    "each_option_holds_for_its_own_retriever": lambda: WordsPlugin(OneFileForAllOptions, options=ByMatch),
    "every_option_is_read": lambda: WordsPlugin(TakesItsOptions, options=ByMatch),
}
"""The plugin that must fail each check."""
