"""Modes that each break one promise, by the name of the check that must notice."""

import itertools
import json
import os
from pathlib import Path
from typing import Literal

from kit_modes import CorpusWords, WordsPlugin
from pydantic import BaseModel, Field, model_validator

from retrieverkit_core import NodeWithScore, ScoreKind, ScoreSpec
from retrieverkit_core.errors import DerivedIndexError
from retrieverkit_core.plugin import ModeOptions
from retrieverkit_indexing.derived import DerivedIndex, answer


class ReadsOnce(CorpusWords):
    read = None

    def nodes(self):
        if self.read is None:
            self.read = super().nodes()
        return self.read


class KeepsWords(CorpusWords):
    """Adds words to its table and never takes any out."""

    def __init__(self, *given):
        super().__init__(*given)
        self.table = {}

    def words(self, text):
        return super().words(text)

    def _retrieve(self, query_bundle):
        nodes = {node.id: node for node in self.nodes()}
        for node in nodes.values():
            self.table.setdefault(node.id, set()).update(self.words(node.text))
        asked = set(self.words(query_bundle.query_str))
        found = [node for name, node in nodes.items() if asked & self.table[name] and self.passes(node, query_bundle)]
        return [NodeWithScore(node, 1.0) for node in found][: query_bundle.top_k]


class CountsWhatIsGone(CorpusWords):
    """Keeps the deleted documents in its frequencies."""

    def __init__(self, *given):
        super().__init__(*given)
        self.seen = {}

    def weights(self, nodes):
        self.seen |= {node.id: node for node in nodes}
        return super().weights(list(self.seen.values()))


class AnswersOnce(CorpusWords):
    asked = 0

    def _retrieve(self, query_bundle):
        self.asked += 1
        return super()._retrieve(query_bundle)[self.asked > 1 :]


class NeedsNodes(CorpusWords):
    def _retrieve(self, query_bundle):
        max(node.id for node in self.nodes())
        return super()._retrieve(query_bundle)


class HalfOfAPair(CorpusWords):
    def nodes(self):
        return [node for node in super().nodes() if not node.id.endswith("b")]


class InsertsAlone(CorpusWords):
    """Never looks again at a node that it knows."""

    def __init__(self, *given):
        super().__init__(*given)
        self.known = {}

    def nodes(self):
        for node in super().nodes():
            self.known.setdefault(node.id, node)
        return list(self.known.values())


class NewestFirst(CorpusWords):
    """Orders equal nodes by when it saw them."""

    def __init__(self, *given):
        super().__init__(*given)
        self.order = []

    def nodes(self):
        nodes = {node.id: node for node in super().nodes()}
        self.order = [name for name in nodes if name not in self.order] + [n for n in self.order if n in nodes]
        return [nodes[name] for name in self.order]


class EveryNode(DerivedIndex):
    """The ordinals of all nodes; deleted ones stay in."""

    name = "every"
    format_version = 1

    def build(self, folder, nodes):
        (folder / "nodes.json").write_text(json.dumps([ordinal for ordinal, _ in nodes]))

    def update(self, folder, removed, added):
        known = json.loads((folder / "nodes.json").read_text())
        (folder / "nodes.json").unlink()
        (folder / "nodes.json").write_text(json.dumps(known + [ordinal for ordinal, _ in added]))

    def open(self, folder):
        return json.loads((folder / "nodes.json").read_text())


class KeepsDeletedNodes(CorpusWords):
    def __init__(self, *given):
        super().__init__(*given)
        self.index = EveryNode(self.corpus, self.storage, {})

    def nodes(self):
        return [hit.node for hit in answer(self.index, lambda ordinals: [(one, None) for one in ordinals])]


class Filed(CorpusWords):
    """Keeps what it read in a file of its own."""

    def __init__(self, *given):
        super().__init__(*given)
        self.storage.mkdir(parents=True, exist_ok=True)
        self.file = self.storage / "words.json"

    def nodes(self):
        if not self.file.exists():
            self.file.write_text(json.dumps([node.id for node in super().nodes()]))
        wanted = set(json.loads(self.file.read_text()))
        return [node for node in super().nodes() if node.id in wanted]


class ForgetsTheFirst(Filed):
    """Reads its own file wrongly."""

    def __init__(self, *given):
        super().__init__(*given)
        self.skipped = int(self.file.exists())

    def _retrieve(self, query_bundle):
        return super()._retrieve(query_bundle)[self.skipped :]


class NeedsItsFile(Filed):
    def nodes(self):
        marker = self.storage.parent / "words.made"
        if marker.exists() and not self.file.exists():
            return []
        marker.touch()
        return super().nodes()


class RefusesDamage(Filed):
    """Notices damage, and gives up instead of reading the corpus again."""

    def nodes(self):
        if self.file.exists() and self.file.read_text() != json.dumps([n.id for n in CorpusWords.nodes(self)]):
            raise DerivedIndexError("the file is damaged")
        return super().nodes()


class ComparesNumbers(CorpusWords):
    """Takes its file for the corpus's when their change numbers are equal."""

    def nodes(self):
        self.storage.mkdir(parents=True, exist_ok=True)
        file, head = self.storage / "words.json", self.corpus.head().seq
        stored = json.loads(file.read_text()) if file.exists() else {"seq": -1}
        nodes = super().nodes()
        if stored["seq"] != head:
            stored = {"seq": head, "ids": [node.id for node in nodes]}
            file.write_text(json.dumps(stored))
        return [node for node in nodes if node.id in stored["ids"]]


