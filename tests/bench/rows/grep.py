"""Grep: from a literal, or a regular expression, to the ten texts with most matches."""

import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import zipf
from contest import Contender, Promise

TITLE = "grep, k=10, parts of texts and expressions around them"
UNIT = "ms"
DISTRIBUTIONS = ("retrieverkit-keyword", "regex")
BUILDS = True
AGREEMENT_WITH = "Python scan"
EXPRESSIONS = "RetrieverKit, expressions"
SHORT = "RetrieverKit, two letters"
PROMISES = (
    Promise("Python scan", 1 / 2),
    Promise("Python scan, expressions", 1 / 5, of=EXPRESSIONS),
    Promise("Python scan, two letters", 3.0, of=SHORT),
    Promise("ripgrep", 1.0),
)
NODES = 200_000
K = 10
PART = 14
QUERIES = 500


def prepare(folder: Path, scale: float) -> str:
    nodes = int(NODES * scale)
    zipf.write(folder, nodes)
    draw = random.Random(3)
    texts = [text for text in zipf.read(folder, "corpus.txt") if len(text) > PART]
    with (folder / "parts.txt").open("w", encoding="utf-8") as parts:
        for text in draw.choices(texts, k=QUERIES):
            start = draw.randrange(len(text) - PART)
            print(text[start : start + PART].strip().replace(" ", "_"), file=parts)
    return f"{nodes:,} nodes of about {zipf.WORDS} words; {PART} letters of one of them"


class Grep(Contender):
    """Reads the texts and the queries; `search` is what differs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.texts = zipf.read(folder, "corpus.txt")
        self.parts = [part.replace("_", " ") for part in zipf.read(folder, "parts.txt")]

    def call(self, turn: int) -> object:
        return self.search(self.parts[turn % len(self.parts)])

    def search(self, part: str) -> list[int]:
        raise NotImplementedError


class RetrieverKit(Grep):
    """End to end: the corpus on disk, and the index derived from it at the first query."""

    options: dict[str, object] = {}

    def build(self) -> None:
        from retrieverkit import Document, Index

        self.index = Index.create(self.folder / f"{type(self).__name__}.rk")
        self.index.add(Document(id=str(i), text=text) for i, text in enumerate(self.texts))
        self.retriever = self.index.as_retriever("grep", top_k=K, case="ignore", time_limit=600.0, **self.options)
        self.search(self.parts[0])

    def search(self, part: str) -> list[int]:
        return [int(hit.node.ref_doc_id) for hit in self.retriever.retrieve(self.query(part))]

    def query(self, part: str) -> str:
        return part


class Expressions(RetrieverKit):
    options = {"regex": True}

    def query(self, part: str) -> str:
        return expression(part)


class Short(RetrieverKit):
    def query(self, part: str) -> str:
        return part[:2]


class Scan(Grep):
    """Every text in memory, folded before the clock starts."""

    def build(self) -> None:
        self.folded = [text.casefold() for text in self.texts]

    def search(self, part: str) -> list[int]:
        return best((i, text.count(part)) for i, text in enumerate(self.folded))


class ScanShort(Scan):
    def search(self, part: str) -> list[int]:
        return super().search(part[:2])


class ScanExpressions(Scan):
    def search(self, part: str) -> list[int]:
        found = re.compile(expression(part), re.IGNORECASE | re.MULTILINE)
        return best((i, len(found.findall(text))) for i, text in enumerate(self.texts))


class Ripgrep(Grep):
    """A process per query, on one file in the page cache with a text per line."""

    def build(self) -> None:
        beside_python = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        program = shutil.which("rg", path=beside_python)
        if program is None:
            raise FileNotFoundError("ripgrep is not installed")
        self.program = program

    def search(self, part: str) -> list[int]:
        command = [self.program, "--no-config", "-i", "-F", "-o", "-n", "--", part, str(self.folder / "corpus.txt")]
        told = subprocess.run(command, capture_output=True, text=True).stdout
        return best(Counter(int(line.partition(":")[0]) - 1 for line in told.splitlines()).items())


def expression(part: str) -> str:
    return rf"\w*{re.escape(part[:4])}.{{0,3}}{re.escape(part[7:])}"


def best(counts) -> list[int]:
    """Return the places with the highest counts, the first of equal ones first."""
    return [i for i, _ in sorted(((i, n) for i, n in counts if n), key=lambda hit: (-hit[1], hit[0]))[:K]]


CONTENDERS = {
    "RetrieverKit": RetrieverKit,
    EXPRESSIONS: Expressions,
    SHORT: Short,
    "Python scan": Scan,
    "Python scan, expressions": ScanExpressions,
    "Python scan, two letters": ScanShort,
    "ripgrep": Ripgrep,
}
