"""`RefusedError`: what an endpoint says to a request that it does not answer."""

from __future__ import annotations

from typing import Any

from retrieverkit_core.errors import EndpointError


class RefusedError(EndpointError):
    """The endpoint answered with another status than 200.

    Attributes:
        said: What it says is wrong, at more length than the message has it, without the key.
        param: Which parameter of the request it says is to blame, or "".
        wait: The seconds after which it wants to be asked again, or None.
    """

    def __init__(self, message: str, *, said: str, param: str, wait: float | None, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.said = said
        self.param = param
        self.wait = wait
