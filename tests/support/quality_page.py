"""Measures modes on judged collections: `python tests/support/quality_page.py DATA [--indexes FOLDER]`.

DATA holds a folder a collection with corpus.jsonl, queries.jsonl and qrels.tsv. The figures go to
docs/reference/quality.json and the page is made from them, never typed. With ``--indexes`` the indexes are kept, and
with them the vectors that a model took minutes to make.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from workspace import ROOT

PAGE = ROOT / "docs" / "reference" / "quality.md"
FIGURES = PAGE.with_suffix(".json")
MEASURES = ["nDCG@10", "R@100"]
MODES = [
    "bm25",
    "vector(embedding='lsa')",
    "hybrid(embedding='lsa')",
    "vector(embedding='minilm')",
    "hybrid(embedding='minilm')",
]


def render(figures: dict[str, dict[str, Any]]) -> str:
    """Return the page of the figures."""
    lines = [
        "# Quality",
        "",
        "nDCG@10 and Recall@100 of the modes with their default settings on judged collections, as `retriever eval`",
        "measures them on files read by `retriever index`. To measure your own data: [Evaluate your own",
        "data](../how-to/evaluate-your-own-data.md).",
        "",
        f"| mode | {' | '.join(figures)} | mean nDCG@10 |",
        "|---|" + "---:|" * (len(figures) + 1),
    ]
    for mode in MODES:
        scores = [collection["scores"][mode] for collection in figures.values()]
        cells = [" / ".join(f"{score[measure]:.3f}" for measure in MEASURES) for score in scores]
        mean = sum(score[MEASURES[0]] for score in scores) / len(scores)
        lines.append(f"| `{mode}` | {' | '.join(cells)} | {mean:.3f} |")
    sizes = [f"{name}: {one['documents']:,} documents, {one['queries']:,} queries" for name, one in figures.items()]
    lines += ["", "; ".join(sizes) + "."]
    return "\n".join(lines) + "\n"


def measured(collection: Path, folder: Path) -> dict[str, Any]:
    """Return the figures of one collection, indexed in ``folder``."""
    from retrieverkit import Index
    from retrieverkit_evaluate import evaluate

    with Index.open(folder, create=True) as index:
        report = index.add_files([collection / "corpus.jsonl"])
        assert not report.errors, report.errors
        found = evaluate(index, collection / "queries.jsonl", collection / "qrels.tsv", MODES, measures=MEASURES)
    assert not any(system.failed or system.partial for system in found.systems)
    of_systems = zip(MODES, found.systems, strict=True)
    scores = {
        mode: {measure: round(found.score(measure, system.name).mean, 4) for measure in MEASURES}
        for mode, system in of_systems
    }
    return {"documents": found.documents, "queries": len(found.query_ids), "scores": scores}


def main() -> None:
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
