"""`shadow`: the other retriever changes nothing of the answer, and what it would have said is told."""

import asyncio
import logging
import queue
import threading

import pytest

from retrieverkit_compose import ShadowRetriever
from retrieverkit_core import Node
from retrieverkit_core.errors import DeadlineExceededError, OptionError, ServiceError


def asked(retriever, query, how, **limits):
    if how == "sync":
        return retriever.retrieve(query, **limits)
    return asyncio.run(retriever.aretrieve(query, **limits))


def nodes(*names):
    return [Node(id=name, metadata={"tenant": name[0]}) for name in names]


both_ways = pytest.mark.parametrize("how", ["sync", "async"])


@both_ways
def test_the_difference_is_told_and_logged_and_the_answer_is_that_of_the_first(listed, how, caplog):
    caplog.set_level(logging.INFO, "retrieverkit.shadow")
    told = queue.Queue()
    served, other = listed(nodes("a1", "a2", "b1"), "served"), listed(nodes("a2", "a3", "b2"), "other")
    retriever = ShadowRetriever(served, other, on_compared=told.put)
    result = asked(retriever, "secret query", how, scope="tenant == 'a'", top_k=2)
    compared = told.get(timeout=60)
    assert [hit.node_id for hit in result] == list(compared.served) == ["a1", "a2"]
    assert compared.shadow == ("a2", "a3")
    assert (compared.overlap, compared.same_first, compared.error) == (pytest.approx(1 / 3), False, None)
    assert "other beside served: overlap 0.33, another first hit" in caplog.text and "secret" not in caplog.text
    assert [part.name for part in retriever.plan("q").parts] == ["served", "other"]
    assert result.outcome == "ok"


@both_ways
def test_another_that_fails_hangs_or_is_too_much_changes_nothing(listed, hangs, how, caplog, with_time):
    told = queue.Queue()

    class Fails(listed):
        def _retrieve(self, query_bundle):
            raise ServiceError("broken")

    served = listed(nodes("a1"), "served")
    assert len(asked(ShadowRetriever(served, Fails([]), on_compared=told.put), "query", how)) == 1
    assert "broken" in str(told.get(timeout=60))

    def while_it_hangs(seconds):
        slow = ShadowRetriever(served, hangs, on_compared=told.put, timeout=seconds, concurrency=1)
        first, second = asked(slow, "query", how, timeout=60), asked(slow, "query", how)
        compared = told.get(timeout=60)
        assert len(first) == len(second) == 1 and first.outcome == "ok"
        assert isinstance(compared.error, DeadlineExceededError)
        assert "too many comparisons" in caplog.text

    with_time(0.2, while_it_hangs)
    raises = threading.Event()

    def broken(compared):
        raises.set()
        raise RuntimeError("of the caller")

    retriever = ShadowRetriever(served, served, on_compared=broken, concurrency=1)
    assert len(asked(retriever, "query", how)) == 1 and raises.wait(60)


def test_what_cannot_be_is_refused(listed):
    served = listed(nodes("a"))
    for wrong in ({"timeout": 0.0}, {"concurrency": 0}):
        with pytest.raises(OptionError):
            ShadowRetriever(served, served, **wrong)
    with pytest.raises(OptionError, match="shadow"):
        ShadowRetriever(served, "bm25")


@pytest.mark.needs("retrieverkit_bm25")
def test_a_mode_in_a_string(tmp_path):
    from retrieverkit import Document, Index

    with Index.from_documents([Document("ice", id="d")], tmp_path / "a.rk") as index:
        assert len(index.retrieve("ice", "shadow(bm25, bm25(top_k=1))")) == 1
        with pytest.raises(OptionError, match="two retrievers"):
            index.as_retriever("shadow(bm25)")
