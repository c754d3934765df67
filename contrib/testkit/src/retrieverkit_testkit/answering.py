"""A program that answers queries as the tested retriever does, in a process of its own.

It reads one JSON object from standard input: what `Subject.recipe` gives, with ``folder`` or ``documents``, and
``queries``. It prints the answers as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from retrieverkit import Document, Index
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_testkit.answers import Scored, scored
from retrieverkit_testkit.library import Chapters, put
from retrieverkit_testkit.sources import found_factory
from retrieverkit_testkit.verdicts import ensure

_TIME_LIMIT = 300


def answers_elsewhere(task: dict[str, Any], **environment: str) -> list[Scored]:
    """Return the answers that another process gives.

    Args:
        task: What the program reads.
        **environment: Variables to set for it.
    """
    done = run_python(["-m", "retrieverkit_testkit.answering"], json.dumps(task), **environment)
    return [[(name, score) for name, score in answer] for answer in json.loads(done)]


def run_python(arguments: Sequence[str], text: str = "", **environment: str) -> str:
    """Run Python with this process's import path; return what it prints.

    Raises:
        CheckFailed: It failed.
    """
    done = subprocess.run(  # noqa: S603 - the program is this package's own
        [sys.executable, *arguments],
        input=text,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=_TIME_LIMIT,
        check=False,
    )
    ensure(done.returncode == 0, f"another process failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def written(documents: Sequence[Document]) -> list[dict[str, Any]]:
    """Return documents as JSON."""
    return [
        {"text": one.text, "id": one.id, "metadata": one.metadata}
        | ({"passages": one.passages} if isinstance(one, Chapters) else {})
        for one in documents
    ]


def read(documents: Sequence[dict[str, Any]]) -> list[Document]:
    """Return the documents that `written` wrote."""
    return [Chapters(**one) if "passages" in one else Document(**one) for one in documents]


def main() -> None:
    """Answer what is asked on standard input."""
    task = json.loads(sys.stdin.read())
    with contextlib.redirect_stdout(sys.stderr):  # what the author's code prints is not the answer
        answers = _answered(task)
    json.dump(answers, sys.stdout)


def _answered(task: dict[str, Any]) -> list[Scored]:
    documents = read(task.get("documents", ()))
    if "factory" in task:
        return _answers(found_factory(task)(documents), task["queries"])
    if "folder" in task:
        with Index.open(task["folder"], **task["settings"]) as index:
            index.delete(task.get("deleted", ()))
            return _answers(index.as_retriever(task["mode"]), task["queries"])
    with Index.from_documents([], **task["settings"]) as index:
        put(index, documents)
        return _answers(index.as_retriever(task["mode"]), task["queries"])


def _answers(retriever: BaseRetriever, queries: Sequence[str]) -> list[Scored]:
    return [scored(retriever.retrieve(QueryBundle(query, top_k=1000))) for query in queries]


if __name__ == "__main__":
    main()
