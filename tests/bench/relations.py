"""Random relations: as many names as there are a fifth of them, and ten relations per document."""

import random
from collections.abc import Iterator
from pathlib import Path

PER_DOCUMENT = 10
TENANTS = 10
_STARTS = ["ka", "lo", "mi", "ne", "pu", "ra", "si", "to", "vu", "we"]
_ENDS = ["bert", "dan", "fil", "gor", "hul", "jin", "kam", "lus", "mor", "nat"]
WORDS = [start + end for start in _STARTS for end in _ENDS]
LABELS = [f"{word} of" for word in WORDS[:50]]

Relation = tuple[str, str, str]


def write(folder: Path, count: int) -> None:
    """Write ``count`` relations and the names that are asked for, each of which some relation has."""
    draw = random.Random(1)
    names = [f"{draw.choice(WORDS)} {draw.choice(WORDS)} {number}" for number in range(count // 5)]
    with (folder / "relations.txt").open("w", encoding="utf-8") as relations:
        for _ in range(count):
            print(draw.choice(names), draw.choice(LABELS), draw.choice(names), sep="\t", file=relations)
    with (folder / "asked.txt").open("w", encoding="utf-8") as asked:
        for relation in draw.sample(list(read(folder)), 200):
            print(relation[0], file=asked)


def read(folder: Path) -> Iterator[Relation]:
    """Yield the relations."""
    with (folder / "relations.txt").open(encoding="utf-8") as lines:
        for line in lines:
            subject, label, object_ = line.rstrip("\n").split("\t")
            yield subject, label, object_


def asked(folder: Path) -> list[str]:
    """Return the names that are asked for."""
    return (folder / "asked.txt").read_text("utf-8").splitlines()


def documents(folder: Path):
    """Yield a document per ten relations, which are its metadata; each belongs to one of ten tenants."""
    from retrieverkit import Document

    triples: list[list[str]] = []
    number = 0
    for relation in read(folder):
        triples.append(list(relation))
        if len(triples) == PER_DOCUMENT:
            yield Document(id=f"{number}", text="", metadata={"triples": triples, "tenant": number % TENANTS})
            triples, number = [], number + 1
    if triples:
        yield Document(id=f"{number}", text="", metadata={"triples": triples, "tenant": number % TENANTS})
