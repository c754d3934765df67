"""Runs the blocks of one page as a reader would, from top to bottom, in the current folder.

- A block with a file name is written to that file.
- ``python`` blocks share one namespace. A ``text`` block behind one is what it prints, which may not be nothing; the
  last line of an error is printed too, where the block is marked ``<!-- raises: NameOfError -->``.
- Every ``except`` of a page must have caught something by its end: a page that shows how an error is handled shows one.
- In ``console`` blocks each line that starts with ``$ `` is a command (with the lines that continue it), and what
  stands below is its output; where nothing does, the output is not compared. Commands that install or need the
  repository itself are not run; but from ``pip install "retrieverkit[…]"`` on, the commands of a page run where that is
  installed and nothing else. A command must succeed, unless the block is marked ``<!-- exit: N -->``.
- The folders of docs/examples that a page links to are there, under their names. A block with the name of a file in one
  of them must be that file.
- Above a table, ``<!-- run column: TITLE -->`` has each inline code in that column run as a line of the page's Python.
- A block marked ``<!-- not run: reason -->`` is left alone.

Run as a program with a page's path, it prints as JSON what each block printed, or what went wrong.
"""

import ast
import contextlib
import io
import json
import os
import pty
import re
import shlex
import subprocess
import sys
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docs_environment
from docs_pages import Block, Page

_FROM_A_CLONE = "pip install uv && uv run "
_INSTALLED = 'pip install "retrieverkit['
_NOT_COMMANDS_OF_OURS = {"git", "nox", "pip", "python", "uv"}
_SECONDS = 300
_CAUGHT = "__caught__"


class BlockFailed(Exception):
    """A block did not do what the page says."""


def run_page(page: Page) -> dict[int, str]:
    """Return, by the number of the block, what each block with output printed."""
    caught: set[int] = set()
    namespace: dict[str, object] = {"__name__": "__main__", _CAUGHT: caught}
    handlers: set[int] = set()
    printed: dict[int, str] = {}
    shown_by = -1
    for number, block in enumerate(page.blocks):
        if "not run" in block.marks:
            shown_by = -1
            continue
        if block.file:
            _write(page, block)
        elif block.language == "python":
            tree = _NoteCaught(handlers).visit(ast.parse("\n" * (block.first + 1) + block.code))
            printed[number], shown_by = _run_python(page, block, tree, namespace), number
        elif block.language == "rows":
            _run_rows(page, block, namespace)
        elif block.language == "text" and shown_by >= 0:
            printed[number], shown_by = printed.pop(shown_by), -1
            if not printed[number].strip():
                raise BlockFailed(f"{page}:{block.first + 1} shows an output, but the block before it prints nothing")
        elif block.language == "console":
            printed[number], shown_by = _run_console(page, block), -1
    if unused := sorted(handlers - caught):
        raise BlockFailed(f"{page}:{unused[0]} `except` has caught nothing: the page shows no error")
    return {number: _tidy(text) for number, text in printed.items() if page.blocks[number].language != "python"}


def _write(page: Page, block: Block) -> None:
    file = Path(block.file)
    if file.exists() and file.parts[0] in (folder.name for folder in page.examples):
        if file.read_text(encoding="utf-8") != block.code:
            raise BlockFailed(f"{page}:{block.first + 1} is not docs/examples/{file}")
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(block.code, encoding="utf-8")


class _NoteCaught(ast.NodeTransformer):
    """Collects the lines of all handlers of errors, and has each of them note its line when it is entered."""

    def __init__(self, handlers: set[int]) -> None:
        self.handlers = handlers

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.ExceptHandler:
        self.generic_visit(node)
        self.handlers.add(node.lineno)
        node.body = [*ast.parse(f"{_CAUGHT}.add({node.lineno})").body, *node.body]
        return node


def _run_python(page: Page, block: Block, tree: ast.Module, namespace: dict[str, object]) -> str:
    code = compile(tree, str(page.path), "exec")
    awaited = block.marks.get("raises", "")
    raised = ""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        try:
            exec(code, namespace)
        except Exception as error:
            if type(error).__name__ != awaited:
                raise BlockFailed(f"{page}:{block.first + 1}\n{traceback.format_exc()}") from error
            raised = f"{awaited}: {error}\n"
    if awaited and not raised:
        raise BlockFailed(f"{page}:{block.first + 1} raises no {awaited}")
    return output.getvalue() + raised


