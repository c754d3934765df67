"""`RetrieverSpec`: which mode, from which distribution, over which retrievers, with which options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_serializer, model_validator
from pydantic.json_schema import JsonSchemaValue

from retrieverkit_core.spec._names import MODE, PROVIDER

if TYPE_CHECKING:
    from pydantic_core import CoreSchema


class RetrieverSpec(BaseModel):
    """A retriever as it is written in a config, before any plugin is looked for.

    Two specs are equal when their canonical mode strings are. A field of this type in a mode's options model
    takes a mode string, a dict or a spec.

    Attributes:
        mode: The mode's name.
        provider: The distribution that the mode must come from, or None.
        retrievers: The retrievers below this one, in order.
        options: The options as plain JSON, with a spec for each retriever in them.

    Raises:
        ConfigError: What is given describes no retriever.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: str
    provider: str | None = None
    retrievers: tuple[RetrieverSpec, ...] = ()
    options: dict[str, Any] = Field(default_factory=dict)

    def __init__(self, /, **written: Any) -> None:
        from retrieverkit_core.spec._flat import FlatReader

        super().__init__(**FlatReader().fields(written))

    @property
    def limit(self) -> int | None:
        """How many hits it is written to give: its ``top_k``, or the ``top_n`` that stands for it; None if neither."""
        written = (self.options.get(name) for name in ("top_k", "top_n"))
        return next((value for value in written if isinstance(value, int)), None)

    @model_validator(mode="before")
    @classmethod
    def _read_mode_string(cls, written: Any) -> object:
        return written if isinstance(written, (Mapping, RetrieverSpec)) else dict(cls.from_obj(written))

    @model_serializer(mode="plain")
    def _flat(self) -> dict[str, Any]:
        return self.to_obj()

    @classmethod
    def parse(cls, text: str) -> RetrieverSpec:
        """Return the spec of a mode string, such as ``fusion(bm25(top_k=50), vector, method="rrf")``.

        Nothing is evaluated and nothing is imported.

        Args:
            text: At most 10,000 characters, nested at most 32 deep.

        Raises:
            ModeStringError: The mode string cannot be read; the error points at the column.
        """
        from retrieverkit_core.spec._parser import parse_mode_string

        return parse_mode_string(text)

    @classmethod
    def from_obj(cls, written: RetrieverSpec | str | Mapping[str, Any]) -> RetrieverSpec:
        """Return the spec of a mode string, of the dict form, or of a spec.

        Args:
            written: A dict holds ``mode`` (``"bm25"`` or ``"dist:bm25"``) and may hold ``provider`` and
                ``retrievers``; every other key is an option. A dict with the key ``mode`` in an
                option's value is a retriever too.

        Raises:
            ConfigError: It describes no retriever.
        """
        from retrieverkit_core.spec._flat import FlatReader

        return FlatReader().spec(written, 1)

    def to_obj(self) -> dict[str, Any]:
        """Return the dict form, which holds nothing but JSON; `from_obj` reads it back."""
        from retrieverkit_core.spec._flat import to_flat

        return to_flat(self)

    @classmethod
    def load(cls, path: str | Path) -> RetrieverSpec:
        """Return the spec in a ``.json``, ``.toml``, ``.yaml`` or ``.yml`` file.

        Args:
            path: The file; it holds the spec at its top level or under the key ``retriever``.

        Raises:
            ConfigError: The file describes no retriever.
            ReadError: The file cannot be read.
        """
        from retrieverkit_core.spec._files import load

        return load(Path(path))

    @classmethod
    def loads(cls, text: str, format: str) -> RetrieverSpec:  # noqa: A002 - the word that people know
        """Return the spec in a text.

        Args:
            text: The text of a file, see `load`.
            format: ``"json"``, ``"toml"`` or ``"yaml"``.

        Raises:
            ConfigError: The text describes no retriever.
        """
        from retrieverkit_core.spec._files import loads

        return loads(text, format)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema of the dict form, for editors."""
        child = {"$ref": "#/$defs/Retriever"}
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": {"Retriever": _flat_schema(child)},
            **child,
        }

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return _flat_schema({"type": ["string", "object"]})

    @property
    def qualified_mode(self) -> str:
        """``dist:mode`` where a distribution is named, else the mode."""
        return f"{self.provider}:{self.mode}" if self.provider else self.mode

    def __str__(self) -> str:
        from retrieverkit_core.spec._writer import mode_string

        return mode_string(self)

    def __repr__(self) -> str:
        return f"RetrieverSpec.parse({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other) if isinstance(other, RetrieverSpec) else NotImplemented

    def __hash__(self) -> int:
        return hash(str(self))


def _flat_schema(child: JsonSchemaValue) -> JsonSchemaValue:
    return {
        "title": "Retriever",
        "description": "A retriever: a mode string, or a mode with its retrievers and options.",
        "anyOf": [
            {
                "type": "string",
                "description": 'A mode string, for example fusion(bm25, vector, method="rrf").',
            },
            {
                "type": "object",
                "required": ["mode"],
                "properties": {
                    "mode": {
                        "type": "string",
                        "pattern": f"^(?:{PROVIDER.pattern}:)?{MODE.pattern.replace('0-9_', '0-9_-')}$",
                        "description": "The mode, or distribution:mode.",
                    },
                    "provider": {"type": ["string", "null"], "description": "The distribution of the mode."},
                    "retrievers": {"type": "array", "items": child, "description": "The retrievers below."},
                    "options": {
                        "type": "object",
                        "description": "Options; they may stand beside 'mode' as well.",
                    },
                },
                "additionalProperties": True,
            },
        ],
    }
