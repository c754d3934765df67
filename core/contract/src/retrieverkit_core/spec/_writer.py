"""Writes the one mode string that stands for a spec: options sorted by name, Python literals as values."""

from __future__ import annotations

import json
from typing import Any

from retrieverkit_core.spec._model import RetrieverSpec
from retrieverkit_core.spec._parser import LITERALS


def mode_string(spec: RetrieverSpec) -> str:
    """Return the canonical mode string of ``spec``."""
    arguments = [mode_string(child) for child in spec.retrievers]
    arguments += [option(name, spec.options[name]) for name in sorted(spec.options)]
    if not arguments and spec.qualified_mode not in LITERALS:
        return spec.qualified_mode
    return f"{spec.qualified_mode}({', '.join(arguments)})"


def option(name: str, value: Any) -> str:
    """Return an option as it is written in a mode string."""
    return f"{name}={_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_value(key)}: {_value(value[key])}' for key in sorted(value))}}}"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return mode_string(value) if isinstance(value, RetrieverSpec) else repr(value)
