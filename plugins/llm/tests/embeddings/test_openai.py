import json
import os
import subprocess
import sys
import threading
import time
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from retrieverkit_core import budget
from retrieverkit_core.budget import Budget
from retrieverkit_core.deadline import limited, remaining
from retrieverkit_core.errors import BudgetExceededError, EndpointError, InvalidEmbeddingError, MissingServiceError
from retrieverkit_core.services import Embedder
from retrieverkit_indexing.embeddings import CachedEmbedder, EmbeddingCache
from retrieverkit_llm.embeddings.answer import read_vectors
from retrieverkit_llm.embeddings.provider import OpenAIOptions, provider

TEXTS = ["a", "bcd", "ef gh", ""]


def expected(does, texts, dimensions=4):
    vectors = np.array([does.vector_of(text) for text in texts], np.float32)
    return np.pad(vectors, ((0, 0), (0, dimensions - 4)))


def test_texts_go_in_batches_and_come_back_as_rows(endpoint, embedder, does, key_is_nowhere):
    model = embedder(batch_size=3)
    assert isinstance(model, Embedder) and model.dimension == 4
    assert (model.embed_documents(TEXTS) == expected(does, TEXTS)).all()
    assert (model.embed_queries(["q"]) == expected(does, ["q"])).all()
    assert [request.texts for request in endpoint.requests[1:]] == [TEXTS[:3], TEXTS[3:], ["q"]]
    last = endpoint.requests[-1]
    assert (last.path, last.headers["authorization"]) == ("/v1/embeddings", f"Bearer {os.environ['TEST_KEY']}")
    assert last.body == {"model": "m", "input": ["q"], "encoding_format": "float"}
    assert model.embed_documents([]).shape == (0, 4)
    key_is_nowhere(model, vars(model), vars(model._endpoint))


def test_dimensions_are_asked_for_and_then_known_without_asking(endpoint, embedder, does):
    model = embedder(dimensions=6, api_key_env=None)
    assert model.dimension == 6 and endpoint.requests == []
    assert (model.embed_documents(TEXTS) == expected(does, TEXTS, 6)).all()
    assert endpoint.requests[0].body["dimensions"] == 6
    assert "authorization" not in endpoint.requests[0].headers
    assert model.fingerprint != embedder().fingerprint != embedder(model="n").fingerprint


def test_text_that_is_not_unicode_is_sent_all_the_same(embedder):
    assert embedder(dimensions=4).embed_documents(["\ud800", "é\u0000"]).shape == (2, 4)


def test_a_shuffled_answer_is_put_in_order(endpoint, embedder, does):
    model = embedder(dimensions=4)
    for shuffled in (lambda data: data[::-1], lambda data: data[2:] + data[:2]):
        endpoint.do_next(does.changed(shuffled))
        assert (model.embed_documents(TEXTS) == expected(does, TEXTS)).all()


def bad(change):
    return lambda does: does.changed(change)


def item(at, **fields):
    return bad(lambda data: data[at].update(fields))


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (bad(lambda data: data[:-1]), "4 texts were sent and 3 vectors came back"),
        (bad(lambda data: data + data[:1]), "4 texts were sent and 5 vectors"),
        (item(1, index=0), "two vectors have the index 0"),
        (item(1, index=4), r"data\[1\] has no index between 0 and 3"),
        (item(1, index=-1), r"data\[1\] has no index"),
        (item(1, index=True), r"data\[1\] has no index"),
        (item(1, index="1"), r"data\[1\] has no index"),
        (bad(lambda data: data[2].pop("index") and None), r"data\[2\] has no index"),
        (item(3, embedding=[1.0, 2.0, 3.0]), "row 3 has 3 numbers, not 4"),
        (item(0, embedding=[]), "row 0 has 0 numbers"),
        (item(2, embedding=[0.0] * 4), "row 2 is a zero vector"),
        (item(2, embedding=[1e39, 1, 1, 1]), "row 2 holds an infinite"),
        (item(2, embedding=[float("nan"), 1, 1, 1]), "NaN is not a number"),
        (item(2, embedding=[float("inf"), 1, 1, 1]), "Infinity is not a number"),
        (item(2, embedding=[None, 1, 1, 1]), r"data\[2\] has no embedding that is a list of numbers"),
        (item(2, embedding=[True, 1, 1, 1]), r"data\[2\] has no embedding"),
        (item(2, embedding="AACAPwAAAEA="), r"data\[2\] has no embedding"),
        (bad(lambda data: [[1, 2, 3, 4]] * 4), r"data\[0\] has no index"),
        (lambda does: does.changed(lambda data: [d | {"embedding": d["embedding"][:3]} for d in data]), "row 0 has 3"),
        (lambda does: does.raw(b""), "it is not JSON"),
        (lambda does: does.raw(b"<html>"), "it is not JSON"),
        (lambda does: does.raw(b'{"data": [{"index": 0, '), "it is not JSON"),
        (lambda does: does.raw(b"\xff\xfe"), "it is not JSON"),
        (lambda does: does.raw(b"[" * 100_000), "it is not JSON"),
        (lambda does: does.raw(b'{"data": [], "data": []}'), "a name stands twice"),
        (lambda does: does.raw(b'{"data": [1e999]}'), "1 vectors came back"),
        (lambda does: does.raw(b'"data"'), "no JSON object with a list called data"),
        (lambda does: does.raw(b'{"data": {}}'), "no JSON object with a list called data"),
        (lambda does: does.raw(b"{}"), "no JSON object with a list called data"),
    ],
)
def test_a_wrong_answer_is_refused_and_nothing_of_it_is_stored(
    endpoint, embedder, does, tmp_path, key_is_nowhere, behaviour, said
):
    model = embedder(dimensions=4)
    cached = CachedEmbedder(model, EmbeddingCache(tmp_path))
    cached.probe()
    endpoint.do_next(behaviour(does))
    with pytest.raises(InvalidEmbeddingError, match=said) as caught:
        cached.embed_documents(TEXTS)
    key_is_nowhere(caught.value, *traceback.format_exception(caught.value))
    asked = len(endpoint.requests)
    assert (cached.embed_documents(TEXTS) == expected(does, TEXTS)).all()
    assert len(endpoint.requests) == asked + 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["data", "index", "embedding", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60), st.integers(0, 3))
