"""Modes that have a model choose, over a real endpoint that goes wrong: an error or a marked result, never a leak."""

import asyncio

import pytest

from retrieverkit import Document, Index, cassette
from retrieverkit_core.errors import DeadlineExceededError, EndpointError, NotRecordedError, RetrieverKitError
from retrieverkit_core.result import Outcome
from retrieverkit_testkit import model_faults as faults
from retrieverkit_testkit.model_server import ModelServer

MODES = ["summary_llm(choice_batch_size=3)", "document_summary_llm(choice_batch_size=3, choice_top_k=20)"]
MINE = "tenant == 'mine'"

HALLUCINATED = faults.says('{"chosen": [{"label": "document 0", "relevance": 9}]}', "hallucinated")
FAULTS = [
    faults.status(429, retry_after=0.01),
    faults.status(500),
    faults.RESET,
    faults.SLOW_BODY,
    faults.NEVER,
    faults.HUGE_BODY,
    faults.CUT_OFF,
    faults.TRUNCATED_JSON,
    faults.NOT_JSON,
    faults.NO_CHOICES,
    faults.PROSE,
    faults.WRONG_SCHEMA,
    faults.EMPTY,
    faults.LENGTH,
    faults.REFUSAL,
    HALLUCINATED,
]


def documents():
    own = [Document(f"heron {at}", id=f"mine{at}", metadata={"tenant": "mine"}) for at in range(7)]
    others = [Document(f"heron secret {at}", id=f"other{at}", metadata={"tenant": "other"}) for at in range(7)]
    return [document for pair in zip(own, others, strict=True) for document in pair]


def shown(request):
    """Return the texts of a request by their labels."""
    parts = (part.partition("\n") for part in request.data[1:])
    return {head.removeprefix("Document ").rstrip(":"): text for head, _, text in parts}


def sums_up_or_chooses(request):
    if request.schema is None:
        return "heron summary " + " ".join(request.data)
    return {"chosen": [{"label": label, "relevance": 7} for label, text in shown(request).items() if "heron" in text]}


def goes_wrong(fault, everywhere):
    """Return what answers every choice with a fault, or only that among the last documents."""

    def answer(request):
        last = any("heron 6" in text for text in shown(request).values())
        return fault if request.schema is not None and (everywhere or last) else sums_up_or_chooses(request)

    return answer


def spec_of(server, seconds=600):
    return f"openai(model='m', base_url='{server.url}', api_key_env=None, max_retries=1, timeout={seconds})"


def ask(retriever, how, **limits):
    if how == "sync":
        return retriever.retrieve("heron", scope=MINE, **limits)
    return asyncio.run(retriever.aretrieve("heron", scope=MINE, **limits))


@pytest.fixture(scope="module")
def index_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("index") / "i.rk"
    Index.from_documents(documents(), folder).close()
    return folder


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_a_batch_that_goes_wrong_is_named_and_all_of_them_are_an_error(index_folder, fault, how, with_time):
    mode = MODES[FAULTS.index(fault) % 2]

    def the_others_are_in_time(seconds):
        with ModelServer(goes_wrong(fault, False)) as server, opened(server, seconds) as index:
            result = ask(index.as_retriever(mode), how, timeout=300)
            assert result.outcome is Outcome.PARTIAL
            assert {hit.ref_doc_id for hit in result} == {f"mine{at}" for at in range(6)}
            (failed,) = [leg for leg in result.legs if leg.failed]
            assert isinstance(failed.error, RetrieverKitError)
            assert failed.name.endswith("place 7")
            assert not any("secret" in part for request in server.requests for part in (request.system, *request.data))

    def opened(server, seconds):
        return Index.open(index_folder, llm=spec_of(server, seconds))

    with_time(0.4, the_others_are_in_time)
    with ModelServer(goes_wrong(fault, True)) as server, opened(server, 0.4) as index:
        with pytest.raises(RetrieverKitError) as caught:
            ask(index.as_retriever(mode), how, timeout=300)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("mode", MODES)
def test_a_deadline_holds_though_no_answer_comes(index_folder, how, mode):
    with ModelServer(lambda request: faults.NEVER) as server:
        late = pytest.raises((DeadlineExceededError, EndpointError), match="did not answer within")
        with Index.open(index_folder, llm=spec_of(server)) as index, late:
            ask(index.as_retriever(mode), how, timeout=0.5)


def test_an_answer_after_the_caller_has_cancelled_goes_nowhere(index_folder):
    with ModelServer(lambda request: faults.NEVER) as server:
        spec = spec_of(server)
        with Index.open(index_folder, llm=spec) as index:
            retriever = index.as_retriever(MODES[0])

            async def cancelled():
                task = asyncio.ensure_future(retriever.aretrieve("heron", scope=MINE))
                await asyncio.to_thread(server.wait_for, lambda server: len(server.requests) == 3)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                await asyncio.to_thread(server.wait_for, lambda server: len(server.dropped) == 3)
                assert len(server.requests) == 3

            asyncio.run(cancelled())


def test_a_run_is_recorded_and_found_again_though_labels_are_new(index_folder, tmp_path):
    with ModelServer(sums_up_or_chooses) as server:
        spec = spec_of(server)
        with Index.open(index_folder, llm=spec) as index, cassette(tmp_path / "calls.jsonl"):
            live = [ask(index.as_retriever(mode), "sync") for mode in MODES]
    with Index.open(index_folder, llm=spec) as index, cassette(tmp_path / "calls.jsonl"):
        for mode, before in zip(MODES, live, strict=True):
            again = ask(index.as_retriever(mode), "async")
            assert [(hit.node_id, hit.score) for hit in again] == [(hit.node_id, hit.score) for hit in before]
            assert len(again) == 7
        with pytest.raises(NotRecordedError):
            index.retrieve("owl", MODES[0], scope=MINE)
