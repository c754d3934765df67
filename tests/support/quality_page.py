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

GRAPH_MEASURES = ["R@2", "R@5", "R@10", "nDCG@10"]
GRAPH_MODES = ["bm25", "graph_ppr", "property_graph"]
WITH_A_MODEL = [
    "vector(embedding='minilm')",
    "graph_ppr(passages=vector(embedding='minilm'))",
    "property_graph(plain=vector(embedding='minilm'))",
]
WAYS = {
    "given": "Relations are given with the documents",
    "rules": "Relations are found by rules",
}
GRAPH_WORDS = """\
Recall@2, Recall@5, Recall@10 and nDCG@10. musique asks questions that take several documents to answer,
and has relations that a language model named; the others ask for one thing. The settings of the modes were chosen on
the queries at even places, from 0; each cell has the mean over those at odd places, then the mean over all."""


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
    lines += graph_section(figures)
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


def graph_section(figures: dict[str, dict[str, Any]]) -> list[str]:
    """Return the section of the modes that follow relations, if they were measured."""
    lines: list[str] = []
    for way, words in WAYS.items():
        measured_here = {name: one["graph"][way] for name, one in figures.items() if way in one.get("graph", {})}
        for name, scores in measured_here.items():
            lines += [
                "",
                f"### {name}. {words}",
                "",
                f"| mode | {' | '.join(GRAPH_MEASURES)} |",
                "|---|---:|---:|---:|---:|",
            ]
            for mode in filter(scores.get, [*GRAPH_MODES, *WITH_A_MODEL]):
                cells = [" / ".join(f"{mean:.3f}" for mean in scores[mode][measure]) for measure in GRAPH_MEASURES]
                lines.append(f"| `{mode}` | {' | '.join(cells)} |")
    return ["", "## Relations", "", *GRAPH_WORDS.splitlines(), *lines] if lines else []


def graph_measured(collection: Path, folder: Path) -> dict[str, Any]:
    """Return the figures of the modes that follow relations, by where these come from."""
    from retrieverkit import Index

    given = {}
    if (collection / "triples.jsonl").exists():
        given = {row["doc_id"]: row["triples"] for row in rows(collection / "triples.jsonl")}
    queries = {row["_id"]: row["text"] for row in rows(collection / "queries.jsonl")}
    found = {}
    for way in WAYS if given else ["rules"]:
        with Index.open(folder / f"graph-{way}", create=True) as index:
            triples = given if way == "given" else {}
            index.add(with_triples(row, triples.get(row["_id"], [])) for row in rows(collection / "corpus.jsonl"))
            found[way] = halves(index, queries, collection)
    return found


def with_triples(row: dict[str, Any], triples: list[list[str]]) -> Any:
    """Return a document with the relations that are given for it; what is not of three parts is not one."""
    from retrieverkit import Document

    whole = [triple for triple in triples if len(triple) == 3]
    metadata = {"title": row.get("title", ""), **({"triples": whole} if whole else {})}
    return Document(row["text"], id=row["_id"], metadata=metadata)


def halves(index: Any, queries: dict[str, str], collection: Path) -> dict[str, dict[str, list[float]]]:
    """Return of each mode that is to be had the mean over the queries at odd places, and over all."""
    from retrieverkit_evaluate import evaluate

    wanted = GRAPH_MODES + (WITH_A_MODEL if (collection / "triples.jsonl").exists() else [])
    modes = available(index, wanted, collection)
    found = evaluate(index, queries, collection / "qrels.tsv", modes, measures=GRAPH_MEASURES)
    assert not any(system.failed or system.partial for system in found.systems)
    held_out = set(list(queries)[1::2])
    means: dict[str, dict[str, list[float]]] = {}
    for mode, system in zip(modes, found.systems, strict=True):
        means[mode] = {}
        for measure in GRAPH_MEASURES:
            score = found.score(measure, system.name)
            odd = [value for query, value in score.values.items() if query in held_out]
            means[mode][measure] = [round(sum(odd) / len(odd), 4), round(score.mean, 4)]
    return means


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
    graph = graph_measured(collection, folder)
    sizes = {"documents": documents, "queries": len(queries)}
    return {**sizes, "scores": scores, "in_text": in_text, "misspelt": misspelt, "graph": graph}


def evaluated(index: Any, queries: dict[str, str], collection: Path, key: str) -> dict[str, dict[str, float]]:
    """Return the scores of the modes of a table that are to be had here."""
    from retrieverkit_evaluate import evaluate

    modes = available(index, TABLES[key][2], collection)
    found = evaluate(index, queries, collection / "qrels.tsv", modes, measures=MEASURES)
    assert not any(system.failed or system.partial for system in found.systems)
    return {
        mode: {measure: round(found.score(measure, system.name).mean, 4) for measure in MEASURES}
        for mode, system in zip(modes, found.systems, strict=True)
    }


def available(index: Any, modes: list[str], collection: Path) -> list[str]:
    """Return the modes that are to be had here."""
    from retrieverkit_core.errors import ConfigError

    here = []
    for mode in modes:
        try:
            index.as_retriever(mode)
            here.append(mode)
        except ConfigError as error:
            print(f"{collection.name}: left out: {error}")
    return here


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
    parser.add_argument("--only-graph", action="store_true", help="measure the modes that follow relations alone")
    options = parser.parse_args()
    indexes = options.indexes or Path(tempfile.mkdtemp(prefix="retrieverkit-quality-"))
    collections = sorted(file.parent for file in options.data.glob("*/qrels.tsv"))
    if options.only_graph:
        figures = json.loads(FIGURES.read_text(encoding="utf-8"))
        for collection in collections:
            figures[collection.name]["graph"] = graph_measured(collection, indexes / collection.name)
    else:
        figures = {collection.name: measured(collection, indexes / collection.name) for collection in collections}
    FIGURES.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    PAGE.write_text(render(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
