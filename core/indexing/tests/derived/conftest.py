import hashlib
import json
from contextlib import contextmanager
from pathlib import Path

import pytest

from retrieverkit_core.corpus import Cursor, StoredNode
from retrieverkit_core.nodes import Node
from retrieverkit_indexing.derived import DerivedIndex


class LogCorpus:
    """A corpus that is a text file with one change a line, so that processes can share it."""

    def __init__(self, path):
        self.path = Path(path)
        if not self.path.exists():
            self.path.write_text(json.dumps({"corpus_id": self.path.stem}) + "\n")

    def add(self, **texts):
        nodes = self._replay()[1]
        for node_id, text in texts.items():
            old = [ordinal for ordinal, node in nodes.items() if node.id == node_id]
            self._append(*({"removed": ordinal} for ordinal in old), {"id": node_id, "text": text})

    def delete(self, *node_ids):
        nodes = self._replay()[1]
        self._append(*({"removed": ordinal} for ordinal, node in nodes.items() if node.id in node_ids))

    def forget_last(self, n):
        lines = self.path.read_text().splitlines(keepends=True)
        self.path.write_text("".join(lines[: max(1, len(lines) - n)]))

    def _append(self, *changes):
        with self.path.open("a") as file:
            file.writelines(json.dumps(change) + "\n" for change in changes)

    def _replay(self):
        lines = self.path.read_text().splitlines()
        corpus_id, chain, cursors = json.loads(lines[0])["corpus_id"], "", []
        nodes, added, removed = {}, {}, {}
        cursors.append(Cursor(corpus_id, 0, chain))
        for seq, line in enumerate(lines[1:], 1):
            change = json.loads(line)
            if "removed" in change:
                nodes.pop(change["removed"], None)
                removed[seq] = change["removed"]
            else:
                nodes[seq] = Node(id=change["id"], text=change["text"])
                added[seq] = seq
            chain = hashlib.sha256((chain + line).encode()).hexdigest()
            cursors.append(Cursor(corpus_id, seq, chain))
        return cursors, nodes, removed

    @property
    def corpus_id(self):
        return self.head().corpus_id

    def head(self):
        return self._replay()[0][-1]

    def holds(self, cursor):
        cursors = self._replay()[0]
        return cursor.seq < len(cursors) and cursors[cursor.seq] == cursor

    @contextmanager
    def snapshot(self):
        yield View(*self._replay())

    def fetch(self, ordinals):
        nodes = self._replay()[1]
        return [nodes.get(ordinal) for ordinal in ordinals]

    def get(self, node_ids):
        by_id = {node.id: node for node in self._replay()[1].values()}
        return [by_id.get(node_id) for node_id in node_ids]

    def fields(self):
        return {}


class View:
    def __init__(self, cursors, nodes, removed):
        self.cursor = cursors[-1]
        self._nodes = nodes
        self._removed = removed

    def count(self):
        return len(self._nodes)

    def nodes(self):
        return (StoredNode(*item) for item in sorted(self._nodes.items()))

    def added(self, since):
        return (stored for stored in self.nodes() if stored.ordinal > since.seq)

    def removed(self, since):
        return (ordinal for seq, ordinal in self._removed.items() if seq > since.seq)


class WordIndex(DerivedIndex):
    """Which ordinals hold a word: one file for what was built, one more for each update."""

    name = "words"
    format_version = 1
    lock_timeout = 60.0

    def __init__(self, corpus, storage, **config):
        super().__init__(corpus, storage, config)
        self.built = 0
        self.updated = 0

    def build(self, folder, nodes):
        self.built += 1
        (folder / "parts").mkdir()
        self._write(folder / "parts" / "0.json", [], nodes)

    def update(self, folder, removed, added):
        self.updated += 1
        self._write(folder / "parts" / f"{len(list((folder / 'parts').iterdir()))}.json", removed, added)

    def open(self, folder):
        found = {}
        for i in range(len(list((folder / "parts").iterdir()))):
            part = json.loads((folder / "parts" / f"{i}.json").read_text())
            found = {o: words for o, words in found.items() if o not in part["removed"]}
            found |= dict(part["added"])
        return found

    def _write(self, path, removed, nodes):
        added = [[stored.ordinal, stored.node.text.split()] for stored in nodes]
        path.write_text(json.dumps({"removed": list(removed), "added": added}))

    def find(self, word):
        found = self.reader()
        return sorted(ordinal for ordinal, words in found.items() if word in words)


def expected(corpus, word):
    return sorted(ordinal for ordinal, node in corpus._replay()[1].items() if word in node.text.split())


@pytest.fixture
def corpus(tmp_path):
    corpus = LogCorpus(tmp_path / "corpus.log")
    corpus.add(**{f"n{i}": f"red word{i} {'blue' if i % 2 else 'green'}" for i in range(20)})
    return corpus


@pytest.fixture
def kit():
    """The fakes, for tests that make their own."""

    class Kit:
        LogCorpus = LogCorpus
        WordIndex = WordIndex
        expected = staticmethod(expected)

    return Kit
