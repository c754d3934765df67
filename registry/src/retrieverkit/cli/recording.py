"""``--cassette``: one command whose model calls are recorded, or replayed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieverkit.cli.screen import Screen


@contextmanager
def on_cassette(path: Path | None, screen: Screen) -> Iterator[None]:
    """Record or replay the block, and say at its end what was done; None does neither.

    Raises:
        CassetteError: The file cannot be used.
    """
    if path is None:
        yield
        return
    from retrieverkit.cassettes import cassette

    with cassette(path) as tape:
        yield
    count, done = (tape.replayed, "replayed from") if tape.mode == "replay" else (tape.recorded, "recorded to")
    screen.say((f"cassette: {count} model call{'' if count == 1 else 's'} {done} {path}", "dim"))