def _run_rows(page: Page, block: Block, namespace: dict[str, object]) -> None:
    if not block.code:
        raise BlockFailed(f"{page}:{block.first + 1} has no code in the column {block.marks['run column']!r}")
    for line in block.code.splitlines():
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(line, namespace)
        except Exception as error:
            raise BlockFailed(f"{page}:{block.first + 1} `{line}`\n{traceback.format_exc()}") from error


def _run_console(page: Page, block: Block) -> str:
    shown = []
    for command, before in commands(block):
        shown.append(f"$ {command}\n")
        runnable = command.removeprefix(_FROM_A_CLONE)
        if runnable.startswith(_INSTALLED):
            folder = Path(tempfile.mkdtemp(prefix="environment-", dir=Path.cwd().parent))
            commands_there = docs_environment.make(shlex.split(runnable)[2:], folder, Path.cwd())
            os.environ["PATH"] = f"{commands_there}{os.pathsep}{os.environ['PATH']}"
        if runnable.split()[0] in _NOT_COMMANDS_OF_OURS:
            shown.append(before)
            continue
        code, output = run_command(runnable)
        if code != int(block.marks.get("exit", "0")):
            raise BlockFailed(f"{page}:{block.first + 1} `{command}` ended with {code}:\n{output}")
        if before.strip() or "exit" in block.marks:
            shown.append(output)
    return "".join(shown)


def run_command(command: str, environment: dict[str, str] | None = None) -> tuple[int, str]:
    """Return a command's exit code and what it writes to a terminal; progress bars are not shown."""
    terminal, end = pty.openpty()
    running = subprocess.Popen(
        ["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=end, stderr=subprocess.PIPE, env=environment
    )
    os.close(end)
    with ThreadPoolExecutor(1) as reader:
        written = reader.submit(_read_all, terminal)
        _, problems = running.communicate(timeout=_SECONDS)
        output = written.result()
    return running.returncode, (problems + output).decode().replace("\r\n", "\n")


def _read_all(terminal: int) -> bytes:
    parts = []
    with contextlib.suppress(OSError):  # Linux ends a terminal with an error
        while part := os.read(terminal, 65536):
            parts.append(part)
    os.close(terminal)
    return b"".join(parts)


def commands(block: Block) -> list[tuple[str, str]]:
    """Return each command of a console block, with the output that is shown for it."""
    parts = re.split(r"^\$ ", block.code, flags=re.MULTILINE)
    if parts[0].strip():
        raise BlockFailed(f"a console block begins with output: {parts[0]!r}")
    found = []
    for part in parts[1:]:
        lines = part.splitlines(keepends=True)
        length = 1
        while lines[length - 1].rstrip().endswith("\\"):
            length += 1
        found.append(("".join(lines[:length]).rstrip("\n"), "".join(lines[length:])))
    return found


def _tidy(text: str) -> str:
    text = text.replace(f"{Path.cwd()}/", "./").replace(str(Path.cwd()), ".")
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines()).strip("\n") + "\n"


def masked(text: str) -> str:
    """Return a printed text without what differs from run to run and from machine to machine."""
    text = re.sub(r"\b(?:0x)?[0-9a-f]{12,}\b", "0", text)
    text = re.sub(r"(in [\d.]+s) \(\d+:\d\d:\d\d\)", r"\1", text)  # so says pytest after a minute
    text = re.sub(r"\d+(?:[.,]\d+)*", "0", text)
    text = re.sub(r"\b0 (?:ms|s)\b", "0 s", text)
    return "\n".join(line for line in (re.sub(r"\s+", " ", line).strip() for line in text.splitlines()) if line)


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a reader who has installed everything and set nothing."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RETRIEVERKIT_", "PYTEST_"))}
    programs = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    home = str(folder / ".home")
    cache = {"HOME": home, "XDG_CACHE_HOME": f"{home}/cache", "COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}
    everywhere = {"RETRIEVERKIT_EMBEDDING": "lsa"}  # what is shown must not depend on weights that happen to be here
    return {**kept, **cache, **everywhere, "PATH": programs, "PYTHONIOENCODING": "utf-8", "PYTHONHASHSEED": "0"}


if __name__ == "__main__":
    sys.path.insert(0, "")  # as in an interactive session
    try:
        print(json.dumps(run_page(Page(Path(sys.argv[1])))))
    except BlockFailed as failure:
        print(failure, file=sys.stderr)
        sys.exit(1)
