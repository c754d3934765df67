"""The page of quality is made from the figures of a run, never typed."""

import json

import quality_page


def test_the_page_is_what_the_figures_say():
    figures = json.loads(quality_page.FIGURES.read_text(encoding="utf-8"))
    assert quality_page.PAGE.read_text(encoding="utf-8") == quality_page.render(figures)


def test_hybrid_is_not_below_bm25():
    figures = json.loads(quality_page.FIGURES.read_text(encoding="utf-8"))
    scores = [collection["scores"] for collection in figures.values()]
    for mode in ("hybrid(embedding='lsa')", "hybrid(embedding='minilm')"):
        assert sum(one[mode]["nDCG@10"] - one["bm25"]["nDCG@10"] for one in scores) >= 0
        assert sum(one[mode]["R@100"] - one["bm25"]["R@100"] for one in scores) > 0
