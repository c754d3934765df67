"""A small mode that keeps the contract, reading the corpus in each call; the bad ones are made of it."""

from kit_good import ALL_OPERATORS, Words

from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import ModeOptions, ModeSpec, Need


class CorpusWords(Words):
    """Finds nodes of a corpus that share words with the query."""

    def __init__(self, context, options=None):
        super().__init__()
        self.corpus = context.corpus
        self.storage = context.storage
        self.default_top_k = getattr(options, "top_k", 5)

    def nodes(self):
        with self.corpus.snapshot() as view:
            return [stored.node for stored in view.nodes()]


class WordsPlugin:
    """Makes retrievers of a class."""

    spec = ModeSpec(
        name="words",
        summary="words in common",
        scores=Words.scores,
        filters=ALL_OPERATORS,
        needs=frozenset({Need.CORPUS}),
    )

    def __init__(self, retriever=CorpusWords, options=ModeOptions, scores=Words.scores):
        self.retriever = retriever
        self.spec = ModeSpec(
            name="words",
            summary=self.spec.summary,
            options=options,
            scores=scores,
            filters=ALL_OPERATORS,
            needs=self.spec.needs,
        )

    @hookimpl
    def make_retriever(self, mode, options, context):
        return self.retriever(context, options)
