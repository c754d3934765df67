"""One JSON document on stdout."""

from __future__ import annotations

import json
import sys
from typing import Any

from retrieverkit.cli.screen import HARMFUL


def print_json(content: Any, *, indent: int | None = 2) -> None:
    """Write ``content`` to stdout, in ASCII where the stream cannot hold more, and safe to look at in a terminal.

    Args:
        content: What to write.
        indent: By how much to indent; None for one line.
    """
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(content, ensure_ascii=not utf8, allow_nan=False, indent=indent)
    sys.stdout.write(HARMFUL.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")


def printable(path: object) -> str:
    """Return a path or an id as text; bytes in it that are no text are written as escapes."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")
