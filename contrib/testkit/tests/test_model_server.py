"""The server of models answers as its script says, goes wrong as it is told to, and leaves nothing behind."""

import json
import socket
import threading
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import pytest
from pydantic import BaseModel

from retrieverkit_testkit import model_faults as faults
from retrieverkit_testkit.model_server import ModelServer

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
NAMED = {"name": "n", "strict": True, "schema": SCHEMA}
STRUCTURED = {"response_format": {"type": "json_schema", "json_schema": NAMED}}
TOOL = {"tools": [{"type": "function", "function": {"name": "n", "parameters": SCHEMA}}]}
MESSAGES = [
    {"role": "system", "content": "Count."},
    {"role": "user", "content": "one"},
    {"role": "user", "content": "two"},
]


class N(BaseModel):
    n: int


def post(server, path="chat/completions", timeout=10, **body):
    """Return the status, the headers and the body of the answer."""
    connection = HTTPConnection(urlsplit(server.url).netloc, timeout=timeout)
    try:
        connection.request("POST", f"/v1/{path}", json.dumps({"model": "m"} | body), {"X-Who": "me"})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def chat(server, **body):
    status, _, answer = post(server, **{"messages": MESSAGES} | body)
    assert status == 200
    return json.loads(answer)


def test_an_answer_sees_instructions_data_and_schema_in_each_way():
    in_words = [{"role": "system", "content": f"Count {{so}}. Answer with JSON like {json.dumps(SCHEMA)}"}]
    with ModelServer(lambda request: N(n=len(request.data))) as server:
        by_schema, by_tool = chat(server, **STRUCTURED), chat(server, **TOOL)
        by_words = chat(server, messages=in_words + MESSAGES[1:])
        text = chat(server)
    assert [request.way for request in server.requests] == ["json_schema", "tool", "prompt", "text"]
    assert [request.schema for request in server.requests] == [SCHEMA, SCHEMA, SCHEMA, None]
    first = server.requests[0]
    assert (first.system, first.data, first.repairs) == ("Count.", ("one", "two"), ())
    assert first.headers["x-who"] == "me" and first.body["model"] == "m"
    for answer in (by_schema, by_words, text):
        assert json.loads(answer["choices"][0]["message"]["content"]) == {"n": 2}
    call = by_tool["choices"][0]["message"]["tool_calls"][0]["function"]
    assert (call["name"], json.loads(call["arguments"])) == ("n", {"n": 2})
    usage = text["usage"]
    assert 0 < usage["completion_tokens"] < usage["prompt_tokens"] < usage["total_tokens"]


def test_what_follows_an_answer_is_a_repair():
    more = [{"role": "assistant", "content": "{}"}, {"role": "user", "content": "n is missing"}]
    with ModelServer(lambda request: "again") as server:
        chat(server, messages=MESSAGES + more)
    assert server.requests[0].data == ("one", "two") and server.requests[0].repairs == ("n is missing",)


def test_embeddings_are_by_text_and_as_long_as_asked():
    with ModelServer() as server:
        answers = [
            json.loads(post(server, "embeddings", input=["ice", "oil", "ice"], **more)[2])
            for more in ({}, {"dimensions": 8})
        ]
    for answer, length in zip(answers, (256, 8), strict=True):
        ice, oil, again = (item["embedding"] for item in answer["data"])
        assert ice == again != oil and len(ice) == length
        assert answer["usage"]["prompt_tokens"] > 0


def test_what_the_endpoint_does_not_know_is_refused():
    with ModelServer(refuses={"json_schema": 422, "tool": 400, "temperature": 400}, usage=False) as server:
        refused = [post(server, messages=MESSAGES, **more) for more in (STRUCTURED, TOOL, {"temperature": 0})]
        assert "usage" not in chat(server)
    assert [status for status, _, _ in refused] == [422, 400, 400]
    named = [json.loads(body)["error"]["param"] for _, _, body in refused]
    assert named == ["response_format", "tools", "temperature"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (faults.NO_CHOICES, '"choices": []'),
        (faults.PROSE, "Sure"),
        (faults.WRONG_SCHEMA, "unexpected"),
        (faults.LENGTH, '"finish_reason": "length"'),
        (faults.CONTENT_FILTER, '"finish_reason": "content_filter"'),
        (faults.REFUSAL, '"refusal": "I cannot'),
        (faults.TRUNCATED_JSON, '"mess'),
        (faults.NOT_JSON, "<html>"),
    ],
    ids=repr,
)
def test_faults_of_the_answer(fault, said):
    with ModelServer(faults=[fault]) as server:
        status, _, body = post(server, messages=MESSAGES)
        assert status == 200 and said in body.decode()
        assert chat(server)["choices"][0]["message"]["content"] == "yes"


def test_faults_of_the_server():
    going_wrong = [faults.status(429, retry_after=0.25), faults.status(503), faults.echo_headers()]
    with ModelServer(faults=going_wrong) as server:
        first, second, third = (post(server, messages=MESSAGES) for _ in range(3))
    assert first[0] == 429 and first[1]["Retry-After"] == "0.25"
    assert second[0] == 503 and "Retry-After" not in second[1]
    assert third[0] == 401 and b"x-who" in third[2]


@pytest.mark.parametrize("fault", [faults.RESET, faults.CUT_OFF], ids=repr)
def test_connections_that_end(fault):
    with ModelServer(faults=[fault]) as server:
        with pytest.raises((OSError, HTTPException)):
            post(server, messages=MESSAGES)
        chat(server)


@pytest.mark.parametrize("fault", [faults.NEVER, faults.SLOW_BODY, faults.HUGE_BODY], ids=repr)
def test_a_client_that_goes_is_noticed(fault):
    with ModelServer(faults=[fault]) as server:
        connection = HTTPConnection(urlsplit(server.url).netloc, timeout=10)
        connection.request("POST", "/v1/chat/completions", json.dumps({"messages": MESSAGES}))
        server.wait_for(lambda server: server.requests)
        assert server.dropped == []
        connection.close()
        server.wait_for(lambda server: server.dropped)
    assert server.dropped == server.requests


def test_a_client_that_goes_before_it_has_asked_is_no_request():
    with ModelServer() as server:
        with socket.create_connection(server._server.server_address) as connection:
            connection.sendall(b'POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"mess')
        chat(server)
    assert len(server.requests) == 1


def test_the_end_of_the_block_ends_hanging_requests_and_idle_connections():
    before = set(threading.enumerate())
    with ModelServer(faults=[None, faults.NEVER, faults.SLOW_BODY]) as server:
        open_ones = []
        for _ in range(3):
            open_ones.append(HTTPConnection(urlsplit(server.url).netloc, timeout=10))
            open_ones[-1].request("POST", "/v1/chat/completions", json.dumps({"messages": MESSAGES}))
        server.wait_for(lambda server: len(server.requests) == 3)
    assert set(threading.enumerate()) == before
    for connection in open_ones:
        connection.close()


def test_requests_at_one_time_are_counted_and_an_answer_may_be_a_fault():
    meeting = threading.Barrier(3, timeout=30)

    def answer(request):
        meeting.wait()
        return faults.status(500)

    with ModelServer(answer) as server:
        threads = [threading.Thread(target=post, args=(server,), kwargs={"messages": MESSAGES}) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert server.most_at_once == 3


def test_a_failed_assertion_in_an_answer_is_raised_at_the_end():
    def answer(request):
        assert request.data == (), "there is data"

    with pytest.raises(AssertionError, match="there is data"), ModelServer(answer) as server:
        assert post(server, messages=MESSAGES)[0] == 500
