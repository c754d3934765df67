import json
import os
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


def vector_of(text, dimensions=4):
    """A vector that tells which text it belongs to."""
    return [float(len(text) + 1), *(float(sum(text.encode()) % (7 + i)) for i in range(dimensions - 1))]


class FakeEndpoint:
    """A real server on loopback that speaks OpenAI's embeddings protocol and misbehaves on request.

    `script` holds what to do with each request, in order; when it is used up, requests are answered well.
    """

    def __init__(self):
        self.requests, self.script = [], []
        self.released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.requests.append((self.path, dict(self.headers), body))
                behave = outer.script.pop(0) if outer.script else well
                behave(self, body)

            def answer(self, status, content, **headers):
                content = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments):
                pass

            released = outer.released

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *arguments: None
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def data_for(body, dimensions=4):
    dimensions = body.get("dimensions", dimensions)
    return [
        {"object": "embedding", "index": i, "embedding": vector_of(text, dimensions)}
        for i, text in enumerate(body["input"])
    ]


def well(handler, body):
    handler.answer(200, {"object": "list", "data": data_for(body), "model": body["model"]})


class Misbehaviour:
    """Ways for a server to answer one request."""

    well = staticmethod(well)
    data_for = staticmethod(data_for)

    @staticmethod
    def status(code, content=None, **headers):
        return lambda handler, body: handler.answer(code, content or {"error": {"message": f"no: {code}"}}, **headers)

    @staticmethod
    def echoing_the_key(handler, body):
        said = f"bad key in {handler.headers['Authorization']}"
        handler.answer(401, {"error": {"message": said}})

    @staticmethod
    def reset(handler, body):
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(handler.connection.detach())

    @staticmethod
    def hang(handler, body):
        handler.released.wait()

    @staticmethod
    def drip(handler, body):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not handler.released.wait(0.02):
            handler.wfile.write(b" ")

    @staticmethod
    def drip_of(beginning, again):
        """Say ``beginning``, then ``again`` every now and then without end."""

        def behave(handler, body):
            handler.wfile.write(beginning)
            while not handler.released.wait(0.02):
                handler.wfile.write(again)

        return behave

    @staticmethod
    def echoing_the_key_in_the_status_line(end=b""):
        def behave(handler, body):
            said = handler.headers["Authorization"].encode()
            handler.wfile.write(
                b"HTTP/1.1 401 " + said + end + b"\r\nX-Said: " + said + b"\r\nContent-Length: 0\r\n\r\n"
            )

        return behave

    @staticmethod
    def cut_off(handler, body):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"data": [')
        handler.close_connection = True

    @staticmethod
    def endless(handler, body):
        handler.send_response(200)
        handler.send_header("Content-Length", str(100 * 2**20))
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b" " * 2**20)

    @staticmethod
    def raw(content):
        return lambda handler, body: handler.answer(200, content)

    @staticmethod
    def changed(change):
        """Answer well, but for what ``change`` does to the list of vectors."""

        def behave(handler, body):
            data = data_for(body)
            handler.answer(200, {"data": change(data) or data})

        return behave


@pytest.fixture
def does():
    return Misbehaviour


@pytest.fixture
def endpoint(key):
    """A server, with the key in the environment and no proxy in between."""
    server = FakeEndpoint()
    yield server
    server.close()


@pytest.fixture
def embedder(endpoint):
    from retrieverkit_llm.embeddings.provider import OpenAIOptions, provider

    made = []

    def make(**options):
        options = {"model": "m", "base_url": endpoint.url, "api_key_env": "TEST_KEY"} | options
        made.append(provider.make(OpenAIOptions(**options)))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def deaf_endpoint():
    """A server that answers at once and never reads a request; yields its URL."""
    listener, released = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            released.wait()

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    released.set()
    thread.join()
    listener.close()


@pytest.fixture
def quick_retries():
    """Retries as always, without the waiting."""
    import stamina

    with stamina.set_testing(True, attempts=3, cap=True):
        yield
