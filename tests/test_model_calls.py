"""Calls of remote models over a real endpoint: recorded, replayed without it, in the library and in the command."""

import asyncio
import json
import os
import subprocess
import sys

import pytest

from retrieverkit import Document, Index, MetadataFilters, QueryBundle, cassette
from retrieverkit_core.errors import BatchError, EndpointError, NotRecordedError
from retrieverkit_testkit import model_faults as faults
from retrieverkit_testkit.choosers import by_words
from retrieverkit_testkit.model_server import ModelServer
from retrieverkit_testkit.models import ScriptedModel

NOTES = [
    Document(f"note {n} about matter {n % 7} and turbine {n % 3}", id=f"d{n}", metadata={"tenant": "ab"[n % 2]})
    for n in range(300)
]


def spec_of(server):
    return f"openai(model='m', base_url='{server.url}', api_key_env=None, batch_size=50, max_retries=1)"


def told(result):
    return [(hit.node_id, hit.score) for hit in result], result.spent, [leg.state for leg in result.legs]


@pytest.mark.parametrize("how", ["sync", "async", "deadline"])
def test_an_index_is_built_and_asked_without_the_endpoint_that_it_was_recorded_with(tmp_path, how):
    def run(name, spec):
        with Index.from_documents(NOTES, tmp_path / name, embedding=spec) as index:
            retriever = index.as_retriever("hybrid")
            if how == "async":
                return told(asyncio.run(retriever.aretrieve("turbine matter 3")))
            return told(retriever.retrieve("turbine matter 3", timeout=60 if how == "deadline" else None))

    with ModelServer() as server, cassette(tmp_path / "calls.jsonl"):
        spec = spec_of(server)
        live = run("live.rk", spec)
        assert len(server.requests) == live[1].embedding_calls > 6
    with cassette(tmp_path / "calls.jsonl"):
        assert run("replayed.rk", spec) == live
    assert live[0]


def test_what_a_cassette_lacks_stops_a_build_for_nobody_else(tmp_path):
    with ModelServer() as server:
        spec = spec_of(server)
        with cassette(tmp_path / "calls.jsonl"), Index.from_documents(NOTES[:5], embedding=spec) as index:
            index.retrieve("turbine", "vector")
        asked = len(server.requests)
        with Index.from_documents(NOTES, embedding=spec) as index:
            with cassette(tmp_path / "calls.jsonl"), pytest.raises(NotRecordedError, match="recorded 'note"):
                index.retrieve("turbine", "vector")
            assert len(server.requests) == asked
            assert len(index.retrieve("turbine", "vector")) == 5


def test_a_failure_of_the_endpoint_is_replayed_as_it_was(tmp_path):
    with ModelServer() as server:
        spec = spec_of(server)
        with Index.from_documents(NOTES[:5], tmp_path / "notes.rk", embedding=spec) as index:
            index.retrieve("turbine", "vector")
            server.do_next(faults.status(503), faults.status(503))
            with cassette(tmp_path / "calls.jsonl"), pytest.raises(EndpointError) as live:
                index.retrieve("matter", "vector")
            assert live.value.status == 503
    with cassette(tmp_path / "calls.jsonl") as tape, Index.open(tmp_path / "notes.rk", embedding=spec) as index:
        with pytest.raises(EndpointError) as replayed:
            index.retrieve("matter", "vector")
        assert (str(replayed.value), replayed.value.status) == (str(live.value), 503)
        assert tape.replayed == 2  # the comparison of the model with the index is on it too


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize(
    "mode",
    [
        "summary_llm(choice_batch_size=4)",
        "document_summary_llm(choice_batch_size=4)",
        "rerank(bm25, by='llm', batch_size=4)",
    ],
)
def test_a_choice_is_replayed_although_its_labels_are_new(tmp_path, mode, how):
    """Labels are random words of each call: the same question is found under others, and answered with those."""

    def run(model):
        with Index.from_documents(NOTES[:12], llm=model, embedding="lsa") as index:
            retriever = index.as_retriever(mode)
            query = QueryBundle("matter 3", filters=MetadataFilters.parse("tenant == 'a'"))
            result = asyncio.run(retriever.aretrieve(query)) if how == "async" else retriever.retrieve(query)
            return told(result), result.outcome

    live = ScriptedModel(by_words)
    with cassette(tmp_path / "calls.jsonl"):
        recorded = run(live)
    silent = ScriptedModel(lambda prompt: AssertionError("a replay asks nobody"))
    with cassette(tmp_path / "calls.jsonl"):
        assert run(silent) == recorded
    assert recorded[0][1].llm_calls == len(live.asked) > 1 and not silent.asked
    labels = [label for prompt in live.asked for label in prompt.labels]
    assert labels and not any(label in (tmp_path / "calls.jsonl").read_text(encoding="utf-8") for label in labels)


