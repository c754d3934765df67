"""`ModelServer`: a real HTTP server on loopback that speaks OpenAI's protocol, as a test says.

with ModelServer(lambda request: {"chosen": [...]}) as server:
    index = Index.open(path, llm=f"openai(model='m', base_url='{server.url}', api_key_env=None)")
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from pydantic import BaseModel

from retrieverkit_core.plan import tokens_of
from retrieverkit_testkit.embedding import WordVectors
from retrieverkit_testkit.model_faults import Fault, choice, status
from retrieverkit_testkit.model_requests import ModelRequest

Answer = str | BaseModel | Mapping[str, Any] | Fault
"""What a script gives: text, an instance of the schema that was asked for, the JSON object of one, or a fault."""

_PARAMETERS = {"json_schema": "response_format", "tool": "tools"}


class ModelServer:
    """Speaks ``/v1/chat/completions`` and ``/v1/embeddings`` on loopback while its block runs.

    Args:
        answer: Called with each chat request, also from several threads at once. What it raises is answered with
            status 500, and raised again at the end of the block.
        embed: Gives the vector of a text. Where another length is asked for, it is folded to that.
        faults: What to do with the first requests instead, in order; None answers well.
        refuses: What the endpoint does not know: ``"json_schema"``, ``"tool"``, or the name of any other parameter of
            a request's body, such as ``"temperature"``. It answers 400, or the status given for it in a mapping.
        usage: Whether answers say how many tokens were read and written.

    Attributes:
        requests: What was asked so far, refusals and faults included.
        dropped: The requests whose client closed the connection before it had its answer.
        most_at_once: How many requests were being answered at one time, at most.
        broken: What was raised while a request was answered; the first is raised at the end of the block.
    """

    def __init__(
        self,
        answer: Callable[[ModelRequest], Answer] = lambda request: "yes",
        *,
        embed: Callable[[str], Sequence[float]] = WordVectors.vector,
        faults: Iterable[Fault | None] = (),
        refuses: Iterable[str] | Mapping[str, int] = (),
        usage: bool = True,
    ) -> None:
        self._answer = answer
        self._embed = embed
        self._refuses = dict(refuses) if isinstance(refuses, Mapping) else dict.fromkeys(refuses, 400)
        self._usage = usage
        self._faults = deque(faults)
        self._changed = threading.Condition()
        self._at_once = 0
        self.broken: list[BaseException] = []
        self.closing = threading.Event()
        self.requests: list[ModelRequest] = []
        self.dropped: list[ModelRequest] = []
        self.most_at_once = 0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop()
        if self.broken and kind is None:
            raise self.broken[0]

    def start(self) -> Self:
        """Begin to answer, until `close`: for a notebook, or a page that has no block."""
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), name="model-server", daemon=True
        )
        self._thread.start()
        return self

    def close(self) -> None:
        """End, with all connections and threads; raise what an answer has raised."""
        self.__exit__(None)

    def _stop(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """What to give as ``base_url``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def do_next(self, *faults: Fault | None) -> None:
        """Do ``faults`` with the next requests, in order; None answers well."""
        with self._changed:
            self._faults.extend(faults)

    def wait_for(self, condition: Callable[[ModelServer], bool], seconds: float = 30.0) -> None:
        """Wait until ``condition`` of this server holds, such as ``lambda server: server.dropped``.

        Raises:
            TimeoutError: It did not come about.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self), seconds):
                raise TimeoutError(f"the server waited {seconds:g} s in vain")

    def drop(self, request: ModelRequest) -> None:
        """Note that the client of ``request`` has gone."""
        with self._changed:
            self.dropped.append(request)
            self._changed.notify_all()

    @contextmanager
    def _seen(self, request: ModelRequest) -> Iterator[Fault | None]:
        with self._changed:
            self.requests.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            fault = self._faults.popleft() if self._faults else None
            self._changed.notify_all()
        try:
            yield fault
        finally:
            with self._changed:
                self._at_once -= 1
                self._changed.notify_all()

    def serve(self, request: ModelRequest, exchange: _Handler) -> None:
        """Answer one request."""
        with self._seen(request) as fault:
            if fault is None:
                fault = self._refusal(request)
            if fault is not None:
                fault.happen(exchange)
            elif request.path.endswith("/chat/completions"):
                self._chat(request, exchange)
            elif request.path.endswith("/embeddings"):
                exchange.send(200, self._embeddings(request))
            else:
                status(404, f"there is no {request.path}").happen(exchange)

    def _refusal(self, request: ModelRequest) -> Fault | None:
        for name, code in self._refuses.items():
            parameter = _PARAMETERS.get(name, name)
            if parameter in request.body:
                return status(code, f"Unsupported parameter: '{parameter}' is not supported.", param=parameter)
        return None

    def _chat(self, request: ModelRequest, exchange: _Handler) -> None:
        try:
            answer = self._answer(request)
        except BaseException as error:
            self.broken.append(error)
            answer = status(500, "the test's answer raised")
        if isinstance(answer, Fault):
            answer.happen(exchange)
        else:
            exchange.say(_written(answer))

    def completion(self, request: ModelRequest, content: str | None, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return a chat's answer with one choice."""
        tool = request.body["tools"][0]["function"]["name"] if request.way == "tool" else None
        made = {"id": "chat-1", "object": "chat.completion", "created": 0, "model": request.body.get("model")}
        made["choices"] = [choice(content, tool, changes)]
        if self._usage:
            read, wrote = tokens_of(*map(json.dumps, request.messages)), tokens_of(content or "")
            made["usage"] = {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}
        return made

    def _embeddings(self, request: ModelRequest) -> dict[str, Any]:
        length = request.body.get("dimensions")
        data = [
            {"object": "embedding", "index": index, "embedding": _folded(self._embed(text), length)}
            for index, text in enumerate(request.texts)
        ]
        answer: dict[str, Any] = {"object": "list", "data": data, "model": request.body.get("model")}
        if self._usage:
            read = tokens_of(*request.texts)
            answer["usage"] = {"prompt_tokens": read, "total_tokens": read}
        return answer


