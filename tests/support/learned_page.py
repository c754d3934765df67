"""Measures what judged queries teach: `python tests/support/learned_page.py DATA [--indexes FOLDER]`.

DATA holds a folder per collection with corpus.jsonl, queries.jsonl and qrels.tsv. From the queries at even places an
adapter and weights are learned; those at odd places, which nothing was learned from, are asked with and without. The
figures go to docs/how-to/learn-from-judgements.json, and the tables of the page beside it are made from them.
"""

import argparse
import json
import re
import tempfile
from pathlib import Path
from typing import Any

from quality_page import rows
from workspace import ROOT

PAGE = ROOT / "docs" / "how-to" / "learn-from-judgements.md"
FIGURES = PAGE.with_suffix(".json")
ADAPTED = ["vector(embedding='lsa')", "vector(embedding='minilm')", "hybrid(embedding='lsa')"]
WEIGHTED = ["fusion(bm25, vector(embedding='lsa'), method='relative_score')"]


def tables(figures: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return each table of the page by its name."""
    return {
        "adapters": table(figures, "adapter", "R@10", "without", "with"),
        "weights": table(figures, "weights", "nDCG@10", "equal weights", "learned weights"),
    }


def table(figures: dict[str, dict[str, Any]], learn: str, measure: str, before: str, after: str) -> str:
    """Return a row per collection and mode."""
    lines = [
        f"| collection | mode | {measure} {before} | {after} | difference | of unseen documents | kept |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for name, modes in sorted(figures.items()):
        for mode, one in sorted(modes.items()):
            if one["learn"] == learn:
                cells = [f"{one['before']:.3f}", f"{one['after']:.3f}", sized(one["all"]), sized(one["unseen"])]
                lines.append(f"| {name} | `{mode}` | {' | '.join(cells)} | {'yes' if one['kept'] else 'no'} |")
    return "\n".join([*lines, "", readings(figures, learn)])


def readings(figures: dict[str, dict[str, Any]], learn: str) -> str:
    """Return in words what each row says, by twice the standard error."""
    said = []
    for name, modes in sorted(figures.items()):
        for mode, one in sorted(modes.items()):
            if one["learn"] == learn:
                unseen = "" if one["unseen"] is None else f"; of unseen documents {read(one['unseen'])}"
                said.append(f"- {name}, `{mode}`: {read(one['all'])}{unseen}.")
    return "\n".join(said)


def read(change: dict[str, float]) -> str:
    """Return what a difference says."""
    if abs(change["difference"]) <= 2 * change["error"]:
        return "no difference beyond its error"
    return "better" if change["difference"] > 0 else "worse"


def sized(change: dict[str, float] | None) -> str:
    """Return a difference with its standard error and the number of queries."""
    if change is None:
        return "–"
    return f"{change['difference']:+.3f} ± {change['error']:.3f} ({change['queries']})"


def render(page: str, figures: dict[str, dict[str, Any]]) -> str:
    """Return the page with its tables made again."""
    for name, text in tables(figures).items():
        pattern = rf"(<!-- table: {name} -->\n).*?(\n<!-- end -->)"
        page, count = re.subn(pattern, lambda found, text=text: found[1] + text + found[2], page, flags=re.DOTALL)
        assert count == 1, name
    return page


def measured(collection: Path, folder: Path, only: str) -> dict[str, Any]:
    """Return the figures of one collection, indexed in ``folder``, of the modes with ``only`` in their names."""
    from retrieverkit import Document, Index
    from retrieverkit_core.errors import ConfigError
    from retrieverkit_evaluate import read_qrels

    queries = {row["_id"]: row["text"] for row in rows(collection / "queries.jsonl")}
    names = list(queries)
    learned_from, held_out = ({each: queries[each] for each in part} for part in (names[::2], names[1::2]))
    qrels = read_qrels(collection / "qrels.tsv")
    figures = {}
    with Index.open(folder, create=True) as index:
        if not len(index):
            index.add(
                Document(row["text"], id=row["_id"], metadata={"title": row.get("title", "")})
                for row in rows(collection / "corpus.jsonl")
            )
        for learn, modes in (("adapter", ADAPTED), ("weights", WEIGHTED)):
            for mode in (each for each in modes if only in each):
                try:
                    index.as_retriever(mode)
                except ConfigError as error:
                    print(f"{collection.name}: left out: {error}")
                    continue
                figures[mode] = change(index, mode, learn, learned_from, held_out, qrels)
                print(collection.name, mode, figures[mode], flush=True)
    return figures


def change(
    index: Any, mode: str, learn: str, learned_from: dict[str, str], held_out: dict[str, str], qrels: Any
) -> dict[str, Any]:
    """Return what was learned from one half changes for the other, whether it would have been kept or not."""
    import dataclasses

    from retrieverkit import RetrieverSpec
    from retrieverkit_adapt import adapt
    from retrieverkit_adapt.adapters import with_adapter
    from retrieverkit_evaluate import evaluate
    from retrieverkit_vector import write_adapter

    found = adapt(index, learned_from, qrels, mode, learn=learn)
    spec = found.spec or RetrieverSpec.parse(mode)
    with tempfile.TemporaryDirectory() as folder:
        if found.adapter is not None:
            write_adapter(found.adapter, Path(folder, "adapter.json"))
            spec = with_adapter(spec, str(Path(folder, "adapter.json")))
        same = str(spec) == str(RetrieverSpec.parse(mode))
        report = evaluate(index, held_out, qrels, [mode] if same else [mode, spec], measures=[found.measures[0]])
    systems = [report.score(found.measures[0], system.name).values for system in report.systems]
    known = {document for each in learned_from for document, grade in qrels.get(each, {}).items() if grade > 0}
    unseen = {each for each in systems[0] if known.isdisjoint(doc for doc, grade in qrels[each].items() if grade > 0)}
    whole = dataclasses.replace(
        found,
        before={found.measures[0]: systems[0]},
        after={found.measures[0]: systems[-1]},
        unseen=frozenset(unseen),
    )
    of_all = whole.change(found.measures[0])
    return {
        "learn": learn,
        "kept": found.kept,
        "setting": found.setting,
        "learned_from": found.queries,
        "before": round(of_all.before, 4),
        "after": round(of_all.after, 4),
        "all": numbers(of_all, len(systems[0])),
        "unseen": numbers(whole.change(found.measures[0], unseen=True), len(unseen)) if unseen else None,
    }


def numbers(one: Any, queries: int) -> dict[str, float]:
    """Return a difference, its standard error, its p-value, and of how many queries they are."""
    return {
        "difference": round(one.difference, 4),
        "error": round(one.error, 4),
        "p": round(one.p, 4),
        "queries": queries,
    }


def main() -> None:
    """Measure every collection and write the figures and the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--indexes", type=Path, default=None)
    parser.add_argument("--only", default="", help="modes with this in their names; the other figures stay")
    options = parser.parse_args()
    indexes = options.indexes or Path(tempfile.mkdtemp(prefix="retrieverkit-learned-"))
    collections = sorted(file.parent for file in options.data.glob("*/qrels.tsv"))
    figures = json.loads(FIGURES.read_text(encoding="utf-8")) if options.only and FIGURES.exists() else {}
    for each in collections:
        figures[each.name] = {**figures.get(each.name, {}), **measured(each, indexes / each.name, options.only)}
        FIGURES.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8"), figures), encoding="utf-8")


if __name__ == "__main__":
    main()
