"""Who is asked in tests."""

from retrieverkit_core import BaseRetriever, NodeWithScore


class Everything(BaseRetriever):
    """Finds every node that passes, in the order of the corpus."""

    name = "everything"
    default_top_k = 3

    def __init__(self, corpus):
        super().__init__()
        self.corpus = corpus
        self.asked = []

    def _retrieve(self, query_bundle):
        self.asked.append(query_bundle)
        return [NodeWithScore(node) for node in self.corpus.stored.values()][: query_bundle.top_k]
