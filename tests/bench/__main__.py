"""Measures RetrieverKit and its peers side by side: `nox -s bench -- [row ...]`.

Each row is a module of `rows`: a title, a unit, contenders and the ratios that RetrieverKit owes. Every
contender has a process of its own; the processes take turns, so that whatever else the machine does hits all
of them alike, and a ratio is the median of the ratios within a turn. The figures go to
docs/reference/benchmarks.json, and the page is made from them.
"""

import argparse
import importlib
import importlib.util
import json
import tempfile
from pathlib import Path

from machine import facts
from report import render
from rounds import compete

HERE = Path(__file__).parent
ROWS = sorted(file.stem for file in (HERE / "rows").glob("*.py"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="row", help=f"which rows to measure: {', '.join(ROWS)}")
    parser.add_argument("--rounds", type=int, default=15, help="how many turns each contender gets")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long a turn is, at most")
    parser.add_argument("--scale", type=float, default=1.0, help="the share of the full size to measure at")
    parser.add_argument("--output", type=Path, default=HERE.parents[1] / "docs" / "reference")
    options = parser.parse_args()
    unknown = set(options.rows) - set(ROWS)
    if unknown:
        parser.error(f"no row {', '.join(sorted(unknown))}; rows: {', '.join(ROWS)}")

    figures = options.output / "benchmarks.json"
    results = json.loads(figures.read_text(encoding="utf-8")) if figures.exists() else {}
    for name in options.rows or ROWS:
        row = importlib.import_module(f"rows.{name}")
        missing = [needed for needed in getattr(row, "NEEDS", ()) if importlib.util.find_spec(needed) is None]
        if missing:
            print(f"{name}: left out, for want of {', '.join(missing)}; `nox -s bench -- {name}` installs them")
            continue
        with tempfile.TemporaryDirectory() as folder:
            size = row.prepare(Path(folder), options.scale)
            contenders = compete(name, row, Path(folder), options.rounds, options.seconds)
        results[name] = {
            "title": row.TITLE,
            "unit": row.UNIT,
            "size": size,
            "items": getattr(row, "ITEMS", None),
            "rounds": options.rounds,
            "machine": facts(row.DISTRIBUTIONS),
            "contenders": contenders,
            "promises": [promise.kept_by(contenders) for promise in row.PROMISES],
        }
        options.output.mkdir(parents=True, exist_ok=True)
        figures.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        (options.output / "benchmarks.md").write_text(render(results), encoding="utf-8")
    print(render(results))


if __name__ == "__main__":
    main()
