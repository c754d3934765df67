"""One JSON document on stdout."""

from __future__ import annotations

import json
import sys
from typing import Any


def print_json(content: Any) -> None:
    """Write ``content`` to stdout, in ASCII where the stream cannot hold more."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(content, ensure_ascii=not utf8, allow_nan=False, indent=2) + "\n")
