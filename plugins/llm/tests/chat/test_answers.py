"""What is sent and how the answer is read, in each way to ask for a shape."""

import datetime
import json
import logging
import threading
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, create_model

from retrieverkit_core.errors import EndpointError, ModelAnswerError
from retrieverkit_core.services import LanguageModel, ModelSettings, Prompt
from retrieverkit_llm.chat.answers import in_shape, read_answer
from retrieverkit_testkit import model_faults as faults

UNRELATED = [
    faults.status(400, "This model's maximum context length is 4096 tokens, the request has 5000"),
    faults.status(400, "'max_tokens' is too large: 5000. This model's maximum context length is 4096 tokens."),
    faults.status(400, "Invalid 'temperature': decimal above maximum value", param="temperature"),
    faults.status(401, "response_format is not supported without a key"),
    faults.status(404, "The model 'gpt-tools' does not exist", param="model"),
    faults.status(422, "messages: Input should be a list", param="messages"),
]


def test_instructions_and_data_are_apart_and_settings_are_sent(serve, model_of, ask):
    server = serve(lambda request: "an answer")
    model = model_of(server)
    assert isinstance(model, LanguageModel) and model.name == "m"
    settings = ModelSettings(temperature=0.5, max_tokens=30, seed=7)
    reply = ask(model, Prompt("Tell {of} it.", ("first", "second \ud800"), settings=settings))
    assert (reply.text, reply.parsed, reply.usage.attempts) == ("an answer", None, 1)
    assert server.requests[0].body == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Tell {of} it."},
            {"role": "user", "content": "first"},
            {"role": "user", "content": "second ?"},
        ],
        "temperature": 0.5,
        "max_tokens": 30,
        "seed": 7,
    }
    ask(model, Prompt("Tell.", settings=ModelSettings(temperature=None)))
    assert server.requests[1].body == {"model": "m", "messages": [{"role": "user", "content": "Tell."}]}


@pytest.mark.parametrize("way", ["json_schema", "tool", "prompt"])
def test_each_way_asks_for_the_same_shape(serve, model_of, ask, choosing, chosen, way):
    server = serve(lambda request: chosen)
    reply = ask(model_of(server, structured=way), choosing)
    (request,) = server.requests
    assert request.way == way and reply.parsed == choosing.schema(**chosen) and json.loads(reply.text) == chosen
    assert request.schema["required"] == ["label", "grade"] and request.schema["additionalProperties"] is False
    assert request.schema["properties"]["label"]["enum"] == ["abcd", "efgh"]
    assert request.data == choosing.data and request.system.startswith("Choose.")
    if way == "json_schema":
        assert request.body["response_format"]["json_schema"]["strict"] is True
    if way == "tool":
        assert request.body["tools"][0]["function"]["strict"] is True
        assert request.body["tool_choice"]["function"]["name"] == "Choice"


@pytest.mark.parametrize("status", [400, 404, 422])
@pytest.mark.parametrize(
    ("refuses", "tries"),
    [
        (["json_schema"], ["json_schema", "tool"]),
        (["json_schema", "tool"], ["json_schema", "tool", "prompt"]),
        ([], ["json_schema"]),
    ],
)
def test_the_way_is_found_by_refusals_and_remembered(
    serve, model_of, ask, choosing, chosen, key_is_nowhere, status, refuses, tries
):
    server = serve(lambda request: chosen, refuses=dict.fromkeys(refuses, status))
    assert ask(model_of(server), choosing).usage.attempts == len(tries)
    assert ask(model_of(server), choosing).usage.attempts == 1
    assert [request.way for request in server.requests] == [*tries, tries[-1]]
    assert ask(model_of(server, model="another"), choosing).usage.attempts == len(tries)
    key_is_nowhere()


