"""What somebody who interrupts long work is told of what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieverkit.cli.progress import LongWork
    from retrieverkit.cli.screen import Screen
    from retrieverkit_core.corpus import WritableCorpus


@contextmanager
def saying_what_is_kept(corpus: WritableCorpus, work: LongWork, screen: Screen) -> Iterator[None]:
    """Say how many files are in where the block, which reads files into ``corpus``, is interrupted."""
    before = corpus.sources()
    try:
        yield
    except KeyboardInterrupt:
        kept = sum(before.get(source) != fingerprint for source, fingerprint in corpus.sources().items())
        if work.files_total:
            screen.say(f"{kept:,} of {work.files_total:,} files are in; run it again to go on")
        else:
            screen.say("no file was read yet")
        raise
