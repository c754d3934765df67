"""How a `ModelServer` goes wrong: each of these answers one request.

What comes by `answer` stands where an honest answer would, in the way that was asked for; the others are faults of the
server itself.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from retrieverkit_testkit.model_requests import ModelRequest


class Exchange(Protocol):
    """One request as the server holds it, with the ways to answer it.

    Attributes:
        asked: The request.
    """

    asked: ModelRequest

    @property
    def socket(self) -> socket.socket:
        """The connection to the client."""
        ...

    @property
    def closing(self) -> threading.Event:
        """Is set when the server closes."""
        ...

    def send(self, status: int, content: object, headers: Mapping[str, str] = ...) -> None:
        """Answer with JSON, or with bytes as they are."""
        ...

    def say(self, content: str | None, **changes: object) -> None:
        """Answer a chat in the way that was asked for, ``changes`` made to the choice and its message."""
        ...

    def hung_up(self) -> None:
        """Note that the client has closed the connection before it had its answer."""
        ...


@dataclass(frozen=True)
class Fault:
    """One way to go wrong.

    Attributes:
        name: What it is, for the ids of tests.
        happen: Answers a request in that way.
    """

    name: str
    happen: Callable[[Exchange], None]

    def __repr__(self) -> str:
        return self.name


def status(code: int, message: str = "", retry_after: float | str | None = None, param: str | None = None) -> Fault:
    """Return a refusal in OpenAI's form.

    Args:
        code: The HTTP status.
        message: What the endpoint says is wrong.
        retry_after: The header of that name: seconds, or text as it is.
        param: The parameter that is to blame.
    """
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    error = {"message": message or f"the endpoint says {code}", "type": "error", "param": param, "code": None}
    return Fault(f"status_{code}", lambda exchange: exchange.send(code, {"error": error}, headers))


def redirect(location: str, code: int = 307) -> Fault:
    """Return a redirection to ``location``."""
    return Fault(f"redirect_{code}", lambda exchange: exchange.send(code, b"", {"Location": location}))


def raw(content: bytes, name: str = "raw") -> Fault:
    """Return an answer with status 200 and such a body."""
    return Fault(name, lambda exchange: exchange.send(200, content))


def says(content: str | None, name: str = "says", **changes: object) -> Fault:
    """Return a chat's answer with ``content``, and ``changes`` made to the choice or, where they are its, the message.

    Args:
        content: The content, or the arguments of the tool call where one was asked for; None where there is none.
        name: The fault's name.
        **changes: Such as ``finish_reason="length"`` or ``refusal="I cannot help with that"``.
    """
    return Fault(name, lambda exchange: exchange.say(content, **changes))


def echo_headers(code: int = 401) -> Fault:
    """Return a refusal that repeats the request's headers: what a careless gateway says of a key."""

    def happen(exchange: Exchange) -> None:
        told = json.dumps(dict(exchange.asked.headers))
        exchange.send(code, {"error": {"message": f"refused: {told}"}})

    return Fault(f"echo_headers_{code}", happen)


def _reset(exchange: Exchange) -> None:
    exchange.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(exchange.socket.detach())


def _never(exchange: Exchange) -> None:
    while not exchange.closing.is_set():
        readable, _, _ = select.select([exchange.socket], [], [], 0.01)
        if readable and not exchange.socket.recv(1):
            exchange.hung_up()
            return


def _slow(exchange: Exchange) -> None:
    exchange.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n")
    try:
        while not exchange.closing.wait(0.01):
            exchange.socket.sendall(b" ")
    except OSError:
        exchange.hung_up()


def _huge(exchange: Exchange) -> None:
    exchange.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (100 * 2**20))
    try:
        for _ in range(100):
            exchange.socket.sendall(b" " * 2**20)
    except OSError:
        exchange.hung_up()


def _cut_off(exchange: Exchange) -> None:
    exchange.socket.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"choices": [')
    exchange.socket.shutdown(socket.SHUT_RDWR)


def _no_choices(exchange: Exchange) -> None:
    exchange.send(200, {"object": "chat.completion", "choices": [], "usage": {}})


RESET = Fault("reset", _reset)
"""The connection is reset."""
NEVER = Fault("never", _never)
"""No answer comes; the connection stays open until the client closes it."""
SLOW_BODY = Fault("slow_body", _slow)
"""An answer comes byte by byte, and never ends."""
HUGE_BODY = Fault("huge_body", _huge)
"""An answer of 100 MB."""
CUT_OFF = Fault("cut_off", _cut_off)
"""The connection ends in the middle of the answer."""
TRUNCATED_JSON = raw(b'{"object": "chat.completion", "choices": [{"mess', "truncated_json")
"""A whole HTTP answer whose JSON is not whole."""
NOT_JSON = raw(b"<html><title>It works!</title></html>", "not_json")
"""A page in HTML, as a proxy gives it."""
DEEP_JSON = raw(b'{"choices": ' + b"[" * 100_000, "deep_json")
"""JSON that is nested too deeply."""
NO_CHOICES = Fault("no_choices", _no_choices)
"""An answer without any choice."""
PROSE = says("Sure! Here is what you asked for, in plain words.", "prose")
"""Words in place of the shape."""
WRONG_SCHEMA = says('{"unexpected": [1, 2, 3]}', "wrong_schema")
"""JSON of another shape."""
TRUNCATED_ANSWER = says('{"answer": "the begin', "truncated_answer")
"""An answer that ends in the middle, without saying why."""
EMPTY = says("", "empty")
"""An answer of no words."""
LENGTH = says('{"answer": "the begin', "length", finish_reason="length")
"""An answer that was cut at the limit of tokens."""
CONTENT_FILTER = says("", "content_filter", finish_reason="content_filter")
"""An answer that the endpoint withheld."""
REFUSAL = says("", "refusal", refusal="I cannot help with that.")
"""The model declines."""


def choice(content: str | None, tool: str | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return one choice of a chat's answer.

    Args:
        content: The content, or the arguments of the tool call.
        tool: The tool to call, or None.
        changes: What is otherwise, in the choice or its message.
    """
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
    if tool is not None and not changes.get("refusal"):
        call = {"id": "call_1", "type": "function", "function": {"name": tool, "arguments": content}}
        message |= {"content": None, "tool_calls": [call]}
    made: dict[str, Any] = {"index": 0, "message": message, "finish_reason": "stop"}
    for name, value in changes.items():
        (made if name in made else message)[name] = value
    return made
