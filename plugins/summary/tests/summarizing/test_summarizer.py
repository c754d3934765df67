"""Summaries by a language model: asked once, of all that is there, whatever ends the asking."""

import os
import sqlite3
import sys
import threading
from contextlib import closing

import pytest

from retrieverkit_core.budget import Budget, limited
from retrieverkit_core.errors import BudgetExceededError, ServiceError
from retrieverkit_core.nodes import Node
from retrieverkit_summary.summarizing import PROMPT, Summarizer, by_model
from retrieverkit_summary.summarizing.cache import FILE_NAME
from retrieverkit_testkit import children
from retrieverkit_testkit.memory_corpus import MemoryCorpus
from retrieverkit_testkit.models import ScriptedModel


def first_words(prompt):
    return " ".join(text.split()[0] for text in prompt.data)


@pytest.fixture
def made(tmp_path):
    def make(answer=first_words, name="scripted", corpus=None, **options):
        model = ScriptedModel(answer, name)
        return Summarizer(corpus or MemoryCorpus(), tmp_path, model=model, **options), model

    return make


def test_each_text_is_a_message_of_its_own_and_a_summary_is_asked_for_once(made):
    summarizer, model = made()
    groups = [["one a", "two b"], ["three c"], ["one a", "two b"], [], [" \n"]]
    assert summarizer.known(groups) == [None, None, None, "", ""]
    assert summarizer.cost(groups).llm_calls == 2
    assert summarizer.summarize(groups) == ["one two", "three", "one two", "", ""]
    assert sorted((prompt.system, prompt.data) for prompt in model.asked) == [
        (PROMPT, ("one a", "two b")),
        (PROMPT, ("three c",)),
    ]
    again, unasked = made(RuntimeError)
    assert again.summarize(groups) == again.known(groups) == ["one two", "three", "one two", "", ""]
    assert again.cost(groups).llm_calls == again.cost(groups).tokens == 0
    assert unasked.asked == []


def test_what_comes_behind_a_text_that_always_fails_is_summed_up_too(made, monkeypatch):
    monkeypatch.setattr(by_model, "_AT_ONCE", 2)
    refused = ServiceError("refused")
    summarizer, _ = made(lambda prompt: refused if "poison" in prompt.data else first_words(prompt))
    groups = [["poison"], *([f"text{at}"] for at in range(6))]
    with pytest.raises(ServiceError, match="refused"):
        summarizer.summarize(groups)
    assert summarizer.known(groups) == [None, *(f"text{at}" for at in range(6))]


def test_a_model_that_answers_nothing_is_not_asked_about_everything(made, monkeypatch):
    monkeypatch.setattr(by_model, "_AT_ONCE", 2)
    down = ServiceError("down")
    summarizer, model = made(lambda prompt: down)
    with pytest.raises(ServiceError, match="down"):
        summarizer.summarize([[f"text{at}"] for at in range(7)])
    assert len(model.asked) == 2


def test_another_prompt_model_or_division_of_the_text_is_another_summary(made):
    made()[0].summarize([["ab", "c"]])
    for other, groups in (
        (made(prompt="Say it in one word."), [["ab", "c"]]),
        (made(name="larger"), [["ab", "c"]]),
        (made(), [["a", "bc"]]),
        (made(), [["ab c"]]),
    ):
        other[0].summarize(groups)
        assert len(other[1].asked) == 1
    assert len({made()[0].fingerprint, made(prompt="p")[0].fingerprint, made(name="n")[0].fingerprint}) == 3


