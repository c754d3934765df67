"""The page on one long document is made from the figures of a run, and says what they say."""

import json

import long_document_page as page
import pytest

from retrieverkit import Document, Index


@pytest.fixture(scope="module")
def figures():
    return json.loads(page.FIGURES.read_text(encoding="utf-8"))


def test_the_page_is_what_the_figures_say(figures):
    assert page.PAGE.read_text(encoding="utf-8") == page.render(figures)


def test_each_answer_stands_in_the_handbook_once(figures):
    handbook = page.HANDBOOK.read_text(encoding="utf-8")
    asked = page.questions()
    assert [page.squeezed(handbook).count(answer) for _, answer in asked] == [1] * len(asked)
    assert len({question for question, _ in asked}) == len(asked) == figures["questions"]
    assert len(handbook) == figures["characters"]


def test_what_the_page_says_is_what_was_found(figures):
    ways = {way: way.name for way in page.WAYS}
    small = next(name for way, name in ways.items() if way.splitter == "headings(chunk_size=300)" and not way.searched)
    bare = next(name for way, name in ways.items() if way.splitter == "headings(chunk_size=300)" and way.searched)
    by_mode = {way.mode.partition("(")[0]: name for way, name in ways.items() if way.mode != "{}"}
    sections = next(name for way, name in ways.items() if way.splitter == "headings" and not way.searched)
    for found in figures["found"].values():
        held = {
            name: {int(budget): page.share(each) for budget, each in one["held"].items()} for name, one in found.items()
        }
        plain = held[page.PLAIN.name]
        small_pieces = held[ways[page.Way("pieces(chunk_size=300)", "{}")]]
        least = max(plain[1_000], small_pieces[1_000])
        assert held[small][1_000] > held[bare][1_000] > least + 0.05
        for budget in page.BUDGETS:
            assert abs(held[by_mode["auto_merging"]][budget] - plain[budget]) < 0.05
            assert held[by_mode["sentence_window"]][budget] < plain[budget]
            assert held[by_mode["ensemble"]][budget] < plain[budget] - 0.05
            assert held[sections][budget] <= plain[budget] + 0.02


def test_an_answer_takes_as_many_hits_as_its_characters_do(tmp_path):
    text = "\n\n".join(f"## Part {n}\n\nThe inlet freezes in winter {n}." for n in range(9))
    with Index.create(tmp_path / "i.rk", splitter="headings") as index:
        index.add(Document(text, id="d"))
        told = page.context(index, "inlet winter", "bm25", 100)
        assert len(told) == 100 and told.count("The inlet freezes") in (2, 3)
        assert len(page.context(index, "inlet winter", "bm25", 10_000)) < 1_000
