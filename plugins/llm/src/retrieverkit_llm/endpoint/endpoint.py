"""`Endpoint`: one HTTP request, repeated while that may help, within the caller's deadline.

The key is read from the environment for each request and kept nowhere. It is sent to the endpoint alone, as redirects
are not followed, and is taken out of whatever the endpoint says before that is shown.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import monotonic
from urllib.parse import quote, urlsplit

import httpcore2
import stamina

from retrieverkit_core.deadline import remaining
from retrieverkit_core.errors import EndpointError, MissingServiceError, shorten
from retrieverkit_llm.embeddings.connections import exchange, make_pool

MAX_BYTES = 64 * 2**20
"""The longest answer that is read; 2,048 vectors of 1,536 numbers take about as much."""

_MAX_SAID_BYTES = 8192
_LONGEST_WAIT = 60.0
_SHORTEST_WAIT = 0.1
_WAIT_UNDER_DEADLINE = 0.5
_RETRYABLE = {408, 409, 425, 429}
_REDIRECTS = {301, 302, 303, 307, 308}
_HEADERS = (
    ("Content-Type", "application/json"),
    ("Accept", "application/json"),
    ("Accept-Encoding", "identity"),
    ("User-Agent", "retrieverkit"),
)


class _Failed(EndpointError):
    """An `EndpointError` with the time after which the endpoint wants to be asked again."""

    def __init__(self, message: str, *, wait: float | None = None, **fields: object) -> None:
        super().__init__(message, **fields)  # type: ignore[arg-type]
        self.wait = wait


class Endpoint:
    """Posts JSON. Safe to share between threads and forks.

    Args:
        base_url: Where to.
        key_variable: The environment variable that holds the key, or None to send none.
        timeout: Seconds that one request may take, from the connection to the last byte of the answer.
        max_retries: Further attempts on 408, 409, 425, 429, 5xx, refused and lost connections, and timeouts.

    Raises:
        MissingServiceError: The environment variable is not set, or holds no key.
    """

    def __init__(self, base_url: str, key_variable: str | None, *, timeout: float, max_retries: int) -> None:
        self._base_url = base_url
        self._key_variable = key_variable
        self._timeout = timeout
        self._max_retries = max_retries
        self._guard = threading.Lock()
        self._pool: httpcore2.ConnectionPool | None = None
        self._pid = os.getpid()
        self._key()

    def post(self, path: str, body: Mapping[str, object]) -> bytes:
        """Return the body of the answer to ``body``.

        Raises:
            EndpointError: There was none, it is too long, or its status is not 200.
            MissingServiceError: The key is gone from the environment.
        """
        attempts = stamina.retry_context(
            on=_wait_before_next, attempts=self._max_retries + 1, timeout=None, wait_initial=0.2, wait_max=10.0
        )
        content = json.dumps(body, ensure_ascii=False).encode("utf-8")
        for attempt in attempts:
            with attempt:
                return self._once(path, content)
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        """Close the connections. The next request opens new ones."""
        with self._guard:
            if self._pool is not None and self._pid == os.getpid():
                self._pool.close()
            self._pool = None

    def _once(self, path: str, content: bytes) -> bytes:
        left = remaining()
        limit = self._timeout if left is None else min(self._timeout, left)
        if limit <= 0:
            raise EndpointError(f"{self._base_url} was not asked: the caller's deadline has passed", retryable=True)
        key = self._key()
        headers: list[tuple[str | bytes, str | bytes]] = [*_HEADERS]
        if key:
            headers.append(("Authorization", f"Bearer {key}"))
        try:
            with (
                exchange(monotonic() + limit, key),
                self._connections().stream(
                    "POST",
                    wire_url(f"{self._base_url}/{path}"),
                    headers=headers,
                    content=content,
                    extensions={"timeout": {"pool": limit}},
                ) as answer,
            ):
                if answer.status != 200:
                    raise self._refused(answer, _read(answer, _MAX_SAID_BYTES, cut=True), key)
                return _read(answer, MAX_BYTES)
        except httpcore2.TimeoutException:
            raise EndpointError(f"{self._base_url} did not answer within {limit:g} s", retryable=True) from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.ProxyError) as error:
            problem = shorten(_without(str(error) or type(error).__name__, key), 200)
            raise EndpointError(f"{self._base_url} cannot be reached: {problem}", retryable=True) from None

    def _refused(self, answer: httpcore2.Response, body: bytes, key: str) -> EndpointError:
        status = answer.status
        said = shorten(_without(_error_message(body), key), 200)
        message = f"{self._base_url} answered {_named(status)}" + (f": {said}" if said else "")
        fix = ""
        if status in _REDIRECTS:
            fix = "redirects are not followed: set base_url to the right address"
        elif status in (401, 403):
            fix = f"check the key in {self._key_variable}" if self._key_variable else "set api_key_env"
        elif status == 404:
            fix = "check base_url and model"
        retryable = status in _RETRYABLE or status >= 500
        return _Failed(message, status=status, retryable=retryable, fix=fix, wait=_retry_after(answer))

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
            raise MissingServiceError(f"what {self._key_variable} holds is no key: a key is printable ASCII")
        return key

    def __repr__(self) -> str:
        return f"Endpoint({self._base_url!r})"


def _wait_before_next(error: Exception) -> bool | float:
    """Tell stamina whether to ask again, and when if that is not up to it. No wait may outlast the deadline."""
    if not isinstance(error, EndpointError) or not error.retryable:
        return False
    left = remaining()
    wait = error.wait if isinstance(error, _Failed) else None
    if wait is None:
        return left is None or (left > _SHORTEST_WAIT and min(_WAIT_UNDER_DEADLINE, left / 4))
    return wait if wait < (_LONGEST_WAIT if left is None else left) else False


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


def _error_message(body: bytes) -> str:
    """Return what the endpoint says is wrong: ``error.message`` of OpenAI's form, else the text itself."""
    text = body.decode("utf-8", "replace")
    try:
        error = json.loads(text)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, LookupError, TypeError, RecursionError):
        return text


def _without(text: str, key: str) -> str:
    return text.replace(key, "***") if key else text