class StoresPickles(CorpusWords):
    def nodes(self):
        self.storage.mkdir(parents=True, exist_ok=True)
        (self.storage / "model.bin").write_bytes(b"\x80\x04N.")
        return super().nodes()


class OneProcess(CorpusWords):
    def __init__(self, *given):
        super().__init__(*given)
        self.pid = os.getpid()

    def _retrieve(self, query_bundle):
        if os.getpid() != self.pid:
            raise OSError("the connection belongs to another process")
        return super()._retrieve(query_bundle)


class OneOwner(CorpusWords):
    def __init__(self, *given):
        super().__init__(*given)
        self.storage.mkdir(parents=True, exist_ok=True)
        lock = self.storage / "owner"
        if not lock.exists():
            lock.write_text(str(os.getpid()))
        if lock.read_text() != str(os.getpid()):
            raise OSError("another process has the index")


class IgnoresItsOptions(CorpusWords):
    def __init__(self, context, _options):
        super().__init__(context)


class KnowsNoFields(CorpusWords):
    def known_fields(self):
        return {}


class EachIsAnother(CorpusWords):
    made = itertools.count()

    def __init__(self, *given):
        super().__init__(*given)
        self.skipped = next(self.made) % 2

    def _retrieve(self, query_bundle):
        return super()._retrieve(query_bundle)[self.skipped :]


class KeepsItsName(CorpusWords):
    name = "mine"

    def bind(self, **told):
        super().bind(**{**told, "name": "mine"})


class Swallows(ModeOptions):
    @model_validator(mode="before")
    @classmethod
    def _drop(cls, given):
        return {name: value for name, value in given.items() if name in cls.model_fields}


class Converts(BaseModel, extra="forbid"):
    top_k: int = Field(default=5, ge=0, description="How many.")


class Undescribed(ModeOptions):
    method: Literal["a", "b"] = "a"


class PathByDefault(ModeOptions):
    folder: Path = Field(default=Path("x"), description="Where.")


BAD_SCORES = ScoreSpec(ScoreKind.DISTANCE, higher_is_better=False)

BAD = {
    "mode_and_retriever_declare_the_same_scores": lambda: WordsPlugin(scores=BAD_SCORES),
    "the_option_top_k_is_kept": lambda: WordsPlugin(IgnoresItsOptions),
    "unknown_fields_and_wrong_kinds_are_refused": lambda: WordsPlugin(KnowsNoFields),
    "an_insert_is_seen": lambda: WordsPlugin(ReadsOnce),
    "a_delete_is_seen": lambda: WordsPlugin(ReadsOnce),
    "an_update_replaces": lambda: WordsPlugin(InsertsAlone),
    "old_words_are_forgotten": lambda: WordsPlugin(KeepsWords),
    "add_then_delete_equals_never_added": lambda: WordsPlugin(CountsWhatIsGone),
    "adding_the_same_again_changes_nothing": lambda: WordsPlugin(AnswersOnce),
    "an_emptied_corpus_finds_nothing": lambda: WordsPlugin(NeedsNodes),
    "many_changes_equal_a_new_index": lambda: WordsPlugin(InsertsAlone),
    "ordinary_changes_need_no_repair": lambda: WordsPlugin(KeepsDeletedNodes),
    "order_does_not_depend_on_how_the_index_grew": lambda: WordsPlugin(NewestFirst),
    "another_writer_is_seen": lambda: WordsPlugin(ReadsOnce),
    "readers_beside_a_writer_see_whole_changes": lambda: WordsPlugin(HalfOfAPair),
    "two_retrievers_of_one_index_agree": lambda: WordsPlugin(ReadsOnce),
    "reopening_gives_the_same": lambda: WordsPlugin(ForgetsTheFirst),
    "a_deleted_index_folder_is_rebuilt": lambda: WordsPlugin(NeedsItsFile),
    "a_missing_index_file_is_noticed": lambda: WordsPlugin(NeedsItsFile),
    "a_truncated_index_file_is_noticed": lambda: WordsPlugin(Filed),
    "a_flipped_bit_is_noticed": lambda: WordsPlugin(RefusesDamage),
    "an_index_of_another_corpus_is_noticed": lambda: WordsPlugin(Filed),
    "an_older_copy_of_the_corpus_is_noticed": lambda: WordsPlugin(ComparesNumbers),
    "index_files_hold_no_pickle": lambda: WordsPlugin(StoresPickles),
    "a_forked_child_answers": lambda: WordsPlugin(OneProcess),
    "unknown_options_are_refused": lambda: WordsPlugin(options=Swallows),
    "options_of_the_wrong_type_are_refused": lambda: WordsPlugin(options=Converts),
    "options_are_described": lambda: WordsPlugin(options=Undescribed),
    "specs_survive_being_written": lambda: WordsPlugin(EachIsAnother),
    "the_default_options_survive_being_written": lambda: WordsPlugin(options=PathByDefault),
    "the_mode_names_itself_in_results": lambda: WordsPlugin(KeepsItsName),
}
"""The plugin that must fail each check."""