def test_a_long_text_is_summarised_by_its_parts_and_nothing_is_left_out(made, monkeypatch):
    monkeypatch.setattr(by_model, "PART_CHARS", 2000)
    words = [f"w{i}" for i in range(3000)]
    text = " ".join(f"{word}." if at % 9 == 8 else word for at, word in enumerate(words))
    summarizer, model = made(lambda prompt: f"sum of {prompt.data[0][:30]}".ljust(by_model.EXPECTED_CHARS, "."))
    expected = summarizer.cost([[text, "and a short one"]]).llm_calls
    (summary,) = summarizer.summarize([[text, "and a short one"]])
    shown = " ".join(piece for prompt in model.asked for piece in prompt.data if not piece.startswith("sum of"))
    assert sorted(shown.replace(".", "").split()) == sorted([*words, "and", "a", "short", "one"])
    assert all(sum(map(len, prompt.data)) <= 2000 for prompt in model.asked)
    assert summary.startswith("sum of") and len(model.asked) == expected > 3
    assert model.asked[-1].data[0].startswith("sum of sum of")


def test_summaries_that_do_not_become_shorter_are_an_error_and_not_an_endless_loop(made, monkeypatch):
    monkeypatch.setattr(by_model, "PART_CHARS", 100)
    summarizer, _ = made(lambda prompt: "never shorter " * 7)
    with pytest.raises(ServiceError, match="as long as what they sum up"):
        summarizer.summarize([["some words. " * 50]])


@pytest.mark.parametrize("reply", ["", " \n"])
def test_an_empty_answer_is_an_error_and_is_not_kept(made, reply):
    with pytest.raises(ServiceError, match="empty summary"):
        made(lambda prompt: reply)[0].summarize([["text"]])
    assert made()[0].summarize([["text"]]) == ["text"]


def test_half_a_surrogate_pair_in_an_answer_is_kept_as_a_question_mark(made):
    assert made(lambda prompt: "so \ud800")[0].summarize([["text"]]) == ["so ?"]
    assert made()[0].known([["text"]]) == ["so ?"]


def test_what_was_paid_for_before_the_budget_ran_out_is_not_paid_again(made):
    groups = [[f"text {i}"] for i in range(9)]
    summarizer, first = made()
    with limited(Budget(llm_calls=4)), pytest.raises(BudgetExceededError):
        summarizer.summarize(groups)
    assert len(first.asked) == 4
    assert summarizer.cost(groups).llm_calls == 5
    summarizer, second = made()
    assert len(summarizer.summarize(groups)) == 9
    assert len(second.asked) == 5


def test_one_failure_is_raised_and_what_was_asked_beside_it_is_kept(made):
    groups = [[f"{name} text"] for name in "abcdef"]
    with pytest.raises(ServiceError, match="no c"):
        made(lambda prompt: ServiceError("no c") if prompt.data[0] == "c text" else "fine")[0].summarize(groups)
    summarizer, model = made()
    summarizer.summarize(groups)
    assert [prompt.data for prompt in model.asked] == [("c text",)]


def test_a_model_that_is_down_is_not_asked_for_everything(made):
    summarizer, model = made(lambda prompt: ServiceError("down"))
    with pytest.raises(ServiceError, match="down"):
        summarizer.summarize([[f"text {i}"] for i in range(1000)])
    assert len(model.asked) == by_model._AT_ONCE


@pytest.mark.skipif(not children.can_fork(), reason="a child is killed")
def test_a_killed_process_has_paid_for_nothing_twice(tmp_path):
    groups = [[f"text {i}"] for i in range(by_model._AT_ONCE + 6)]
    paid = tmp_path / "paid"

    def asked(prompt):
        if killing and int(prompt.data[0].split()[1]) >= by_model._AT_ONCE:
            os.kill(os.getpid(), 9)
        with open(paid, "a") as file:
            file.write(f"{prompt.data[0]}\n")
        return "summary"

    def run():
        Summarizer(MemoryCorpus(), tmp_path / "index", model=ScriptedModel(asked)).summarize(groups)

    killing = True
    assert children.in_child(run) == 9
    assert len(paid.read_text().splitlines()) == by_model._AT_ONCE
    killing = False
    run()
    assert sorted(paid.read_text().splitlines()) == sorted(text for (text,) in groups)


