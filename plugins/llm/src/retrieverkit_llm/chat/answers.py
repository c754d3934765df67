"""Reading what a model answered: a whole answer, or an error that says why it is none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from retrieverkit_core.errors import EndpointError, ModelAnswerError, shorten
from retrieverkit_llm.endpoint.strict_json import strict_json

_THOUGHTS = re.compile(r"\s*<think>.*?</think>\s*", re.S)
_FENCED = re.compile(r"```[a-zA-Z]*[ \t]*\n(.*?)\n?[ \t]*```", re.S)
_SHOWN_PROBLEMS = 5


@dataclass(frozen=True, slots=True)
class Said:
    """What a model said.

    Attributes:
        text: Its words, or the arguments of its tool call.
        read: Tokens that it read, or None where the endpoint does not say.
        wrote: Tokens that it wrote, or None where the endpoint does not say.
        problem: Why what it said is no answer, or "".
        was_cut: Whether it ran into the limit of tokens.
    """

    text: str
    read: int | None
    wrote: int | None
    problem: str = ""
    was_cut: bool = False


def read_answer(body: bytes, base_url: str) -> Said:
    """Return what the model said in ``body``, JSON in the form of OpenAI's chat endpoint.

    Raises:
        EndpointError: It has no such form.
    """
    try:
        answer = strict_json(body)
    except ValueError as error:
        raise _no_chat(base_url, f"it is not JSON ({shorten(error, 100)})") from None
    if not isinstance(answer, dict):
        raise _no_chat(base_url, "it is no JSON object")
    if answer.get("error"):
        raise _no_chat(base_url, f"it is an error: {_error(answer['error'])}")
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise _no_chat(base_url, "there is no choice in it")
    message = choices[0].get("message")
    if not isinstance(message, dict):
        raise _no_chat(base_url, "its first choice has no message")
    read, wrote = _usage(answer.get("usage"))
    words = _words(message)
    thoughts = _THOUGHTS.match(words)
    text = words[thoughts.end() :] if thoughts else words
    problem = _problem(choices[0].get("finish_reason"), message)
    return Said(text, read, wrote, problem, choices[0].get("finish_reason") == "length")


def _words(message: dict[str, Any]) -> str:
    """Return the arguments of the tool call if there is one, else the content."""
    calls = message.get("tool_calls")
    if isinstance(calls, list) and len(calls) == 1:
        function = calls[0].get("function") if isinstance(calls[0], dict) else None
        arguments = function.get("arguments") if isinstance(function, dict) else None
        if isinstance(arguments, str) and arguments:
            return arguments
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _problem(reason: object, message: dict[str, Any]) -> str:
    if message.get("refusal"):
        return f"the model declined: {shorten(message['refusal'], 200)}"
    if reason == "content_filter":
        return "the endpoint withheld the answer (finish_reason content_filter)"
    if reason == "length":
        return "the answer was cut off at the limit of tokens (finish_reason length)"
    return ""


def _error(given: object) -> str:
    return shorten(given.get("message") if isinstance(given, dict) else given, 200)


def _usage(usage: object) -> tuple[int | None, int | None]:
    given = usage if isinstance(usage, dict) else {}
    read, wrote = given.get("prompt_tokens"), given.get("completion_tokens")
    return (
        read if type(read) is int and read >= 0 else None,
        wrote if type(wrote) is int and wrote >= 0 else None,
    )


def _no_chat(base_url: str, problem: str) -> EndpointError:
    return EndpointError(
        f"what {base_url} answered is not the answer of a chat: {problem}", status=200, fix="check base_url"
    )


def in_shape(text: str, schema: type[BaseModel]) -> tuple[str, BaseModel]:
    """Return the JSON that ``text`` is, alone or in one code fence, and the instance of ``schema`` that it says.

    Raises:
        ModelAnswerError: It is not; the message is what the model is shown.
    """
    written = _json_in(text)
    try:
        strict_json(written)
        return written, schema.model_validate_json(written, strict=True)
    except ValidationError as error:
        raise ModelAnswerError(_told(error), answer=text) from None
    except ValueError as error:
        raise ModelAnswerError(f"it is not JSON ({shorten(error, 100)})", answer=text) from None


def _json_in(text: str) -> str:
    if text.lstrip().startswith("{"):
        return text
    fenced = _FENCED.findall(text)
    return fenced[0] if len(fenced) == 1 else text


def _told(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    told = [
        f"{'.'.join(map(str, problem['loc'])) or 'the answer'}: {problem['msg']}"
        for problem in problems[:_SHOWN_PROBLEMS]
    ]
    if len(problems) > _SHOWN_PROBLEMS:
        told.append(f"and {len(problems) - _SHOWN_PROBLEMS} more")
    return shorten("; ".join(told), 1000)
