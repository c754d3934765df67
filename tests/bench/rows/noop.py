"""What a call costs that retrieves nothing: each library's own retriever around the same ten hits."""

from pathlib import Path

from contest import Contender, Promise

TITLE = "One retrieve() around a no-op that returns the same 10 hits"
UNIT = "µs"
DISTRIBUTIONS = ("retrieverkit-core", "llama-index-core", "langchain-core", "haystack-ai")
BUILDS = False
AGREEMENT_WITH = None
PROMISES = (Promise("LangChain", 1.0), Promise("LlamaIndex", 1.0))
TEXTS = [f"the text of node {i}" for i in range(10)]


def prepare(folder: Path, scale: float) -> str:
    return ""


class RetrieverKit(Contender):
    def build(self) -> None:
        from retrieverkit_core import BaseRetriever, Node, NodeWithScore

        hits = [NodeWithScore(node=Node(id=str(i), text=text), score=1 - i / 10) for i, text in enumerate(TEXTS)]

        class Same(BaseRetriever):
            def _retrieve(self, query_bundle):
                return list(hits)

        self.retriever = Same()

    def call(self, turn: int) -> object:
        return self.retriever.retrieve("a query")


class LlamaIndex(Contender):
    def build(self) -> None:
        from llama_index.core.base.base_retriever import BaseRetriever
        from llama_index.core.schema import NodeWithScore, TextNode

        hits = [NodeWithScore(node=TextNode(id_=str(i), text=text), score=1 - i / 10) for i, text in enumerate(TEXTS)]

        class Same(BaseRetriever):
            def _retrieve(self, query_bundle):
                return list(hits)

        self.retriever = Same()

    def call(self, turn: int) -> object:
        return self.retriever.retrieve("a query")


class LangChain(Contender):
    def build(self) -> None:
        from langchain_core.documents import Document
        from langchain_core.retrievers import BaseRetriever

        hits = [Document(id=str(i), page_content=text) for i, text in enumerate(TEXTS)]

        class Same(BaseRetriever):
            def _get_relevant_documents(self, query, *, run_manager):
                return list(hits)

        self.retriever = Same()

    def call(self, turn: int) -> object:
        return self.retriever.invoke("a query")


class Haystack(Contender):
    """A component's own `run`: Haystack has no call of its own around it outside a pipeline."""

    def build(self) -> None:
        from haystack import Document, component

        hits = [Document(id=str(i), content=text, score=1 - i / 10) for i, text in enumerate(TEXTS)]

        @component
        class Same:
            @component.output_types(documents=list[Document])
            def run(self, query: str):
                return {"documents": list(hits)}

        self.retriever = Same()

    def call(self, turn: int) -> object:
        return self.retriever.run(query="a query")


class HaystackPipeline(Haystack):
    """The same component in a pipeline of one."""

    def build(self) -> None:
        from haystack import Pipeline

        super().build()
        self.pipeline = Pipeline()
        self.pipeline.add_component("same", self.retriever)

    def call(self, turn: int) -> object:
        return self.pipeline.run({"same": {"query": "a query"}})


CONTENDERS = {
    "RetrieverKit": RetrieverKit,
    "LangChain": LangChain,
    "LlamaIndex": LlamaIndex,
    "Haystack, bare component": Haystack,
    "Haystack, pipeline": HaystackPipeline,
}