def test_any_answer_is_read_whole_or_refused(body, count):
    try:
        vectors = read_vectors(body, count)
    except InvalidEmbeddingError:
        return
    assert len(vectors) == count and all(type(number) in (int, float) for vector in vectors for number in vector)


@pytest.mark.parametrize(
    "fault", ["reset", "cut_off", *(f"status {code}" for code in (408, 409, 425, 429, 500, 502, 503, 529))]
)
def test_what_may_pass_is_tried_again(endpoint, embedder, does, quick_retries, key_is_nowhere, fault):
    behaviour = does.status(int(fault.split()[1])) if " " in fault else getattr(does, fault)
    model = embedder(dimensions=4)
    endpoint.do_next(behaviour, behaviour)
    assert (model.embed_documents(TEXTS) == expected(does, TEXTS)).all()
    assert len(endpoint.requests) == 3

    endpoint.do_next(*[behaviour] * 3)
    with pytest.raises(EndpointError) as caught:
        model.embed_documents(TEXTS)
    assert caught.value.retryable and len(endpoint.requests) == 6
    assert caught.value.status == (int(fault.split()[1]) if " " in fault else None)
    key_is_nowhere(caught.value, *traceback.format_exception(caught.value))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_what_will_not_pass_is_not(endpoint, embedder, does, status):
    endpoint.do_next(does.status(status))
    with pytest.raises(EndpointError, match=f"no: {status}") as caught:
        embedder(dimensions=4).embed_documents(TEXTS)
    assert (caught.value.status, caught.value.retryable, len(endpoint.requests)) == (status, False, 1)


def test_the_number_of_retries_is_kept(endpoint, embedder, does):
    endpoint.do_next(*[does.status(500, Retry_After="0")] * 9)
    for retries, asked in ((0, 1), (2, 4)):
        with pytest.raises(EndpointError):
            embedder(dimensions=4, max_retries=retries).embed_documents(TEXTS)
        assert len(endpoint.requests) == asked


def test_retry_after_is_honoured(endpoint, embedder, does, monkeypatch):
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)
    in_30_s = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    for value in ("7", in_30_s, "soon"):
        endpoint.do_next(does.status(429, Retry_After=value))
    embedder(dimensions=4).embed_documents(TEXTS)
    assert waits[0] == 7 and 25 < waits[1] <= 30 and waits[2] < 10


