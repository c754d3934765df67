"""Errors of pydantic-ai and of the vendors' packages, as errors of this project."""

from __future__ import annotations

import json
import os

from pydantic_ai import exceptions

from retrieverkit_core.errors import EndpointError, MissingServiceError, ModelAnswerError, RetrieverKitError, shorten
from retrieverkit_llm.endpoint.refused import RefusedError
from retrieverkit_llm.endpoint.retries import may_pass

_SECRETS = ("KEY", "TOKEN", "SECRET", "PASSWORD")
_SHORTEST_SECRET = 6
_MAX_SAID = 2000


def failure(model: str, error: Exception) -> RetrieverKitError:
    """Return what to raise in place of ``error``. Nothing of it is chained: it may hold a key."""
    said = without_secrets(str(error))
    if isinstance(error, exceptions.ModelHTTPError):
        status = error.status_code
        told = _said(error.body) or said
        return RefusedError(
            f"{model} answered {status}: {shorten(told, 200)}",
            said=told[:_MAX_SAID],
            param=_param(error.body),
            wait=error.retry_after,
            status=status,
            retryable=may_pass(status),
            fix="check the vendor's key" if status in (401, 403) else "",
        )
    if isinstance(error, exceptions.ContentFilterError):
        return ModelAnswerError(f"{model}: the vendor withheld the answer: {shorten(said, 200)}")
    if isinstance(error, exceptions.UserError):
        return MissingServiceError(f"{model} cannot be used: {shorten(said, 300)}")
    may = isinstance(error, exceptions.ModelAPIError) and not isinstance(error, exceptions.ModelRequestRejectedError)
    return EndpointError(f"{model} cannot be asked: {shorten(f'{type(error).__name__}: {said}', 300)}", retryable=may)


def without_secrets(text: str) -> str:
    """Return ``text`` without the values of environment variables that are named like secrets."""
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST_SECRET and any(part in name.upper() for part in _SECRETS):
            text = text.replace(value, "***")
    return text


def _said(body: object) -> str:
    """Return what the vendor says is wrong."""
    if isinstance(body, dict):
        inner = body.get("error", body)
        message = inner.get("message") if isinstance(inner, dict) else inner
        return without_secrets(str(message) if message else json.dumps(body, default=str))
    return without_secrets(str(body)) if body else ""


def _param(body: object) -> str:
    inner = body.get("error", body) if isinstance(body, dict) else None
    return str(inner.get("param") or "") if isinstance(inner, dict) else ""
