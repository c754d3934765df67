"""The options that everything has which asks an endpoint."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from retrieverkit_core.services import EmbeddingOptions


class EndpointOptions(EmbeddingOptions):
    """Where and how to ask. The key is never among options: they end up in config files, manifests and messages."""

    model: str = Field(min_length=1, description="The model's name at the endpoint.")
    base_url: str = Field(
        default="https://api.openai.com/v1",
        description="The endpoint, up to but without /embeddings or /chat/completions.",
    )
    api_key_env: str | None = Field(
        default="OPENAI_API_KEY",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        max_length=100,
        description="Name of the environment variable that holds the key. None: no key is sent.",
    )
    timeout: float = Field(default=30.0, gt=0, le=3600, description="Seconds that one request may take.")
    max_retries: int = Field(default=4, ge=0, le=20, description="Further attempts when the endpoint is busy or down.")

    @field_validator("base_url")
    @classmethod
    def _plain_url(cls, value: str) -> str:
        try:
            url = urlsplit(value)
            host, _ = (url.hostname or "").encode("idna"), url.port
        except ValueError:
            raise ValueError("it is not a URL") from None
        if not value.isprintable() or " " in value:
            raise ValueError("it is not a URL")
        if url.scheme not in ("http", "https") or not host:
            raise ValueError("it must begin with https:// or http:// and name a host")
        if "@" in url.netloc or url.query or url.fragment:
            raise ValueError("it must hold no user, password, query or fragment; the key is read from api_key_env")
        return value.rstrip("/")

    def missing_key(self) -> str:
        """Return which environment variable is missing, or "". The endpoint is not called."""
        name = self.api_key_env
        if name is not None and not os.environ.get(name):
            return (
                f"{name} is not set: put the key there, name another variable by api_key_env, or set api_key_env=None"
            )
        return ""
