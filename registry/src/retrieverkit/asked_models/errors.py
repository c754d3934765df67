"""Errors of models as a cassette has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retrieverkit_core.errors import (
    EmbeddingMismatchError,
    EndpointError,
    InvalidEmbeddingError,
    ModelAnswerError,
    ServiceError,
)

_ERRORS: dict[str, type[ServiceError]] = {
    kind.code: kind
    for kind in (ServiceError, EndpointError, InvalidEmbeddingError, EmbeddingMismatchError, ModelAnswerError)
}


def error_told(error: ServiceError) -> dict[str, Any]:
    """Return the fields of an error as inert JSON."""
    told: dict[str, Any] = {"code": error.code if error.code in _ERRORS else ServiceError.code}
    told |= {"message": error.message, "fix": error.fix, "retryable": error.retryable}
    more = {name: getattr(error, name) for name in ("status", "answer") if hasattr(error, name)}
    return told | more


def error_of(told: Mapping[str, Any]) -> ServiceError:
    """Return the error with these fields; one of a kind that is not known here is a `ServiceError`."""
    kind = _ERRORS.get(told.get("code", ""), ServiceError)
    message, fix, retryable = str(told["message"]), str(told.get("fix", "")), bool(told.get("retryable"))
    if kind is EndpointError:
        return EndpointError(message, status=told.get("status"), retryable=retryable, fix=fix)
    if kind is ModelAnswerError:
        return ModelAnswerError(message, answer=str(told.get("answer", "")), fix=fix)
    error = kind(message, fix=fix)
    error.retryable = retryable
    return error
