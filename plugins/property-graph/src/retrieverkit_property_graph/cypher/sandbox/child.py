"""What runs in the process of its own. It imports the standard library and ladybug, and nothing of RetrieverKit.

It makes the database of a folder from its CSV files, should there be none yet, opens it to read, gives up the right to
open or write any file, and answers queries: messages are JSON behind their length, on standard input and output.
"""

from __future__ import annotations

import json
import math
import os
import select
import signal
import struct
import sys
import threading
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

SEPARATOR = "\x1f"
"""Stands behind each text in a CSV file, and behind each element of a list, which has one character before it."""

MADE = "made"
"""A file that is there once the database is whole."""
GRAPH = "graph"
"""The file of the database."""

_READ = "(header=false, auto_detect=false, parallel=false, delim=',', quote='\"', escape='\"')"
_TABLES = (
    "CREATE NODE TABLE Entity(id INT64 PRIMARY KEY, name STRING, key STRING, labels STRING[], properties STRING[])",
    "CREATE NODE TABLE Node(id INT64 PRIMARY KEY)",
    "CREATE REL TABLE Relation(FROM Entity TO Entity, id INT64, label STRING, properties STRING[])",
    "CREATE REL TABLE MENTIONS(FROM Node TO Entity)",
)
_WARM = (
    "MATCH (n:Node)-[m:MENTIONS]->(e:Entity) RETURN n, m, e LIMIT 1",
    "MATCH p = (a:Entity)-[r:Relation*1..2]->(b:Entity) WHERE a.name =~ 'x' OR NOT b.key CONTAINS $w RETURN p LIMIT 1",
    "MATCH (a:Entity)-[r:Relation]->(b:Entity) WITH b, count(r) AS n ORDER BY n DESC LIMIT 1 RETURN b, n",
)
_TOLD = ("Parser exception", "Binder exception", "Catalog exception")
"""Errors that say what is wrong with a query, and nothing of the machine."""

_SOUND = ("IO exception", "Copy exception", "Connection exception", "Conversion exception", "Overflow exception")
"""Errors that are not told, after which the process is as it was. After any other it is not used again."""


def _text(column: str) -> str:
    return f"left({column}, cast(size({column}) - 1, 'INT64'))"


def _texts(count: str, column: str) -> str:
    split = f"list_slice(string_split({column}, '{SEPARATOR}'), 1, {count})"
    return f"list_transform({split}, x -> substr(x, 2, size(x)))"


def _copies(folder: Path) -> list[str]:
    """Return the statements that load the CSV files, in the order of their columns."""
    sources = {
        "Entity": (
            "(a INT64, b STRING, c STRING, n INT64, d STRING, m INT64, e STRING)",
            f"a, {_text('b')}, {_text('c')}, {_texts('n', 'd')}, {_texts('m', 'e')}",
        ),
        "Node": ("(a INT64)", "a"),
        "Relation": (
            "(f INT64, t INT64, a INT64, b STRING, m INT64, e STRING)",
            f"f, t, a, {_text('b')}, {_texts('m', 'e')}",
        ),
        "MENTIONS": ("(f INT64, t INT64)", "f, t"),
    }
    return [
        f"COPY {table} FROM (LOAD WITH HEADERS {columns} FROM '{_quoted(folder / table)}.csv' {_READ} RETURN {taken})"
        for table, (columns, taken) in sources.items()
        if (folder / f"{table}.csv").stat().st_size
    ]


def _quoted(path: Path) -> str:
    return path.as_posix().replace("\\", "\\\\").replace("'", "\\'")


def build(ladybug: Any, folder: Path, size: int) -> None:
    """Make the database, and remove what it was made from."""
    database = ladybug.Database(str(folder / GRAPH), max_num_threads=1, buffer_pool_size=256 << 20, max_db_size=size)
    connection = ladybug.Connection(database)
    for statement in (*_TABLES, *_copies(folder)):
        connection.execute(statement)
    connection.close()
    database.close()
    for path in folder.glob("*.csv"):
        path.unlink()
    (folder / MADE).touch()


