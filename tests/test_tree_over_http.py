"""The tree of summaries over a real endpoint: what it is asked, once, whoever asks and whatever ends the asking."""

import asyncio
import os
import threading

import pytest

from retrieverkit import Document, Index
from retrieverkit_core.errors import DeadlineExceededError, EndpointError, RetrieverKitError
from retrieverkit_core.result import Outcome
from retrieverkit_testkit import children
from retrieverkit_testkit import model_faults as faults
from retrieverkit_testkit.model_server import ModelServer

MODE = "tree_select_leaf(num_children=3, child_branch_factor=2)"
MARKS = [f"mark{n}x" for n in range(40)]


def shown(request):
    """Return the texts of a request by their labels."""
    parts = (part.partition("\n") for part in request.data[1:])
    return {head.removeprefix("Document ").rstrip(":"): text for head, _, text in parts}


def answers(request):
    """Sum up by marks; choose what has the mark that the query asks for."""
    if request.schema is None:
        return " ".join(mark for mark in MARKS if any(mark in text for text in request.data))
    wanted = next(mark for mark in MARKS if mark in request.data[0])
    return {"chosen": [{"label": label, "relevance": 9} for label, text in shown(request).items() if wanted in text]}


def summarised(server):
    return [request.data for request in server.requests if request.schema is None]


def spec_of(server):
    return f"openai(model='m', base_url='{server.url}', api_key_env=None)"


@pytest.fixture
def folder(tmp_path):
    documents = [Document(f"{mark} words", id=mark, metadata={"even": not at % 2}) for at, mark in enumerate(MARKS)]
    with Index.create(tmp_path / "index") as index:
        index.add(documents)
    return tmp_path / "index"


def found(index, query, **limits):
    return [hit.node_id for hit in index.as_retriever(MODE).retrieve(query, **limits)]


def test_sync_and_async_find_the_way_and_each_summary_is_asked_for_once(folder):
    with ModelServer(answers) as server, Index.open(folder, llm=spec_of(server)) as index:
        retriever = index.as_retriever(MODE)
        planned = retriever.plan(MARKS[7]).parts[0].llm_calls
        for result in (retriever.retrieve(MARKS[7]), asyncio.run(retriever.aretrieve(MARKS[7]))):
            assert [(hit.node.ref_doc_id, hit.score) for hit in result] == [(MARKS[7], 9.0)]
        assert len(summarised(server)) == len(set(summarised(server))) == planned > 10


@pytest.mark.parametrize("fault", [faults.status(400), faults.NOT_JSON, faults.EMPTY, faults.REFUSAL], ids=str)
@pytest.mark.parametrize("of_choices", [True, False], ids=["choices", "summaries"])
def test_an_endpoint_that_goes_wrong_is_an_error_and_no_hits(folder, fault, of_choices):
    def goes_wrong(request):
        return fault if (request.schema is not None) is of_choices else answers(request)

    with (
        ModelServer(goes_wrong) as server,
        Index.open(folder, llm=spec_of(server)) as index,
        pytest.raises(RetrieverKitError),
    ):
        found(index, MARKS[7])
    with ModelServer(answers) as server, Index.open(folder, llm=spec_of(server)) as index:
        assert len(found(index, MARKS[7])) == 1
        assert bool(summarised(server)) is not of_choices


def test_a_deadline_is_held_and_what_came_until_then_is_kept(folder):
    asked = []

    def hangs(request):
        asked.append(request.data)
        return faults.NEVER if len(asked) > 3 else answers(request)

    with ModelServer(hangs) as server, Index.open(folder, llm=spec_of(server)) as index:
        with pytest.raises((DeadlineExceededError, EndpointError)):
            index.as_retriever(MODE).retrieve(MARKS[7], timeout=1.0)
        needed = index.as_retriever(MODE).plan(MARKS[7]).parts[0].llm_calls
    with ModelServer(answers) as server, Index.open(folder, llm=spec_of(server)) as index:
        assert len(found(index, MARKS[7])) == 1
        assert len(summarised(server)) == needed


def test_threads_that_need_the_same_summaries_pay_for_them_once(folder):
    with ModelServer(answers) as server, Index.open(folder, llm=spec_of(server)) as index:
        results = []
        threads = [threading.Thread(target=lambda at=at: results.append(found(index, MARKS[at]))) for at in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(len(result) for result in results) == [1] * 8
        assert len(summarised(server)) == len(set(summarised(server)))


@pytest.mark.skipif(not children.can_fork(), reason="a child is killed")
def test_a_process_that_is_killed_has_paid_for_nothing_twice(folder):
    """It is killed on the level above the lowest, whose summaries have all come by then."""
    child = []
    begun = threading.Event()

    def dies(request):
        if request.schema is not None or any(" words" in text for text in request.data):
            return answers(request)
        begun.wait()
        os.kill(child[0], 9)
        return faults.NEVER

    with ModelServer(dies) as server:
        child.append(os.fork())
        if child == [0]:
            try:
                with Index.open(folder, llm=spec_of(server)) as index:
                    found(index, MARKS[7])
            finally:
                os._exit(0)
        begun.set()
        assert os.waitpid(child[0], 0)[1] == 9
        first = {data for data in summarised(server) if any(" words" in text for text in data)}
    with ModelServer(answers) as server, Index.open(folder, llm=spec_of(server)) as index:
        assert len(found(index, MARKS[7])) == 1
        assert len(first) > 5 and not first & set(summarised(server))


def test_under_a_scope_nothing_else_is_sent_to_the_endpoint(folder):
    with ModelServer(answers) as server, Index.open(folder, llm=spec_of(server)) as index:
        result = index.as_retriever(MODE).retrieve(MARKS[8], scope="even == true")
        assert [hit.node.text for hit in result] == [f"{MARKS[8]} words"]
        assert index.as_retriever(MODE).retrieve(MARKS[7], scope="even == true").outcome is Outcome.EMPTY
        sent = " ".join(text for request in server.requests for text in request.data[bool(request.schema) :])
        assert [at for at, mark in enumerate(MARKS) if mark in sent] == list(range(0, 40, 2))
