"""An endpoint that embeds, the ways in which it goes wrong, and embedders that ask it."""

import socket
import threading

import pytest

from retrieverkit_testkit import model_faults as faults
from retrieverkit_testkit.model_faults import Fault
from retrieverkit_testkit.model_server import ModelServer


class Misbehaviour:
    """Ways for a server to answer one request for embeddings."""

    reset, hang, drip, cut_off, endless = (
        faults.RESET,
        faults.NEVER,
        faults.SLOW_BODY,
        faults.CUT_OFF,
        faults.HUGE_BODY,
    )
    echoing_the_key = faults.echo_headers(401)
    raw = staticmethod(faults.raw)

    @staticmethod
    def vector_of(text):
        """A vector that tells which text it belongs to."""
        return [float(len(text) + 1), *(float(sum(text.encode()) % (7 + i)) for i in range(3))]

    @staticmethod
    def status(code, content=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        content = content or {"error": {"message": f"no: {code}"}}
        return Fault(f"status {code}", lambda exchange: exchange.send(code, content, headers))

    @staticmethod
    def drip_of(beginning, again):
        """Say ``beginning``, then ``again`` every now and then without end."""

        def happen(exchange):
            try:
                exchange.socket.sendall(beginning)
                while not exchange.closing.wait(0.02):
                    exchange.socket.sendall(again)
            except OSError:
                exchange.hung_up()

        return Fault("drip", happen)

    @staticmethod
    def echoing_the_key_in_the_status_line(end=b""):
        def happen(exchange):
            said = exchange.asked.headers["authorization"].encode()
            exchange.socket.sendall(
                b"HTTP/1.1 401 " + said + end + b"\r\nX-Said: " + said + b"\r\nContent-Length: 0\r\n\r\n"
            )

        return Fault("echo", happen)

    @staticmethod
    def changed(change):
        """Answer well, but for what ``change`` does to the list of vectors."""

        def happen(exchange):
            vectors = map(Misbehaviour.vector_of, exchange.asked.texts)
            data = [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)]
            exchange.send(200, {"data": change(data) or data})

        return Fault("changed", happen)


@pytest.fixture
def does():
    return Misbehaviour


@pytest.fixture
def endpoint(key):
    """A server, with the key in the environment and no proxy in between."""
    with ModelServer(embed=Misbehaviour.vector_of) as server:
        yield server


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