@pytest.mark.slow
def test_the_command_records_once_and_replays_without_the_endpoint(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    for n in range(4):
        (folder / f"{n}.md").write_text(f"note {n} about turbine {n}")
    environment = {**os.environ, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}

    def run(*arguments, cache, code=0, **more):
        command = [sys.executable, "-m", "retrieverkit.cli", *arguments, "--cassette", str(tmp_path / "calls.jsonl")]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
            env={**environment, "XDG_CACHE_HOME": str(tmp_path / cache), **more},
        )
        assert done.returncode == code, done.stderr
        return done

    search = ("search", "turbine 2", str(folder), "--mode", "vector", "--json")
    with ModelServer() as server:
        live = run(*search, cache="one", RETRIEVERKIT_EMBEDDING=spec_of(server))
        requests = len(server.requests)
    assert "recorded to" in live.stderr and f"spent: {requests} embedding calls" in live.stderr
    replayed = run(*search, cache="two")  # nothing names the model: it is the one that was recorded
    assert "replayed from" in replayed.stderr and f"spent: {requests} embedding calls" in replayed.stderr
    one, two = json.loads(live.stdout), json.loads(replayed.stdout)
    assert [(hit["label"], hit["score"]) for hit in one["hits"]] == [
        (hit["label"], hit["score"]) for hit in two["hits"]
    ]
    assert one["spent"] == two["spent"] and one["hits"]
    missed = run("search", "turbine 3", *search[2:], cache="two", code=1)
    assert "does not hold this call" in missed.stderr and "fix: " in missed.stderr
    (other := tmp_path / "other").mkdir()
    (other / "a.md").write_text("a note that was not recorded")
    indexed = run("index", str(other), "--index", str(tmp_path / "notes.rk"), "--json", cache="three", code=3)
    assert "warning: leg vector: failed: the cassette" in indexed.stderr
    assert "does not hold" in json.loads(indexed.stdout)["ready"]["failed"][0]


@pytest.mark.parametrize("mode", ["summary_llm", "fusion(bm25, summary_llm)", "document_summary_llm", "vector"])
@pytest.mark.parametrize("how", ["sync", "async", "many"])
def test_under_a_scope_nothing_is_shown_of_what_was_recorded_under_another(tmp_path, mode, how):
    with ModelServer(
        lambda request: "sum of " + request.data[0] if request.schema is None else {"chosen": []}
    ) as server:
        model = f"openai(model='m', base_url='{server.url}', api_key_env=None)"
        index = Index.from_documents(NOTES[:4], tmp_path / "notes.rk", llm=model, embedding=model)
        with cassette(tmp_path / "tape.jsonl"):
            index.retrieve("secret matter", mode, scope="tenant == 'b'")
        retriever = index.as_retriever(mode)
        with cassette(tmp_path / "tape.jsonl") as played:
            try:
                if how == "many":
                    retriever.retrieve_many([QueryBundle("matter", scope=MetadataFilters.parse("tenant == 'a'"))] * 2)
                elif how == "async":
                    asyncio.run(retriever.aretrieve("matter", scope="tenant == 'a'"))
                else:
                    retriever.retrieve("matter", scope="tenant == 'a'")
            except (NotRecordedError, BatchError):
                pass
    assert played.missing and not any("recorded" in each for miss in played.missing for each in miss.differences)
    assert not any("secret" in str(miss) or "tenant: b" in str(miss) for miss in played.missing)