class _Server(ThreadingHTTPServer):
    """Knows its connections, so that it can close them: a client keeps them open for the next request."""

    request_queue_size = 128

    def __init__(self, model: ModelServer) -> None:
        self.model = model
        self._threads_now: set[threading.Thread] = set()
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), name="model-server", daemon=True
        )
        with self._guard:
            self._connections.add(request)
            self._threads_now = {other for other in self._threads_now if other.is_alive()} | {thread}
            thread.start()

    def server_close(self) -> None:
        super().server_close()
        for thread in self._threads_now:
            thread.join()

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        with self._guard:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep what was no client's doing: a client that has gone is one."""
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self.model.broken.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    @property
    def socket(self) -> socket.socket:
        connection: socket.socket = self.connection
        return connection

    @property
    def closing(self) -> threading.Event:
        return self.server.model.closing

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        content = self.rfile.read(length)
        if len(content) < length:  # the client went before it had asked
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.asked = ModelRequest(self.path, headers, json.loads(content))
        try:
            self.server.model.serve(self.asked, self)
        except (BrokenPipeError, ConnectionResetError):
            self.hung_up()
        if self.connection.fileno() < 0:
            self.close_connection = True

    def send(self, status: int, content: object, headers: Mapping[str, str] = {}) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        lines = [f"HTTP/1.1 {status} {self.responses.get(status, ('Other',))[0]}", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode("latin-1")
        self.connection.sendall(head + body)

    def say(self, content: str | None, **changes: object) -> None:
        self.send(200, self.server.model.completion(self.asked, content, changes))

    def hung_up(self) -> None:
        self.close_connection = True
        self.server.model.drop(self.asked)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def _written(answer: str | BaseModel | Mapping[str, Any]) -> str:
    if isinstance(answer, BaseModel):
        return answer.model_dump_json()
    return answer if isinstance(answer, str) else json.dumps(answer)


def _folded(vector: Sequence[float], length: int | None) -> list[float]:
    """Return a vector of ``length`` numbers: what is longer is added up at the places that there are."""
    if length is None:
        return list(vector)
    folded = [0.0] * length
    for at, number in enumerate(vector):
        folded[at % length] += number
    return folded