REFUSALS = [
    faults.status(400, "This response_format type is unavailable now"),
    faults.status(400, "This model does not support response format `json_schema`. See supported models."),
    faults.status(400, "[{'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'text'\"}]"),
    faults.status(422, "Structured outputs are not enabled for this model"),
    faults.status(400, "nope", param="response_format.json_schema"),
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refusals_as_endpoints_word_them(serve, model_of, ask, choosing, chosen, refusal):
    server = serve(lambda request: chosen, faults=[refusal])
    assert ask(model_of(server), choosing).usage.attempts == 2
    assert server.requests[-1].way == "tool"


@pytest.mark.parametrize("error", UNRELATED)
def test_another_error_changes_nothing(serve, model_of, ask, choosing, chosen, error):
    server = serve(lambda request: chosen, faults=[error])
    prompt = Prompt("Choose.", ("x",), choosing.schema, ModelSettings(max_tokens=5000, seed=1))
    with pytest.raises(EndpointError):
        ask(model_of(server), prompt)
    ask(model_of(server), prompt)
    first, second = server.requests
    assert first.way == "json_schema" and first.body == second.body


def test_errors_that_read_like_refusals_teach_nothing(serve, model_of, ask, choosing, chosen):
    server = serve(lambda request: chosen)
    server.do_next(*[faults.status(400, "your tools, response_format and all else are wrong")] * 3)
    with pytest.raises(EndpointError):
        ask(model_of(server), choosing)
    assert [request.way for request in server.requests] == ["json_schema", "tool", "prompt"]
    ask(model_of(server), choosing)
    assert server.requests[-1].way == "json_schema"


def test_busy_endpoints_that_speak_of_shapes_are_asked_again_in_the_same_way(serve, model_of, ask, choosing, chosen):
    server = serve(lambda request: chosen, faults=[faults.status(503, "response_format is not supported now")])
    ask(model_of(server), choosing)
    assert [request.way for request in server.requests] == ["json_schema", "json_schema"]


def test_one_schema_that_is_refused_is_asked_for_otherwise_this_once(serve, model_of, ask, choosing, chosen):
    invalid = faults.status(400, "Invalid schema for response_format 'Choice'", param="response_format")
    server = serve(lambda request: chosen, faults=[invalid])
    for ways in (["json_schema", "tool"], ["json_schema", "tool", "json_schema"]):
        ask(model_of(server), choosing)
        assert [request.way for request in server.requests] == ways


def test_a_way_that_is_set_is_kept(serve, model_of, ask, choosing, chosen):
    server = serve(lambda request: chosen, refuses=["json_schema"])
    with pytest.raises(EndpointError, match="structured='auto'") as caught:
        ask(model_of(server, structured="json_schema"), choosing)
    assert caught.value.status == 400 and len(server.requests) == 1
    ask(model_of(server, structured="prompt"), choosing)
    ask(model_of(server), choosing)
    assert [request.way for request in server.requests[1:]] == ["prompt", "json_schema", "tool"]


def test_settings_that_a_model_refuses_are_left_out_remembered_and_told(serve, model_of, ask, choosing, chosen, caplog):
    server = serve(lambda request: chosen, refuses=["temperature", "seed", "json_schema"])
    prompt = Prompt("Choose.", ("x",), choosing.schema, ModelSettings(seed=1))
    with caplog.at_level(logging.WARNING, "retrieverkit_llm"):
        assert ask(model_of(server), prompt).usage.attempts == 4
        assert ask(model_of(server), prompt).usage.attempts == 1
    assert not {"temperature", "seed"} & set(server.requests[-1].body)
    told = [record.getMessage() for record in caplog.records if record.name == "retrieverkit_llm"]
    assert [message.split("takes no ")[1].split(":")[0] for message in told] == ["seed", "temperature"]


def test_the_limit_of_tokens_is_called_as_the_model_calls_it_and_never_left_out(serve, model_of, ask, telling):
    limit = ModelSettings(max_tokens=50)
    prompt = Prompt("Tell.", ("x",), settings=limit)
    server = serve(refuses=["max_tokens"])
    assert ask(model_of(server), prompt).usage.attempts == 2
    assert ask(model_of(server), prompt).usage.attempts == 1
    assert server.requests[-1].body["max_completion_tokens"] == 50
    neither = serve(refuses=["max_tokens", "max_completion_tokens"])
    with pytest.raises(EndpointError, match="max_completion_tokens"):
        ask(model_of(neither), prompt)
    assert len(neither.requests) == 2


JSON = '{"label": "abcd", "grade": 3}'


@pytest.mark.parametrize(
    "said",
    [
        JSON,
        f"\n {JSON}\n",
        f"```json\n{JSON}\n```",
        f"```\n{JSON}\n```",
        f"Here you are:\n```JSON\n{JSON}\n```\nAnything else?",
        f"<think>Is it {{efgh}}?\n```json\n{{}}\n```</think>\n\n{JSON}",
    ],
)
@pytest.mark.parametrize("way", ["json_schema", "prompt"])
def test_json_is_found_alone_or_in_one_fence(serve, model_of, ask, choosing, chosen, way, said):
    server = serve(lambda request: said)
    assert ask(model_of(server, structured=way), choosing).parsed.model_dump() == chosen
    assert len(server.requests) == 1


def test_an_endpoint_that_ignores_the_shape_is_told_it_in_words(serve, model_of, ask, choosing, chosen):
    server = serve(lambda request: chosen if request.repairs else "abcd, I should say.")
    assert ask(model_of(server), choosing).usage.attempts == 2
    assert '"additionalProperties": false' in server.requests[1].repairs[0]


def test_a_tool_that_is_not_called_may_be_answered_in_words(serve, model_of, ask, choosing, chosen):
    def message(**fields):
        return faults.raw(json.dumps({"choices": [{"message": fields, "finish_reason": "stop"}]}).encode())

    in_words = message(content=json.dumps(chosen))
    two_calls = message(tool_calls=[{"function": {"name": "Choice", "arguments": json.dumps(chosen)}}] * 2)
    server = serve(lambda request: chosen, faults=[in_words, two_calls])
    model = model_of(server, structured="tool")
    assert ask(model, choosing).usage.attempts == 1
    assert ask(model, choosing).usage.attempts == 2


class Part(BaseModel):
    """A part."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field("no", min_length=1, description="Of what it is the title.")
    properties: list[str] = Field(default_factory=list)
    when: datetime.date | None = None


class Whole(BaseModel):
    parts: list[Part]
    main: Annotated[Part, Field(description="The first one.")]
    kind: Literal["a", "b"] = "a"
    share: float = Field(0.5, ge=0, le=1)


def test_schemas_are_as_strict_decoders_want_them(serve, model_of, ask):
    answer = {"title": "t", "properties": ["p"], "when": "2026-01-31"}
    whole = {"parts": [answer], "main": answer, "kind": "b", "share": 1}
    server = serve(lambda request: whole)
    reply = ask(model_of(server), Prompt("Do.", ("x",), Whole))
    assert reply.parsed == Whole(**whole) and reply.parsed.main.when == datetime.date(2026, 1, 31)
    schema = server.requests[0].schema
    part = schema["$defs"]["Part"]
    assert schema["required"] == ["parts", "main", "kind", "share"] and schema["properties"]["main"].keys() == {"$ref"}
    assert part["required"] == ["title", "properties", "when"] and part["additionalProperties"] is False
    assert set(part["properties"]) == {"title", "properties", "when"}
    assert not {"default", "minLength"} & {key for each in part["properties"].values() for key in each}
    assert part["properties"]["title"]["description"] == "Of what it is the title."


@pytest.mark.parametrize("annotation", [dict[str, int], tuple[int, str]])
def test_shapes_that_strict_decoding_cannot_follow_are_not_called_strict(serve, model_of, ask, annotation):
    schema = create_model("Ünfree", counts=(annotation, ...))
    counts = {"a": 1} if annotation == dict[str, int] else [1, "a"]
    server = serve(lambda request: {"counts": counts})
    ask(model_of(server), Prompt("Count.", ("x",), schema))
    form = server.requests[0].body["response_format"]["json_schema"]
    assert form["strict"] is False and form["name"] == "_nfree"


def test_labels_of_another_call_are_refused(serve, model_of, ask, choosing):
    server = serve(lambda request: {"label": "from elsewhere", "grade": 1})
    with pytest.raises(ModelAnswerError, match="label: Input should be 'abcd' or 'efgh'"):
        ask(model_of(server), choosing)


def test_threads_that_learn_at_once_all_get_their_answers(serve, model_of, choosing, chosen):
    server = serve(lambda request: chosen, refuses=["json_schema", "temperature"])
    model, replies = model_of(server, max_concurrent=16), []
    threads = [threading.Thread(target=lambda: replies.append(model.ask(choosing))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [reply.parsed.model_dump() for reply in replies] == [chosen] * 16
    assert sum(reply.usage.attempts for reply in replies) == len(server.requests) <= 3 * 16
    assert model.ask(choosing).usage.attempts == 1


names = st.sampled_from(
    ["choices", "message", "content", "finish_reason", "tool_calls", "function", "arguments", "usage"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["length", JSON, "a", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=15,
)
answers = st.builds(
    lambda message, choice, more: {"choices": [choice | {"message": message}]} | more,
    st.dictionaries(names, values),
    st.dictionaries(names, values),
    st.dictionaries(names.filter(lambda name: name != "choices"), values),
)


@given((values | answers).map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60))
def test_any_body_is_read_as_an_answer_or_refused(body):
    try:
        said = read_answer(body, "http://here/v1")
    except EndpointError as error:
        assert error.status == 200 and str(error).replace("\n", "").isprintable()
        return
    assert isinstance(said.text, str) and isinstance(said.problem, str)
    assert all(number is None or (type(number) is int and number >= 0) for number in (said.read, said.wrote))


@given(values.map(json.dumps) | st.text(max_size=60) | st.text(max_size=20).map(lambda text: f"```\n{text}{JSON}\n```"))
def test_any_text_is_an_instance_of_the_shape_or_refused(text):
    try:
        written, answer = in_shape(text, Grade)
    except ModelAnswerError as error:
        assert len(error.message) <= 1100 and len(error.answer) <= 500
        return
    assert answer == Grade.model_validate_json(written) and written in text


class Grade(BaseModel):
    label: str
    grade: int
