"""Whoever asked is told how far an index is, from whatever thread makes it."""

import asyncio

import pytest

from retrieverkit_core.progress import counted, told_to
from retrieverkit_core.threads import WORKERS, offload


@pytest.fixture
def told():
    return []


def test_a_build_and_an_update_are_told(corpus, tmp_path, kit, told):
    index = kit.WordIndex(corpus, tmp_path / "s")
    with told_to(lambda *progress: told.append(progress)):
        index.reader()
        assert (told[0], told[-1]) == (("words", 0, 20), ("words", 20, 20))
        told.clear()
        corpus.add(new="blue")
        index.reader()
        assert told[-1] == ("words", 1, 1)
    told.clear()
    corpus.add(other="blue")
    index.reader()
    assert told == []


def test_the_whole_of_a_build_is_told_and_opening_it_is_not(corpus, tmp_path, kit, told):
    with told_to(lambda *_: told.append("item"), lambda *span: told.append(span)):
        kit.WordIndex(corpus, tmp_path / "s").reader()
        assert (told[0], told[-1]) == (("words", True), ("words", False)) and told.count("item") == len(told) - 2
        told.clear()
        kit.WordIndex(corpus, tmp_path / "s").reader()
    assert told == []


@pytest.mark.parametrize("how", ["thread", "loop"])
def test_threads_that_work_for_the_caller_tell_it(corpus, tmp_path, kit, told, how):
    index = kit.WordIndex(corpus, tmp_path / "s")
    with told_to(lambda *progress: told.append(progress)):
        if how == "thread":
            WORKERS.submit(index.reader).result()
        else:
            asyncio.run(offload(index.reader))
    assert told[-1] == ("words", 20, 20)


def test_what_is_counted_is_passed_on_unchanged(told):
    with told_to(lambda *progress: told.append(progress)):
        assert list(counted("abc", "letters", 3)) == ["a", "b", "c"]
        assert list(counted([], "nothing", 0)) == []
    assert told[-1] == ("nothing", 0, 0)
