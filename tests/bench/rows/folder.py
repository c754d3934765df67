"""A folder of Markdown files: from nothing to an index of the default mode, and again where nothing has changed."""

from pathlib import Path

import zipf
from contest import OURS, Contender, Promise

TITLE = "index a folder of Markdown files; a call finds that nothing has changed"
UNIT = "ms"
DISTRIBUTIONS = ("retrieverkit", "retrieverkit-bm25", "retrieverkit-fusion", "retrieverkit-vector")
BUILDS = True
AGREEMENT_WITH = None
FILES = 6_000
SECTIONS = 8
PEER = "reading the files"
PROMISES = (Promise(PEER, 1.5, figure="disk", of=OURS),)


def prepare(folder: Path, scale: float) -> str:
    files = int(FILES * scale)
    zipf.write(folder, files * SECTIONS, words=150)
    texts = iter(zipf.read(folder, "corpus.txt"))
    for number in range(files):
        path = folder / "notes" / f"{number % 60}" / f"{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        sections = [next(texts) for _ in range(SECTIONS)]
        parts = [f"# {' '.join(sections[0].split()[:4])}", *(f"## {text[:20]}\n\n{text}" for text in sections)]
        path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return f"{files:,} files, {size_of(folder / 'notes') / 1e6:.0f} MB"


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


class RetrieverKit(Contender):
    """The files into an index on disk, and that of the default mode beside it."""

    def build(self) -> None:
        from retrieverkit import Index

        self.index = Index.create(self.folder / "notes.rk")
        self.call(0)
        self.index.retrieve("pump", "hybrid")

    def call(self, turn: int) -> object:
        return self.index.add_files(self.folder / "notes")

    def figures(self) -> dict[str, float]:
        return {"disk": size_of(self.folder / "notes.rk")}


class Reading(Contender):
    """Every file is read once."""

    def build(self) -> None:
        self.call(0)

    def call(self, turn: int) -> object:
        return sum(len(file.read_text(encoding="utf-8")) for file in (self.folder / "notes").rglob("*.md"))

    def figures(self) -> dict[str, float]:
        return {"disk": size_of(self.folder / "notes")}


CONTENDERS = {OURS: RetrieverKit, PEER: Reading}