def serve(ladybug: Any, folder: Path, size: int, memory: int, idle: float) -> None:
    """Answer queries until nobody asks for ``idle`` seconds, or the asking process is gone."""
    database = ladybug.Database(
        str(folder / GRAPH), read_only=True, max_num_threads=1, buffer_pool_size=256 << 20, max_db_size=size
    )
    connection = ladybug.Connection(database)
    for query in _WARM:
        connection.execute(query, {"w": "x"} if "$w" in query else {}).get_all()
    give_up_rights(memory)
    _send({"ready": True})
    while (asked := _received(idle)) is not None:
        _limit_time(asked["seconds"])
        _send(_answer(connection, asked))


def give_up_rights(memory: int) -> None:
    """Give up opening and writing files, and more memory than ``memory`` bytes; where there are no limits, nothing."""
    try:
        import resource
    except ImportError:  # Windows
        return
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    most = _address_space() + memory
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
        resource.setrlimit(limit, (0, 0))
    try:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    except (OSError, ValueError):  # a system that keeps to no limit of memory
        pass


def _address_space() -> int:
    """Return how many bytes of addresses the process has; where nobody says, more than it can have."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return 1 << 40


def _limit_time(seconds: float) -> None:
    """Have the system end the process after ``seconds`` of work more, should nobody else do it."""
    try:
        import resource
    except ImportError:
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(usage.ru_utime + usage.ru_stime + seconds) + 1, most))


def _answer(connection: Any, asked: dict[str, Any]) -> dict[str, Any]:
    try:
        result = connection.execute(asked["query"], asked["parameters"])
    except Exception as error:
        told = str(error).splitlines()[0]
        about_query = told.startswith(_TOLD)
        return {"error": told if about_query else "", "sound": about_query or told.startswith(_SOUND)}
    if isinstance(result, list):
        return {"error": "", "sound": True}
    rows: list[Any] = []
    size = 0
    try:
        while result.has_next():
            row = json.dumps([_inert(value) for value in result.get_next()], ensure_ascii=False)
            size += len(row)
            if len(rows) == asked["rows"] or size > asked["size"]:
                return {"columns": result.get_column_names(), "rows": rows, "more": True}
            rows.append(json.loads(row))
    except Exception:
        return {"error": "", "sound": False}
    return {"columns": result.get_column_names(), "rows": rows, "more": False}


def _inert(value: Any) -> Any:
    """Return a value as JSON has it."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (float, Decimal)):
        number = float(value)
        return number if math.isfinite(number) else str(value)
    if isinstance(value, dict):
        return {str(key): _inert(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_inert(each) for each in value]
    return str(value)


def _send(message: dict[str, Any]) -> None:
    content = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")
    sys.stdout.buffer.write(struct.pack("<I", len(content)) + content)
    sys.stdout.buffer.flush()


def _received(idle: float) -> dict[str, Any] | None:
    """Return the next message; None where there will be none, or there was none for ``idle`` seconds."""
    if os.name == "posix" and not select.select([sys.stdin.buffer], [], [], idle)[0]:
        return None
    head = sys.stdin.buffer.read(4)
    if len(head) < 4:
        return None
    (length,) = struct.unpack("<I", head)
    content = sys.stdin.buffer.read(length)
    if len(content) < length:
        return None
    message: dict[str, Any] = json.loads(content)
    return message


def _end_with_the_parent() -> None:
    """End as soon as the asking process is gone, also in the middle of a copy or a query."""
    if not hasattr(select, "poll"):
        return
    watch = select.poll()
    watch.register(sys.stdin.fileno(), 0)  # it is closed: nothing else is waited for

    def end() -> None:
        watch.poll()
        os._exit(0)

    threading.Thread(target=end, daemon=True).start()


def _leave_out_async() -> None:
    """Spare the process a third of its start: what ladybug has for event loops is not needed here."""
    module = ModuleType("ladybug.async_connection")
    module.AsyncConnection = None  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module


def main() -> None:
    """Do what the argument says."""
    asked = json.loads(sys.argv[1])
    sys.path.append(asked["ladybug"])
    folder = Path(asked["folder"])
    try:
        _leave_out_async()
        _end_with_the_parent()
        import ladybug

        if not (folder / MADE).exists():
            build(ladybug, folder, asked["size"])
    except Exception as error:
        _send({"failed": str(error).replace(str(folder), "…")[:300]})
        os._exit(1)
    serve(ladybug, folder, asked["size"], asked["memory"], asked["idle"])
    sys.stdout.flush()
    os._exit(0)  # closing a database that is only read has nothing to keep, and its destructors open files


if __name__ == "__main__":
    main()
