"""The tables of what judged queries teach are made from the figures of a run, never typed."""

import json

import learned_page


def test_the_tables_are_what_the_figures_say():
    figures = json.loads(learned_page.FIGURES.read_text(encoding="utf-8"))
    page = learned_page.PAGE.read_text(encoding="utf-8")
    assert page == learned_page.render(page, figures)


def test_what_helps_queries_of_unseen_documents_is_told_apart():
    figures = json.loads(learned_page.FIGURES.read_text(encoding="utf-8"))
    for modes in figures.values():
        for one in modes.values():
            assert one["unseen"] is None or one["unseen"]["queries"] <= one["all"]["queries"]
            assert (
                one["after"] - one["before"] == one["all"]["difference"]
                or abs(one["after"] - one["before"] - one["all"]["difference"]) < 0.0002
            )
    assert "vector(embedding='lsa')" in figures["scifact"]
