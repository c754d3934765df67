"""The rules on questions that were written, with what a careful reader would want, before the rules."""

from auto_questions import compare


def read_all(collections, auto_over):
    for corpus, questions in collections.values():
        auto = auto_over(corpus)
        for question in questions:
            yield question, auto.retrieve(question["q"]).spec


def test_no_question_gets_a_filter_that_a_careful_reader_would_not_want(collections, auto_over):
    wrong = {
        question["q"]: compare(question, spec)[2]
        for question, spec in read_all(collections, auto_over)
        if compare(question, spec)[2]
    }
    assert wrong == {}


def test_most_of_what_a_careful_reader_would_filter_by_is_found(collections, auto_over):
    found = missed = 0
    for question, spec in read_all(collections, auto_over):
        right, left, _ = compare(question, spec)
        found, missed = found + len(right), missed + len(left)
    assert found / (found + missed) >= 0.75
    assert found + missed >= 150


def test_a_question_in_which_nothing_is_read_is_asked_as_it_is(collections, auto_over):
    for question, spec in read_all(collections, auto_over):
        if spec.filters is None and spec.top_k is None:
            assert spec.query == question["q"]
        assert spec.query in (question["q"], question["rest"]) or len(spec.query) < len(question["q"])
        assert spec.notes[0] == f"filters: {spec.filters or 'none'}"


def test_the_table_is_what_it_is_said_to_be(collections):
    questions = [question for _, asked in collections.values() for question in asked]
    assert len({question["q"] for question in questions}) == len(questions) >= 150
    assert sum("trap" in question for question in questions) >= 40
