"""Readers that run in a process of their own, which is ended where it takes too much time or memory.

A parser of a format that somebody else writes can be held up for ever by a small hostile file, inside of C code that no
exception reaches. The child is given the bytes of one file after the other, and answers in JSON. It is ended with the
run that began it, and it ends itself where that run was killed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import IO, Any, Self

from retrieverkit_core.errors import ReadError
from retrieverkit_core.nodes import Document
from retrieverkit_core.readers import Parsed, Reader, SourceFile

MOST_SECONDS = 120.0
"""How long one file may take; a file that is within its reader's limits takes a few."""

MOST_MEMORY = 4 << 30
"""Bytes that the child may take, where the system can hold it to that."""

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from retrieverkit.reading.apart_child import main; main()"
)


class Apart:
    """Runs readers in a child process, which is started for the first file and again after it was ended."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._end()

    def read(self, reader: Reader, file: SourceFile, data: bytes) -> Parsed:
        """Return what a reader makes of a file.

        Raises:
            ReadError: It cannot read it, fails, or takes too much time or memory.
        """
        function = reader.read
        request = {
            "function": [function.__module__, function.__qualname__],
            "file": [file.source, file.path, file.encoding],
            "size": len(data),
            "seconds": MOST_SECONDS,
            "memory": MOST_MEMORY,
        }
        late = threading.Event()
        used = self._child is not None
        try:
            answer = self._asked(request, data, late)
            if answer is None and used and not late.is_set():  # what it read before, or the system, may have ended it
                self._end()
                answer = self._asked(request, data, late)
        except BaseException:
            self._end()
            raise
        if answer is None:
            self._end()
            fix = "if it is a file of yours, save a smaller part of it as a file of its own"
            told = (
                f"took more than {MOST_SECONDS:g} s" if late.is_set() else "the parser crashed, or took too much memory"
            )
            raise ReadError(file.source, told, fix=fix)
        return _parsed(answer, file)

    def _asked(self, request: dict[str, Any], data: bytes, late: threading.Event) -> dict[str, Any] | None:
        """Return what the child answers; None where it ended, or was ended as it was late."""
        child = self._child = self._child or _started()
        assert child.stdin is not None and child.stdout is not None

        def give_up() -> None:
            late.set()
            child.kill()

        watch = threading.Timer(MOST_SECONDS, give_up)
        watch.daemon = True
        watch.start()
        try:
            child.stdin.write(json.dumps(request).encode() + b"\n")
            child.stdin.write(data)
            child.stdin.flush()
            line = child.stdout.readline()
            answer = child.stdout.read(int(line)) if line else b""
        except OSError:  # it ended
            return None
        finally:
            watch.cancel()
        found: dict[str, Any] | None = json.loads(answer) if line and len(answer) == int(line) else None
        return found

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for stream in (child.stdin, child.stdout):
            _closed(stream)
        child.wait()


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603
        # -P: a module of the current folder, which may be among the files that are read, is not imported.
        [sys.executable, "-P", "-c", _PROGRAM, json.dumps([each for each in sys.path if isinstance(each, str)])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for this process, which then ends the other
    )


def _closed(stream: IO[bytes] | None) -> None:
    try:
        if stream is not None:
            stream.close()
    except OSError:  # what was still to be written goes nowhere
        pass


def _parsed(answer: dict[str, Any], file: SourceFile) -> Parsed:
    if "defect" in answer:
        raise ReadError(file.source, f"its reader failed: {answer['defect']}")
    if "refused" in answer:
        raise _error(answer["refused"], file)
    documents = [Document(text, *fields) for text, *fields in answer["documents"]]
    return Parsed(documents, [_error(each, file) for each in answer["errors"]], tuple(answer["notes"]))


def _error(told: list[str], file: SourceFile) -> ReadError:
    problem, fix = told
    return ReadError(file.source, problem, fix=fix)
