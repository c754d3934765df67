"""`Endpoint`: one HTTP request, repeated while that may help, within the caller's deadline.

The key is read from the environment for each request and kept nowhere. It is sent to the endpoint alone, as redirects
are not followed, and is taken out of whatever the endpoint says before that is shown.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import quote, urlsplit

import httpcore2

from retrieverkit_core.deadline import remaining
from retrieverkit_core.errors import EndpointError, MissingServiceError, RetrieverKitError, shorten
from retrieverkit_core.threads import offload
from retrieverkit_llm.endpoint.connections import make_pool
from retrieverkit_llm.endpoint.exchange import Exchange, running
from retrieverkit_llm.endpoint.refused import RefusedError
from retrieverkit_llm.endpoint.retries import FIRST_WAIT, attempts, may_pass
from retrieverkit_llm.endpoint.slots import Slots

_MAX_SAID_BYTES = 8192
_MAX_SAID = 2000  # characters, of four bytes at most: what was cut off in the middle is not among them
_REDIRECTS = {301, 302, 303, 307, 308}
_HEADERS = (
    ("Content-Type", "application/json"),
    ("Accept", "application/json"),
    ("Accept-Encoding", "identity"),
    ("User-Agent", "retrieverkit"),
)


Around = Callable[[], AbstractContextManager[None]]
"""What is done around each attempt: before it is made, where it may be refused, and after it has failed."""


class Endpoint:
    """Posts JSON. Safe to share between threads, event loops and forks.

    Args:
        base_url: Where to.
        key_variable: The environment variable that holds the key, or None to send none.
        timeout: Seconds that one request may take, from the connection to the last byte of the answer.
        max_retries: Further attempts on 408, 409, 425, 429, 5xx, refused and lost connections, and timeouts.
        max_bytes: The longest answer that is read.
        max_concurrent: How many requests are made at once, whoever makes them; None is no limit.
        first_wait: Seconds before the second attempt, about.

    Raises:
        MissingServiceError: The environment variable is not set, or holds no key.
    """

    def __init__(
        self,
        base_url: str,
        key_variable: str | None,
        *,
        timeout: float,
        max_retries: int,
        max_bytes: int,
        max_concurrent: int | None = None,
        first_wait: float = FIRST_WAIT,
    ) -> None:
        self._base_url = base_url
        self._key_variable = key_variable
        self._timeout = timeout
        self._max_retries = max_retries
        self._max_bytes = max_bytes
        self._first_wait = first_wait
        self._slots = Slots(max_concurrent)
        self._guard = threading.Lock()
        self._pool: httpcore2.ConnectionPool | None = None
        self._pid = os.getpid()
        self._key()

    def post(self, path: str, body: Mapping[str, object], around: Around = nullcontext) -> bytes:
        """Return the body of the answer to ``body``, without the key should it be in there.

        Args:
            path: What to add to the base URL.
            body: What is sent as JSON; lone surrogates in it as question marks.
            around: Gives what is entered before each attempt, and left with its error. What it raises is raised.

        Raises:
            EndpointError: There was none, it is too long, or its status is not 200.
            MissingServiceError: The key is gone from the environment.
        """
        content = _encoded(body)
        for attempt in attempts(self._max_retries, self._first_wait):
            with attempt, self._asked_in_time(), self._slots.one():
                return self._once(path, content, around, Exchange())
        raise AssertionError("the last attempt returns or raises")

    async def apost(self, path: str, body: Mapping[str, object], around: Around = nullcontext) -> bytes:
        """As `post`, without blocking the event loop. A cancelled caller ends the request."""
        content = _encoded(body)
        async for attempt in attempts(self._max_retries, self._first_wait):
            with attempt, self._asked_in_time():
                async with self._slots.aone():
                    exchange = Exchange()
                    try:
                        return await offload(self._once, path, content, around, exchange)
                    except asyncio.CancelledError:
                        exchange.cancel()
                        raise
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        """Close the connections. The next request opens new ones."""
        with self._guard:
            if self._pool is not None and self._pid == os.getpid():
                self._pool.close()
            self._pool = None

    @contextmanager
    def _asked_in_time(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            if isinstance(error, RetrieverKitError):
                raise
            raise self._too_late() from None

    def _too_late(self) -> EndpointError:
        return EndpointError(f"{self._base_url} was not asked: the caller's deadline has passed", retryable=True)

    def _once(self, path: str, content: bytes, around: Around, exchange: Exchange) -> bytes:
        left = remaining()
        limit = self._timeout if left is None else min(self._timeout, left)
        if limit <= 0:
            raise self._too_late()
        key = self._key()
        exchange.check()
        with around():
            exchange.begin(limit, key)
            return self._exchanged(path, content, exchange, limit)

    def _exchanged(self, path: str, content: bytes, exchange: Exchange, limit: float) -> bytes:
        key = exchange.key
        headers: list[tuple[str | bytes, str | bytes]] = [*_HEADERS]
        if key:
            headers.append(("Authorization", f"Bearer {key}"))
        try:
            with (
                running(exchange),
                self._connections().stream(
                    "POST",
                    wire_url(f"{self._base_url}/{path}"),
                    headers=headers,
                    content=content,
                    extensions={"timeout": {"pool": limit}},
                ) as answer,
            ):
                try:
                    if answer.status != 200:
                        raise self._refused(answer, _read(answer, _MAX_SAID_BYTES, cut=True), key)
                    return _keyless(_read(answer, self._max_bytes), key)
                finally:
                    exchange.over()
        except httpcore2.TimeoutException:
            raise EndpointError(f"{self._base_url} did not answer within {limit:g} s", retryable=True) from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.ProxyError) as error:
            problem = shorten(_without(str(error) or type(error).__name__, key), 200)
            raise EndpointError(f"{self._base_url} cannot be reached: {problem}", retryable=True) from None

    def _refused(self, answer: httpcore2.Response, body: bytes, key: str) -> RefusedError:
        status = answer.status
        said, param = (_without(part, key)[:_MAX_SAID] for part in _read_error(body))
        shown = shorten(said, 200)
        message = f"{self._base_url} answered {_named(status)}" + (f": {shown}" if shown else "")
        fix = ""
        if status in _REDIRECTS:
            fix = "redirects are not followed: set base_url to the right address"
        elif status in (401, 403):
            fix = f"check the key in {self._key_variable}" if self._key_variable else "set api_key_env"
        elif status == 404:
            fix = "check base_url and model"
        wait = _retry_after(answer)
        return RefusedError(
            message, said=said, param=param, wait=wait, status=status, retryable=may_pass(status), fix=fix
        )

    def _connections(self) -> httpcore2.ConnectionPool:
        with self._guard:
            if self._pool is None or self._pid != os.getpid():
                self._pool = make_pool(self._base_url)
                self._pid = os.getpid()
            return self._pool

    def _key(self) -> str:
        """Return the key, or an empty string if none is to be sent."""
        if self._key_variable is None:
            return ""
        key = os.environ.get(self._key_variable, "").strip()
        if not key:
            raise MissingServiceError(
                f"the environment variable {self._key_variable} is not set",
                fix="put the key there, name another variable by api_key_env, or set api_key_env=None",
            )
        if not (key.isascii() and key.isprintable() and " " not in key):
            raise MissingServiceError(f"what {self._key_variable} holds is not a key: a key is printable ASCII")
        return key

    def __repr__(self) -> str:
        return f"Endpoint({self._base_url!r})"


def _encoded(body: Mapping[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def wire_url(url: str) -> str:
    """Return ``url`` as it is sent: a host's name by IDNA, other letters than ASCII's as per cent signs."""
    parts = urlsplit(url)
    netloc = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode("ascii")
    return parts._replace(netloc=netloc, path=quote(parts.path, safe="/%:@!$&'()*+,;=~")).geturl()


def _read(answer: httpcore2.Response, limit: int, *, cut: bool = False) -> bytes:
    """Return the body, up to ``limit`` bytes; more is cut off or an error."""
    body = bytearray()
    for chunk in answer.iter_stream():
        body += chunk
        if len(body) > limit:
            if cut:
                break
            raise EndpointError(f"the answer is longer than {limit} bytes", status=answer.status)
    return bytes(body[:limit])


def _named(status: int) -> str:
    """Return a status with its usual name; what the endpoint calls it may hold anything, the key too."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _retry_after(answer: httpcore2.Response) -> float | None:
    """Return the seconds of a Retry-After header, which holds these or a date (RFC 9110, 10.2.3)."""
    found = [value for name, value in answer.headers if name.lower() == b"retry-after"]
    value = found[0].decode("latin-1").strip() if found else ""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _read_error(body: bytes) -> tuple[str, str]:
    """Return what the endpoint says is wrong, and which parameter it blames.

    That is ``error.message`` and ``error.param`` of OpenAI's form, else the text itself and nothing.
    """
    text = body.decode("utf-8", "replace")
    try:
        error = json.loads(text)["error"]
        if not isinstance(error, dict):
            return str(error), ""
        return str(error["message"]), str(error.get("param") or "")
    except (ValueError, LookupError, TypeError, RecursionError):
        return text, ""


def _keyless(body: bytes, key: str) -> bytes:
    """Return JSON without the key, in any of the ways that it is usually written there."""
    quoted = json.dumps(key)[1:-1]
    for form in {key, quoted, quoted.replace("/", "\\/")} - {""}:
        body = body.replace(form.encode(), b"***")
    return body


def _without(text: str, key: str) -> str:
    return text.replace(key, "***") if key else text
