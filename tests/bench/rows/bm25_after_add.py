"""The first bm25 query after one document was added: what following the corpus costs."""

from pathlib import Path

import zipf
from contest import Promise
from rows.bm25 import Alone, Tantivy

TITLE = "The next bm25 query after one document was added to 20,000"
UNIT = "ms"
DISTRIBUTIONS = ("retrieverkit-bm25", "tantivy")
BUILDS = False
AGREEMENT_WITH = None
PROMISES = (Promise("tantivy, raw, after one more", 2.0, of="RetrieverKit, after one more"),)
NODES = 20_000


def prepare(folder: Path, scale: float) -> str:
    nodes = int(NODES * scale)
    zipf.write(folder, nodes)
    return f"{nodes:,} nodes of about {zipf.WORDS} words; storing the document is not measured"


class AfterOneMore(Alone):
    store = "more.rk"

    def before(self, turn: int) -> None:
        from retrieverkit import Document

        self.index.add(Document(id=f"more{turn}", text=self.texts[turn % len(self.texts)]))

    def search(self, query: str) -> list[str]:
        return [hit.node.ref_doc_id for hit in self.retriever.retrieve(query)]


class TantivyAfterOneMore(Tantivy):
    """Adds, commits and opens what was committed: the least that makes a document visible."""

    store = "tantivy-more"

    def build(self) -> None:
        super().build()
        self.index = self.tantivy.Index.open(str(self.folder / self.store))
        self.writer = self.index.writer()

    def call(self, turn: int) -> object:
        document = self.tantivy.Document()
        document.add_integer("id", len(self.texts) + turn)
        document.add_text("text", self.texts[turn % len(self.texts)])
        self.writer.add_document(document)
        self.writer.commit()
        self.index.reload()
        self.searcher = self.index.searcher()
        return super().call(turn)


CONTENDERS = {
    "RetrieverKit": Alone,
    "RetrieverKit, after one more": AfterOneMore,
    "tantivy, raw": Tantivy,
    "tantivy, raw, after one more": TantivyAfterOneMore,
}