def test_what_is_damaged_is_asked_again_and_what_is_rubbish_is_begun_again(made, tmp_path):
    groups = [["one"], ["two"]]
    made()[0].summarize(groups)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        connection.execute("UPDATE summaries SET text = CAST('lies' AS BLOB) WHERE text = CAST('one' AS BLOB)")
    summarizer, model = made()
    assert summarizer.summarize(groups) == ["one", "two"]
    assert [prompt.data for prompt in model.asked] == [("one",)]
    (tmp_path / FILE_NAME).write_bytes(b"rubbish" * 1000)
    for _ in range(2):
        summarizer, model = made()
        assert summarizer.summarize(groups) == ["one", "two"]
    assert len(model.asked) <= 2
    assert made(RuntimeError)[0].summarize(groups) == ["one", "two"]


def test_threads_and_processes_share_what_is_known(made):
    groups = [[f"text {i}"] for i in range(20)]
    summarizer, model = made()
    results = []
    threads = [threading.Thread(target=lambda: results.append(summarizer.summarize(groups))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [["text"] * 20] * 8
    assert len(model.asked) == 20
    if children.can_fork():
        assert children.in_child(lambda: made(RuntimeError)[0].summarize(groups)) == 0


def test_nothing_is_written_beside_a_corpus_that_is_only_read_and_what_is_there_is_used(made, tmp_path):
    corpus = MemoryCorpus()
    corpus.writable = False
    summarizer, model = made(corpus=corpus)
    assert summarizer.summarize([["one"]]) == summarizer.summarize([["one"]]) == ["one"]
    assert len(model.asked) == 1
    assert list(tmp_path.iterdir()) == []
    made()[0].summarize([["two"], ["three"]])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    summarizer, model = made(corpus=corpus)
    assert summarizer.summarize([["one"], ["two"], ["three"]]) == ["one", "two", "three"]
    assert [prompt.data for prompt in model.asked] == [("one",)]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_summary_is_found_by_a_name_of_its_own_without_its_texts(made):
    summarizer, _ = made()
    assert summarizer.recall(["a"]) == [None]
    assert summarizer.summarize([["one"], []], ["a", "b"]) == ["one", ""]
    assert made()[0].recall(["b", "a", "c"]) == ["", "one", None]
    assert made(prompt="other")[0].recall(["a"]) == [None]


def test_the_model_is_shown_what_a_node_lets_it_see(made):
    node = Node("text", metadata={"title": "T", "secret": 7}, excluded_llm_metadata_keys=["secret"])
    assert made()[0].text_of(node) == "title: T\n\ntext"
    assert made()[0].notes == ("summaries: by scripted",)


def test_neither_numpy_nor_the_splitter_is_loaded_to_make_one():
    code = "import sys, retrieverkit_summary.summarizing; print({'numpy', 'sentencex', 'Stemmer'} & set(sys.modules))"
    assert os.popen(f'{sys.executable} -c "{code}"').read().strip() == "set()"


def test_where_nothing_can_be_written_what_is_made_is_remembered_by_the_process(made, tmp_path, obey_permissions):
    groups = [["one"], ["two"]]
    made()[0].summarize([["two"]])
    tmp_path.chmod(0o500)
    (tmp_path / FILE_NAME).chmod(0o400)

    def asked_once():
        obey_permissions()
        summarizer, model = made()
        for _ in range(2):
            assert summarizer.summarize(groups) == ["one", "two"]
        assert [prompt.data for prompt in model.asked] == [("one",)]

    try:
        assert children.in_child(asked_once) == 0
    finally:
        tmp_path.chmod(0o700)


def test_what_cannot_be_kept_is_not_paid_for_again(tmp_path):
    (tmp_path / FILE_NAME).mkdir()
    model = ScriptedModel(first_words)
    summarizer = Summarizer(MemoryCorpus(), tmp_path, model=model)
    for _ in range(2):
        assert summarizer.summarize([["one"], ["two"]]) == ["one", "two"]
    assert len(model.asked) == 2
