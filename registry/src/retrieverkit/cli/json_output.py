"""One JSON document on stdout."""

from __future__ import annotations

import json
import sys
from typing import Any

from retrieverkit.cli.screen import HARMFUL


def print_json(content: Any) -> None:
    """Write ``content`` to stdout, in ASCII where the stream cannot hold more, and safe to look at in a terminal."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(content, ensure_ascii=not utf8, allow_nan=False, indent=2)
    sys.stdout.write(HARMFUL.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")
