"""`EmbeddingOptions`: the base of every embedding provider's options."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class EmbeddingOptions(BaseModel):
    """Base of an embedding's options: unknown options are refused, values are not coerced from other types.

    A refused value is not repeated in the error, as it may be a secret in the wrong place.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True)
