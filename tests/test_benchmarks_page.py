"""The page of figures is made from the figures, never typed."""

import json
import runpy

from workspace import ROOT

REFERENCE = ROOT / "docs" / "reference"


def test_the_page_is_what_the_figures_say():
    render = runpy.run_path(str(ROOT / "tests" / "bench" / "report.py"))["render"]
    figures = json.loads((REFERENCE / "benchmarks.json").read_text(encoding="utf-8"))
    assert (REFERENCE / "benchmarks.md").read_text(encoding="utf-8") == render(figures)
