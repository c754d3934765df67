"""Connections that keep to one wall-clock limit for a whole exchange, and log nothing that may hold a key.

An HTTP library's own timeouts are for each read and each write: an endpoint that sends a byte now and then, or one
header line after another, is never late by them. So each read and write of an exchange is given what is left of it.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import httpcore2

from retrieverkit_core.errors import MissingServiceError
from retrieverkit_core.threads import WORKERS
from retrieverkit_llm.endpoint.exchange import current

_WRITTEN = 16_384


def make_pool(url: str) -> httpcore2.ConnectionPool:
    """Return connections to ``url``, through the proxy that the environment names for it.

    Raises:
        MissingServiceError: That proxy speaks SOCKS, and the package for it is not installed.
    """
    address = urlsplit(url)
    proxies = getproxies_environment()
    proxy = proxies.get(address.scheme) or proxies.get("all")
    backend = _PunctualBackend()
    if not proxy or proxy_bypass(address.netloc):
        return httpcore2.ConnectionPool(max_connections=None, network_backend=backend)
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    kind = httpcore2.SOCKSProxy if parts.scheme.startswith("socks") else httpcore2.HTTPProxy
    try:
        return kind(
            proxy_url=parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(),
            proxy_auth=auth,
            max_connections=None,
            network_backend=backend,
        )
    except RuntimeError as error:
        raise MissingServiceError(str(error), fix="pip install 'httpcore2[socks]', or name an HTTP proxy") from None


def _left(late: type[httpcore2.TimeoutException]) -> float | None:
    """Return the seconds that the exchange has left; raise ``late`` if there are none."""
    exchange = current()
    if exchange is None:
        return None
    exchange.check()
    left = exchange.left()
    if left is not None and left <= 0:
        raise late("the exchange took too long")
    return left


class _PunctualStream(httpcore2.NetworkStream):
    """A connection of which each operation is given what is left of the exchange."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._take()
        return self._stream.read(max_bytes, timeout=_left(httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._take()
        for at in range(0, len(buffer), _WRITTEN):
            self._stream.write(buffer[at : at + _WRITTEN], timeout=_left(httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        self._take()
        left = _left(httpcore2.ConnectTimeout)
        return _PunctualStream(self._stream.start_tls(ssl_context, server_hostname, timeout=left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _take(self) -> None:
        if (exchange := current()) is not None:
            exchange.uses(self._stream.get_extra_info("socket"))


class _PunctualBackend(httpcore2.SyncBackend):
    """Opens such connections: all addresses of a host together are given what is left."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        failure: Exception | None = None
        for address in _addresses(host, port):
            left = _left(httpcore2.ConnectTimeout)
            try:
                return _PunctualStream(super().connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore2.ConnectError(f"{host} has no address")


def _addresses(host: str, port: int) -> list[str]:
    """Return the addresses of ``host``. A name is looked up in another thread: the resolver knows no time limit."""
    left = _left(httpcore2.ConnectTimeout)
    try:
        found = WORKERS.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM).result(timeout=left)
    except TimeoutError as error:
        raise httpcore2.ConnectTimeout(f"{host} was not found in time") from error
    except OSError as error:
        raise httpcore2.ConnectError(str(error)) from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _without_key(record: logging.LogRecord) -> bool:
    exchange = current()
    if exchange is not None and exchange.key:
        record.msg, record.args = record.getMessage().replace(exchange.key, "***"), ()
    return True


logging.getLogger("httpcore2.http11").addFilter(_without_key)
