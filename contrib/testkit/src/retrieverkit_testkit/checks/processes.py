"""Other processes."""

from __future__ import annotations

import json
import os
import select
import signal
import warnings
from typing import Any

from retrieverkit_testkit.answering import answers_elsewhere
from retrieverkit_testkit.answers import ensure_same
from retrieverkit_testkit.capabilities import Capability, Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.library import SHARED, library
from retrieverkit_testkit.subjects import Subject, Trial
from retrieverkit_testkit.verdicts import NothingToCheck, ensure

_SECONDS = 100.0


@check(Capability.DETERMINISTIC, thorough=True)
def check_a_forked_child_answers(subject: Subject) -> None:
    """A child of ``os.fork`` gives the same answers with the retriever that it was born with, and so does its parent.

    To mend: hold no thread, connection or memory map across a fork without ``os.register_at_fork``; ``DerivedIndex``
    and the corpus reopen theirs.
    """
    if not hasattr(os, "fork"):
        raise NothingToCheck("this system has no fork")
    with subject.shelf() as trial:
        expected = trial.scored(SHARED, top_k=20)
        told = _in_child(trial)
        ensure("error" not in told, f"the child failed: {told.get('error')}")
        ensure_same([tuple(one) for one in told["answer"]], expected, "the child")
        ensure_same(trial.scored(SHARED, top_k=20), expected, "the parent, after the fork")


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,), thorough=True)
def check_another_process_reads_the_same(subject: Subject) -> None:
    """Another process that opens the same index, while this one has it open, gives the same answers.

    To mend: lock only to write; keep nothing in the process that belongs into the index.
    """
    recipe = subject.recipe()
    with subject.shelf() as trial:
        assert trial.index is not None
        texts = [SHARED, library()[5].text]
        expected = [trial.scored(text, top_k=1000) for text in texts]
        answers = answers_elsewhere({**recipe, "folder": str(trial.index.path), "queries": texts})
        for found, wanted in zip(answers, expected, strict=True):
            ensure_same(found, wanted, "another process")


def _in_child(trial: Trial) -> dict[str, Any]:
    """Return what a forked child answers, or what went wrong."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads is what is tested
        child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            told: dict[str, Any] = {"answer": trial.scored(SHARED, top_k=20)}
        except BaseException as error:
            told = {"error": f"{type(error).__name__}: {error}"[:500]}
        os.write(writing, json.dumps(told).encode())
        os._exit(0)
    os.close(writing)
    data = b""
    try:
        ready, _, _ = select.select([reading], [], [], _SECONDS)
        data = b"".join(iter(lambda: os.read(reading, 65536), b"")) if ready else data
    finally:
        os.close(reading)
        if not data:
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    found: dict[str, Any] = json.loads(data) if data else {"error": f"it did not answer within {_SECONDS:g} s"}
    return found
