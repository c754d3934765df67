"""BM25: from a query string to the ids of ten hits, and from texts to an index that answers."""

from pathlib import Path

import zipf
from contest import Contender, Promise

TITLE = "BM25, k=10, queries of 5 terms"
UNIT = "ms"
DISTRIBUTIONS = (
    "retrieverkit-bm25",
    "tantivy",
    "bm25s",
    "numba",
    "llama-index-retrievers-bm25",
    "langchain-community",
    "rank-bm25",
    "haystack-ai",
)
BUILDS = True
AGREEMENT_WITH = "tantivy, raw"
ALONE = "RetrieverKit, corpus stored before"
WORDS_ALONE = "RetrieverKit, corpus stored before, no pairs"
PROMISES = (
    Promise("tantivy, raw", 3.0),
    Promise("LlamaIndex", 1 / 15),
    Promise("tantivy, raw", 2.0, figure="build"),
    Promise("tantivy, raw", 2.0, figure="build", of=ALONE),
)
NODES = 200_000
K = 10


def prepare(folder: Path, scale: float) -> str:
    nodes = int(NODES * scale)
    zipf.write(folder, nodes)
    return f"{nodes:,} nodes of about {zipf.WORDS} words, no stop words"


class Bm25(Contender):
    """Reads the texts and the queries; `search` is what differs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.texts = zipf.read(folder, "corpus.txt")
        self.queries = zipf.read(folder, "queries.txt")
        self.load()

    def load(self) -> None:
        """Import the library and wrap the texts in its own type, which is not measured."""

    def call(self, turn: int) -> object:
        return self.search(self.queries[turn % len(self.queries)])

    def search(self, query: str) -> list[int]:
        raise NotImplementedError


class RetrieverKit(Bm25):
    """End to end: the corpus on disk, and the index derived from it at the first query."""

    options: dict[str, float] = {}

    def load(self) -> None:
        from retrieverkit import Document, Index

        self.documents = [Document(id=str(i), text=text) for i, text in enumerate(self.texts)]
        self.index = Index.create(self.folder / "notes.rk")

    def build(self) -> None:
        self.index.add(self.documents)
        self.retriever = self.index.as_retriever("bm25", top_k=K, **self.options)
        self.retriever.retrieve(self.queries[0])

    def search(self, query: str) -> list[int]:
        return [int(hit.node.ref_doc_id) for hit in self.retriever.retrieve(query)]


class Alone(RetrieverKit):
    """The index alone: the documents are in the corpus before the clock starts, as tantivy stores none."""

    store = "stored.rk"

    def load(self) -> None:
        from retrieverkit import Document, Index

        self.index = Index.create(self.folder / self.store)
        self.index.add(Document(id=str(i), text=text) for i, text in enumerate(self.texts))

    def build(self) -> None:
        self.retriever = self.index.as_retriever("bm25", top_k=K, **self.options)
        self.retriever.retrieve(self.queries[0])


class WordsAlone(Alone):
    """What the engine alone does too: words, and no pairs of them."""

    store = "words.rk"
    options = {"pair_weight": 0.0}


class Tantivy(Bm25):
    """The engine alone, on disk, with its own English analyzer; the stored id is all that is read back."""

    store = "tantivy"

    def load(self) -> None:
        import tantivy

        self.tantivy = tantivy

    def build(self) -> None:
        schema = self.tantivy.SchemaBuilder()
        schema.add_integer_field("id", stored=True)
        schema.add_text_field("text", tokenizer_name="en_stem", index_option="freq")
        self.schema = schema.build()
        path = self.folder / self.store
        path.mkdir()
        index = self.tantivy.Index(self.schema, path=str(path))
        writer = index.writer()
        for i, text in enumerate(self.texts):
            document = self.tantivy.Document()
            document.add_integer("id", i)
            document.add_text("text", text)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self.searcher = index.searcher()

    def search(self, query: str) -> list[int]:
        should = self.tantivy.Occur.Should
        terms = [(should, self.tantivy.Query.term_query(self.schema, "text", term)) for term in query.split()]
        hits = self.searcher.search(self.tantivy.Query.boolean_query(terms), limit=K, count=False).hits
        return [self.searcher.doc(address)["id"][0] for _, address in hits]


class Bm25s(Bm25):
    """bm25s compiled by numba, the fastest of its backends."""

    def load(self) -> None:
        import bm25s
        import Stemmer

        self.bm25s = bm25s
        self.stemmer = Stemmer.Stemmer("english")

    def tokens(self, texts: list[str]) -> object:
        return self.bm25s.tokenize(texts, stopwords="en", stemmer=self.stemmer, show_progress=False)

    def build(self) -> None:
        self.retriever = self.bm25s.BM25(backend="numba")
        self.retriever.index(self.tokens(self.texts), show_progress=False)

    def search(self, query: str) -> list[int]:
        found, _ = self.retriever.retrieve(self.tokens([query]), k=K, show_progress=False)
        return found[0].tolist()


class LlamaIndex(Bm25):
    def load(self) -> None:
        from llama_index.core.schema import TextNode
        from llama_index.retrievers.bm25 import BM25Retriever

        self.make = BM25Retriever.from_defaults
        self.nodes = [TextNode(id_=str(i), text=text) for i, text in enumerate(self.texts)]

    def build(self) -> None:
        self.retriever = self.make(nodes=self.nodes, similarity_top_k=K, language="english")

    def search(self, query: str) -> list[int]:
        return [int(hit.node.node_id) for hit in self.retriever.retrieve(query)]


class LangChain(Bm25):
    """On rank_bm25, by white space, without a stemmer."""

    def load(self) -> None:
        from langchain_community.retrievers import BM25Retriever
        from langchain_core.documents import Document

        self.make = BM25Retriever.from_documents
        self.documents = [Document(id=str(i), page_content=text) for i, text in enumerate(self.texts)]

    def build(self) -> None:
        self.retriever = self.make(self.documents, k=K)

    def search(self, query: str) -> list[int]:
        return [int(document.id) for document in self.retriever.invoke(query)]


class Haystack(Bm25):
    """The in-memory store, with its own tokenizer and without a stemmer."""

    def load(self) -> None:
        from haystack import Document
        from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        self.store = InMemoryDocumentStore()
        self.retriever = InMemoryBM25Retriever(self.store, top_k=K)
        self.documents = [Document(id=str(i), content=text) for i, text in enumerate(self.texts)]

    def build(self) -> None:
        self.store.write_documents(self.documents)

    def search(self, query: str) -> list[int]:
        return [int(document.id) for document in self.retriever.run(query=query)["documents"]]


CONTENDERS = {
    "RetrieverKit": RetrieverKit,
    ALONE: Alone,
    WORDS_ALONE: WordsAlone,
    "tantivy, raw": Tantivy,
    "bm25s, numba": Bm25s,
    "LlamaIndex": LlamaIndex,
    "LangChain": LangChain,
    "Haystack": Haystack,
}
