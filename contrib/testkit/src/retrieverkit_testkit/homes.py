"""Where hypothesis keeps its files while the kit uses it: not in the author's folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import configuration


@contextmanager
def hypothesis_home() -> Iterator[None]:
    """Let hypothesis write to a folder that is removed again, and give it back its own afterwards."""
    before = configuration.storage_directory(intent_to_write=False).home_directory
    with tempfile.TemporaryDirectory(prefix="retrieverkit-check-", ignore_cleanup_errors=True) as folder:
        configuration.set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            configuration.set_hypothesis_home_dir(before)
