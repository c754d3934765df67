"""Ten nearest of many vectors by cosine: the query brings its vector, and each library returns what it stores."""

from pathlib import Path

import directions
import numpy as np
from contest import Contender

DISTRIBUTIONS = (
    "retrieverkit-vector",
    "numpy",
    "faiss-cpu",
    "llama-index-core",
    "langchain-core",
    "haystack-ai",
)
K = 10
LINKS, BUILD_EFFORT, EFFORT = 32, 80, 256


class Given:
    """A model for vectors that are there already."""

    dimension = directions.DIMENSION
    fingerprint = "given"

    def embed_documents(self, texts: list[str]) -> np.ndarray:
        return np.ones((len(texts), self.dimension), np.float32)

    embed_queries = embed_documents


class Vectors(Contender):
    """Reads the vectors and the queries; `search` is what differs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.vectors = np.array(directions.read(folder, "vectors.f32"))
        self.queries = directions.read(folder, "queries.f32").tolist()
        self.load()

    def load(self) -> None:
        """Import the library and wrap the vectors in its own type, which is not measured."""

    def call(self, turn: int) -> object:
        return self.search(self.queries[turn % len(self.queries)])

    def search(self, query: list[float]) -> list[int]:
        raise NotImplementedError


class RetrieverKit(Vectors):
    """End to end: the corpus on disk, and the indexes derived from it at the first query."""

    def load(self) -> None:
        from retrieverkit import Index
        from retrieverkit_core import Node, QueryBundle

        self.bundle, self.node = QueryBundle, Node
        self.index = Index.create(self.folder / "notes.rk", embedding=Given())

    def build(self) -> None:
        for start in range(0, len(self.vectors), 10_000):
            part = self.vectors[start : start + 10_000].tolist()
            self.index.add_nodes(self.node(id=str(i), text=f"{i}", embedding=v) for i, v in enumerate(part, start))
        self.retriever = self.index.as_retriever("vector", top_k=K)
        self.search(self.queries[0])

    def search(self, query: list[float]) -> list[int]:
        return [int(hit.node.id) for hit in self.retriever.retrieve(self.bundle("", embedding=query))]


class Numpy(Vectors):
    def search(self, query: list[float]) -> list[int]:
        scores = self.vectors @ np.array(query, np.float32)
        best = np.argpartition(-scores, K)[:K]
        return best[np.argsort(-scores[best])].tolist()


class FaissFlat(Vectors):
    def load(self) -> None:
        import faiss

        self.faiss = faiss

    def build(self) -> None:
        self.index = self.faiss.IndexFlatIP(directions.DIMENSION)
        self.index.add(self.vectors)

    def search(self, query: list[float]) -> list[int]:
        return self.index.search(np.array([query], np.float32), K)[1][0].tolist()


class FaissGraph(FaissFlat):
    """HNSW with the links and the effort in building that RetrieverKit takes."""

    def build(self) -> None:
        self.index = self.faiss.IndexHNSWFlat(directions.DIMENSION, LINKS, self.faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction, self.index.hnsw.efSearch = BUILD_EFFORT, EFFORT
        self.index.add(self.vectors)


class LlamaIndex(Vectors):
    """The default store alone, without the index around it."""

    def load(self) -> None:
        from llama_index.core.schema import TextNode
        from llama_index.core.vector_stores import SimpleVectorStore, VectorStoreQuery

        self.query, self.store = VectorStoreQuery, SimpleVectorStore()
        self.nodes = [TextNode(id_=str(i), text=f"{i}", embedding=v) for i, v in enumerate(self.vectors.tolist())]

    def build(self) -> None:
        self.store.add(self.nodes)

    def search(self, query: list[float]) -> list[int]:
        return [int(id_) for id_ in self.store.query(self.query(query_embedding=query, similarity_top_k=K)).ids]


class LangChain(Vectors):
    def load(self) -> None:
        from langchain_core.documents import Document
        from langchain_core.embeddings import Embeddings
        from langchain_core.vectorstores import InMemoryVectorStore

        vectors = self.vectors

        class Stored(Embeddings):
            def embed_documents(self, texts):
                return vectors[[int(text) for text in texts]].tolist()

            def embed_query(self, text):
                return vectors[int(text)].tolist()

        self.store = InMemoryVectorStore(Stored())
        self.documents = [Document(id=str(i), page_content=str(i)) for i in range(len(vectors))]

    def build(self) -> None:
        self.store.add_documents(self.documents)

    def search(self, query: list[float]) -> list[int]:
        return [int(document.id) for document in self.store.similarity_search_by_vector(query, k=K)]


class Haystack(Vectors):
    def load(self) -> None:
        from haystack import Document
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        self.store = InMemoryDocumentStore(embedding_similarity_function="cosine")
        self.documents = [Document(id=str(i), content=f"{i}", embedding=v) for i, v in enumerate(self.vectors.tolist())]

    def build(self) -> None:
        self.store.write_documents(self.documents)

    def search(self, query: list[float]) -> list[int]:
        found = self.store.embedding_retrieval(query_embedding=query, top_k=K, return_embedding=False)
        return [int(document.id) for document in found]


CONTENDERS = {
    "RetrieverKit": RetrieverKit,
    "numpy, raw": Numpy,
    "faiss, flat": FaissFlat,
    "faiss, HNSW": FaissGraph,
    "LlamaIndex": LlamaIndex,
    "LangChain": LangChain,
    "Haystack": Haystack,
}