@pytest.mark.parametrize("value", ["3600", "999999999999999999999"])
def test_a_wait_that_is_too_long_is_an_error_at_once(endpoint, embedder, does, value):
    endpoint.do_next(does.status(429, Retry_After=value))
    with pytest.raises(EndpointError) as caught:
        embedder(dimensions=4).embed_documents(TEXTS)
    assert caught.value.status == 429 and len(endpoint.requests) == 1


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_a_hanging_endpoint_is_left_at_the_timeout(endpoint, embedder, does, key_is_nowhere, fault):
    endpoint.do_next(*[getattr(does, fault)] * 2)
    with pytest.raises(EndpointError, match=r"did not answer within 0\.3 s") as caught:
        embedder(dimensions=4, timeout=0.3, max_retries=0).embed_documents(TEXTS)
    assert caught.value.status is None and caught.value.retryable
    key_is_nowhere(caught.value, *traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("beginning", "again"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"),
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"HTTP/1.1 500 no\r\nContent-Length: 8000\r\n\r\n", b"x"),
    ],
    ids=["status line", "header", "header lines", "interim answers", "chunks", "refusal"],
)
@pytest.mark.parametrize("by_deadline", [False, True])
def test_an_answer_without_end_is_left_at_the_timeout(
    endpoint, embedder, does, with_time, beginning, again, by_deadline
):
    endpoint.do_next(does.drip_of(beginning, again))
    model = embedder(dimensions=4, timeout=600.0 if by_deadline else 0.9, max_retries=0)
    with limited(0.9 if by_deadline else 600), pytest.raises(EndpointError, match=r"did not answer within 0\."):
        model.embed_documents(TEXTS)

    def answers(_seconds):
        assert (model.embed_documents(TEXTS) == expected(does, TEXTS)).all()

    with_time(0.9, answers)


def test_an_endpoint_that_does_not_read_is_left_at_the_timeout(embedder, deaf_endpoint):
    model = embedder(dimensions=4, base_url=deaf_endpoint, timeout=0.3, max_retries=0)
    with pytest.raises(EndpointError, match="did not answer within"):
        model.embed_documents(["x" * 30_000_000])


def test_waits_between_attempts_end_before_the_deadline(endpoint, embedder, does, monkeypatch):
    waits = []
    monkeypatch.setattr(time, "sleep", lambda wait: waits.append((wait, remaining())))
    endpoint.do_next(*[does.status(500)] * 9)
    with limited(5), pytest.raises(EndpointError, match="500"):
        embedder(dimensions=4, max_retries=8).embed_documents(TEXTS)
    assert waits and all(wait < left for wait, left in waits)


def test_the_callers_deadline_counts_for_requests_and_waits(endpoint, embedder, does):
    model = embedder(dimensions=4, timeout=600.0)
    endpoint.do_next(does.hang)
    with limited(0.9), pytest.raises(EndpointError, match="did not answer within 0"):
        model.embed_documents(TEXTS)
    assert len(endpoint.requests) == 1

    endpoint.do_next(does.status(429, Retry_After="50"))
    with limited(40), pytest.raises(EndpointError, match="429"):
        model.embed_documents(TEXTS)
    assert len(endpoint.requests) == 2

    with limited(0), pytest.raises(EndpointError, match="deadline has passed"):
        model.embed_documents(TEXTS)
    assert len(endpoint.requests) == 2


