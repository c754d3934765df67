"""A config in TOML with every option of its modes, those that are not set as comments."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from retrieverkit.cli.option_types import type_text
from retrieverkit.cli.screen import HARMFUL
from retrieverkit_core.errors import ConfigError
from retrieverkit_core.spec import RetrieverSpec

if TYPE_CHECKING:
    from retrieverkit.discovery import Discovery

_WIDTH = 96


def config_text(spec: RetrieverSpec, discovery: Discovery) -> str:
    """Return the config of a retriever.

    Args:
        spec: The retriever.
        discovery: Where its modes are found.

    Raises:
        ConfigError: A mode or an option is wrong, or a value cannot be written in TOML.
    """
    head = [
        f"# {_line(str(spec))}",
        "#",
        "# Every option of each mode is here; those behind a # have their default.",
        "# See what is wrong with this file: retriever config check FILE",
        "# Search with it: retriever search QUERY PATH --config FILE",
        "",
    ]
    return "\n".join([*head, *_table(spec, discovery, "")]) + "\n"


def _table(spec: RetrieverSpec, discovery: Discovery, path: str) -> Iterator[str]:
    from retrieverkit.discovery import validated_options

    plugin = discovery.mode(spec.mode, spec.provider)
    validated_options(plugin.spec, spec)
    yield from _comment(plugin.spec.summary)
    yield f"mode = {toml(spec.mode)}"
    if spec.provider:
        yield f"provider = {toml(spec.provider)}"
    for name, field in plugin.spec.options.model_fields.items():
        name = field.alias or name
        if name == "retrievers" or (name == "retriever" and spec.retrievers):
            continue
        yield ""
        default = (
            "required" if field.is_required() else f"default {_shown(field.get_default(call_default_factory=True))}"
        )
        yield from _comment(f"{field.description or name} ({type_text(field)}; {default})")
        value = spec.options.get(name)
        if value is not None:
            yield f"{name} = {toml(value)}"
        elif field.is_required() or (usual := field.get_default(call_default_factory=True)) is None:
            yield f"# {name} ="
        else:
            yield f"# {name} = {_toml_or_nothing(usual)}".rstrip()
    below = f"{path}.retrievers" if path else "retrievers"
    for inner in spec.retrievers:
        yield ""
        yield f"[[{below}]]"
        yield from _table(inner, discovery, below)


def _comment(text: str) -> Iterator[str]:
    for line in textwrap.wrap(_line(text), _WIDTH, break_long_words=False, break_on_hyphens=False):
        yield f"# {line}"


def _line(text: str) -> str:
    """Return text that stays in a comment."""
    return HARMFUL.sub(" ", " ".join(text.split()))


def _shown(value: object) -> str:
    return "none" if value is None else _toml_or_nothing(value) or "of its own"


def _toml_or_nothing(value: object) -> str:
    try:
        return toml(value)
    except ConfigError:
        return ""


def toml(value: object) -> str:
    """Return a value in TOML.

    Raises:
        ConfigError: TOML has no such value.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return HARMFUL.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    if isinstance(value, RetrieverSpec):
        return toml(value.to_obj())
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{toml(str(key))} = {toml(held)}' for key, held in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml, value))}]"
    raise ConfigError(f"TOML cannot hold {value!r}", fix="write the config in YAML or JSON")
