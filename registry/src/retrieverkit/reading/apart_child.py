"""What runs in the child process of `apart`: reads what it is sent and answers in JSON until its input ends."""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from contextlib import suppress
from functools import reduce
from importlib import import_module
from typing import Any, BinaryIO

from retrieverkit_core.errors import ReadError, shorten
from retrieverkit_core.readers import Parsed, SourceFile


def main() -> None:
    """Answer every request on the standard input; what parsers print goes nowhere."""
    answers = open(os.dup(sys.stdout.fileno()), "wb")  # noqa: SIM115
    nowhere = open(os.devnull, "w+b")  # noqa: SIM115
    os.dup2(nowhere.fileno(), sys.stdout.fileno())
    requests = sys.stdin.buffer
    while line := requests.readline():
        request = json.loads(line)
        _hold_to(request["memory"])
        faulthandler.dump_traceback_later(1.25 * request["seconds"], exit=True, file=nowhere)  # nobody may be left to
        answer = _answer(request, _exactly(requests, request["size"])).encode()
        faulthandler.cancel_dump_traceback_later()
        answers.write(b"%d\n" % len(answer))
        answers.write(answer)
        answers.flush()


def _exactly(requests: BinaryIO, size: int) -> bytes:
    data = requests.read(size)
    if len(data) < size:
        sys.exit()  # whoever asked is gone
    return data


def _answer(request: dict[str, Any], data: bytes) -> str:
    file = SourceFile(*request["file"])
    module, name = request["function"]
    try:
        read = reduce(getattr, name.split("."), import_module(module))
        parsed: Parsed = read(file, data)  # type: ignore[operator]
        found = {
            "documents": [
                [
                    document.text,
                    document.id,
                    document.metadata,
                    document.excluded_embed_metadata_keys,
                    document.excluded_llm_metadata_keys,
                ]
                for document in parsed.documents
            ],
            "errors": [_told(error, file) for error in parsed.errors],
            "notes": parsed.notes,
        }
        return json.dumps(found, allow_nan=False)
    except ReadError as error:
        return json.dumps({"refused": _told(error, file)})
    except MemoryError:
        return json.dumps({"refused": ["it takes too much memory to read", ""]})
    except Exception as error:  # a parser's defect must not stop the other files
        return json.dumps({"defect": f"{type(error).__name__}: {shorten(error, 200)}"})


def _told(error: ReadError, file: SourceFile) -> list[str]:
    return [error.message.removeprefix(f"{shorten(file.source, 200)}: "), error.fix]


def _hold_to(memory: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = memory if most == resource.RLIM_INFINITY else min(memory, most)
    with suppress(OSError, ValueError):  # not every system has such a limit
        resource.setrlimit(resource.RLIMIT_AS, (limit, most))