def test_an_endless_answer_is_not_read_to_its_end(endpoint, embedder, does):
    endpoint.do_next(does.endless)
    with pytest.raises(EndpointError, match="longer than 67108864 bytes") as caught:
        embedder(dimensions=4).embed_documents(TEXTS)
    assert not caught.value.retryable and len(endpoint.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(endpoint, embedder, does, status, key_is_nowhere):
    for location in ("http://127.0.0.1:9/steal", "file:///"):
        endpoint.do_next(does.status(status, Location=location))
        with pytest.raises(EndpointError, match="redirects are not followed") as caught:
            embedder(dimensions=4).embed_documents(TEXTS)
        assert caught.value.status == status
        key_is_nowhere(caught.value)
    assert len(endpoint.requests) == 2


def test_a_key_that_the_endpoint_repeats_is_taken_out(endpoint, embedder, does, key_is_nowhere):
    endpoint.do_next(does.echoing_the_key)
    with pytest.raises(EndpointError, match=r'"Bearer \*\*\*"') as caught:
        embedder(dimensions=4).embed_documents(TEXTS)
    assert "TEST_KEY" in caught.value.fix
    key_is_nowhere(caught.value, *traceback.format_exception(caught.value))


@pytest.mark.parametrize("end", [b"", b" \x1b[31mred", b" \xe9"])
def test_a_key_in_the_status_line_is_shown_nowhere(endpoint, embedder, does, key_is_nowhere, end):
    endpoint.do_next(does.echoing_the_key_in_the_status_line(end))
    with pytest.raises(EndpointError) as caught:
        embedder(dimensions=4, max_retries=0).embed_documents(TEXTS)
    assert str(caught.value).replace("\n", "").isprintable() and "red" not in caught.value.message.partition(":")[0]
    assert caught.value.status == 401
    key_is_nowhere(caught.value, *traceback.format_exception(caught.value))


def test_a_proxy_is_asked_for_what_is_not_near(endpoint, embedder, does, monkeypatch):
    proxy = endpoint.url.removesuffix("/v1")
    monkeypatch.setenv("http_proxy", proxy)
    model = embedder(dimensions=4, base_url="http://far.example/v1")
    assert (model.embed_documents(TEXTS) == expected(does, TEXTS)).all()
    assert endpoint.requests[0].path == "http://far.example/v1/embeddings"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert (embedder(dimensions=4).embed_documents(TEXTS) == expected(does, TEXTS)).all()


def test_other_letters_in_an_address_are_sent_as_the_web_does(endpoint, embedder, does):
    model = embedder(dimensions=4, base_url=f"{endpoint.url}/bücher regal".replace(" ", "%20"))
    assert (model.embed_documents(TEXTS) == expected(does, TEXTS)).all()
    assert endpoint.requests[0].path == "/v1/b%C3%BCcher%20regal/embeddings"


def test_a_long_refusal_is_shortened(endpoint, embedder, does):
    endpoint.do_next(does.status(400, b"\x00<p>" * 100_000))
    with pytest.raises(EndpointError) as caught:
        embedder(dimensions=4).embed_documents(TEXTS)
    assert len(str(caught.value)) < 500 and str(caught.value).isprintable()


@pytest.mark.parametrize("key", ["", "  ", "two words", "sk-é", "sk-1\nX-Header: 1"])
def test_without_a_key_it_says_which_variable(embedder, monkeypatch, key):
    monkeypatch.setenv("TEST_KEY", key)
    with pytest.raises(MissingServiceError, match="TEST_KEY") as caught:
        embedder()
    assert not key.strip() or key not in str(caught.value)
    monkeypatch.delenv("TEST_KEY")
    options = OpenAIOptions(model="m", api_key_env="TEST_KEY")
    assert "TEST_KEY is not set" in provider.problem(options)
    assert provider.problem(options.model_copy(update={"api_key_env": None})) == ""


def test_a_key_that_is_changed_counts_from_the_next_request(endpoint, embedder, monkeypatch):
    model = embedder(dimensions=4)
    for key in ("sk-1", "sk-2"):
        monkeypatch.setenv("TEST_KEY", key)
        model.embed_documents(["a"])
    assert [request.headers["authorization"] for request in endpoint.requests] == ["Bearer sk-1", "Bearer sk-2"]


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "https://user:sk-very-secret@host/v1"},
        {"base_url": "https://host/v1?key=sk-very-secret"},
        {"base_url": "file:///etc/sk-very-secret"},
        {"base_url": "sk-very-secret"},
        {"api_key_env": "sk-very-secret"},
        {"api_key": "sk-very-secret"},
        {"timeout": "sk-very-secret"},
        {"dimensions": 0},
        {"batch_size": 0},
        {"max_retries": -1},
    ],
)
def test_wrong_options_are_refused_without_repeating_them(options):
    with pytest.raises(ValidationError) as caught:
        OpenAIOptions(**{"model": "m"} | options)
    assert "very-secret" not in str(caught.value)


def test_a_closed_port(embedder, endpoint, key_is_nowhere):
    with pytest.raises(EndpointError, match="cannot be reached") as caught:
        embedder(dimensions=4, base_url="http://127.0.0.1:1/v1", max_retries=0).embed_documents(TEXTS)
    assert caught.value.retryable
    key_is_nowhere(caught.value)


def test_threads_share_an_embedder(embedder, does):
    model = embedder(batch_size=2)
    wrong = []

    def work(number):
        texts = [f"{number} {i}" for i in range(9)]
        if not (model.embed_documents(texts) == expected(does, texts)).all():
            wrong.append(number)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_opens_connections_of_its_own(embedder, does):
    model = embedder(dimensions=4)
    model.embed_documents(["a"])
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if (model.embed_documents(["b"]) == expected(does, ["b"])).all() else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (model.embed_documents(["c"]) == expected(does, ["c"])).all()


def test_the_provider_imports_nothing_heavy():
    code = (
        "import sys, retrieverkit_llm.embeddings.provider; print({'numpy', 'httpcore2', 'stamina'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


@pytest.mark.parametrize("allowed", [0, 1, 3, 9])
def test_each_attempt_is_spent_from_the_budget_before_it_is_made(endpoint, embedder, does, quick_retries, allowed):
    model = embedder(dimensions=4, batch_size=1)
    endpoint.do_next(does.status(500), does.reset, None, does.status(503))
    with budget.limited(Budget(embedding_calls=allowed)) as account:
        if allowed == 9:
            assert (model.embed_documents(TEXTS) == expected(does, TEXTS)).all()
        else:
            with pytest.raises(BudgetExceededError, match=f"allows {allowed} embedding calls"):
                model.embed_documents(TEXTS)
    assert account.spent.embedding_calls == len(endpoint.requests) == min(allowed, 7)
