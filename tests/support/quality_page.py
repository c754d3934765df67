"""Measures modes on judged collections: `python tests/support/quality_page.py DATA [--indexes FOLDER]`.

DATA holds a folder per collection with corpus.jsonl, queries.jsonl and qrels.tsv. The figures go to
docs/reference/quality.json and the page is made from them, never typed. With ``--indexes`` the indexes are kept, and
with them the vectors that a model took minutes to make.
"""

import argparse
import json
import random
import re
import tempfile
from pathlib import Path
from typing import Any

from workspace import ROOT

PAGE = ROOT / "docs" / "reference" / "quality.md"
FIGURES = PAGE.with_suffix(".json")
MEASURES = ["nDCG@10", "R@100"]
DEFAULTS = [
    "bm25",
    "vector(embedding='lsa')",
    "hybrid(embedding='lsa')",
    "vector(embedding='minilm')",
    "hybrid(embedding='minilm')",
]
WORDS = ["bm25(title_weight=1, pair_weight=0)", "bm25(title_weight=1)", "bm25(pair_weight=0)"]
OFFLINE = ["bm25", "vector(embedding='lsa')", "hybrid(embedding='lsa')"]
MISSPELT_SHARE, SHORTEST, SEED = 0.3, 5, 11
TABLES = {
    "scores": ("", "", [*DEFAULTS, *WORDS]),
    "in_text": (
        "Titles in the text",
        "The same, where the title is not metadata but the first line of the text, as most published figures have it.",
        [*OFFLINE, *WORDS],
    ),
    "misspelt": (
        "Typing errors",
        f"The same queries with one edit (a letter left out, put in, changed or swapped with the next) in "
        f"{MISSPELT_SHARE:.0%} of the words of\n{SHORTEST} letters or more.",
        [*OFFLINE, "bm25(typos=True)", "hybrid(embedding='lsa', typos=True)"],
    ),
}
"""Heading, words and modes of each table, by its key in the figures."""


def render(figures: dict[str, dict[str, Any]]) -> str:
    """Return the page of the figures."""
    lines = [
        "# Quality",
        "",
        "nDCG@10 and Recall@100 of the modes with their default settings on judged collections, whose titles are",
        "metadata. To measure your own data: [Evaluate your own data](../how-to/evaluate-your-own-data.md).",
    ]
    for key, (heading, words, modes) in TABLES.items():
        if all(key in collection for collection in figures.values()):
            lines += ["", f"## {heading}", "", words] if heading else []
            lines += ["", *table({name: collection[key] for name, collection in figures.items()}, modes)]
    sizes = [f"{name}: {one['documents']:,} documents, {one['queries']:,} queries" for name, one in figures.items()]
    lines += ["", "; ".join(sizes) + "."]
    return "\n".join(lines) + "\n"


def table(scores: dict[str, dict[str, Any]], modes: list[str]) -> list[str]:
    """Return a row per mode that was measured on every collection, with its means over them."""
    lines = [f"| mode | {' | '.join(scores)} | mean |", "|---|" + "---:|" * (len(scores) + 1)]
    for mode in modes:
        if all(mode in of_collection for of_collection in scores.values()):
            found = [of_collection[mode] for of_collection in scores.values()]
            means = {measure: sum(each[measure] for each in found) / len(found) for measure in MEASURES}
            cells = [" / ".join(f"{each[measure]:.3f}" for measure in MEASURES) for each in (*found, means)]
            lines.append(f"| `{mode}` | {' | '.join(cells)} |")
    return lines


def measured(collection: Path, folder: Path) -> dict[str, Any]:
    """Return the figures of one collection, indexed below ``folder``."""
    from retrieverkit import Document, Index

    queries = {row["_id"]: row["text"] for row in rows(collection / "queries.jsonl")}
    with Index.open(folder / "titles", create=True) as index:
        index.add(
            Document(row["text"], id=row["_id"], metadata={"title": row.get("title", "")})
            for row in rows(collection / "corpus.jsonl")
        )
        scores = evaluated(index, queries, collection, "scores")
        misspelt = evaluated(
            index, {name: misspell(text, name) for name, text in queries.items()}, collection, "misspelt"
        )
    with Index.open(folder / "in-text", create=True) as index:
        index.add(
            Document(f"{row.get('title', '')}\n{row['text']}".strip(), id=row["_id"])
            for row in rows(collection / "corpus.jsonl")
        )
        in_text = evaluated(index, queries, collection, "in_text")
    documents = sum(1 for _ in rows(collection / "corpus.jsonl"))
    return {"documents": documents, "queries": len(queries), "scores": scores, "in_text": in_text, "misspelt": misspelt}


def evaluated(index: Any, queries: dict[str, str], collection: Path, key: str) -> dict[str, dict[str, float]]:
    """Return the scores of the modes of a table that are to be had here."""
    from retrieverkit_core.errors import ConfigError
    from retrieverkit_evaluate import evaluate

    modes = []
    for mode in TABLES[key][2]:
        try:
            index.as_retriever(mode)
            modes.append(mode)
        except ConfigError as error:
            print(f"{collection.name}: left out: {error}")
    found = evaluate(index, queries, collection / "qrels.tsv", modes, measures=MEASURES)
    assert not any(system.failed or system.partial for system in found.systems)
    return {
        mode: {measure: round(found.score(measure, system.name).mean, 4) for measure in MEASURES}
        for mode, system in zip(modes, found.systems, strict=True)
    }


def rows(file: Path) -> Any:
    """Yield the records of a JSONL file."""
    for line in file.read_text(encoding="utf-8").strip().split("\n"):
        yield json.loads(line)


def misspell(text: str, name: str) -> str:
    """Return a query with an edit in some of its longer words; the same for the same name."""
    draw = random.Random(f"{SEED} {name}")

    def edited(found: re.Match[str]) -> str:
        word = found.group()
        if draw.random() >= MISSPELT_SHARE:
            return word
        at, letter = draw.randrange(len(word) - 1), draw.choice("abcdefghijklmnopqrstuvwxyz")
        edits = (
            word[:at] + word[at + 1 :],
            word[:at] + letter + word[at:],
            word[:at] + letter + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        )
        return draw.choice(edits)

    return re.sub(rf"[^\W\d_]{{{SHORTEST},}}", edited, text)


def main() -> None:
    """Measure every collection and write the figures and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--indexes", type=Path, default=None)
    options = parser.parse_args()
    indexes = options.indexes or Path(tempfile.mkdtemp(prefix="retrieverkit-quality-"))
    collections = sorted(file.parent for file in options.data.glob("*/qrels.tsv"))
    figures = {collection.name: measured(collection, indexes / collection.name) for collection in collections}
    FIGURES.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    PAGE.write_text(render(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
