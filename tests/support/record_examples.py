"""Records the cassettes in docs/examples, from a server of the testkit that answers as this file says.

`python tests/support/record_examples.py` records all of them again; with names of pages, those of these pages. A page's
commands are run as they stand, up to the last that has a cassette, but with everything installed.
"""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import docs_runner
from docs_pages import EXAMPLES, PAGES, Page

from retrieverkit_testkit.model_requests import ModelRequest
from retrieverkit_testkit.model_server import ModelServer

CASSETTE = re.compile(r"--cassette (\S+)")
SPEC = "openai(model='scripted', base_url='{url}', api_key_env=None)"
COMMAND = "python tests/support/record_examples.py"


def chosen(request: ModelRequest, words: str) -> dict[str, object]:
    """Choose the documents that have some words."""
    texts = [shown.removeprefix("Document ").split(":\n", 1) for shown in request.data[1:]]
    return {"chosen": [{"label": label, "relevance": 9} for label, text in texts if words in text]}


def summed_up(request: ModelRequest) -> object:
    """Sum a document up, or choose the diary by its summary."""
    if request.schema is not None:
        return chosen(request, "day by day")
    if "3 January" in " ".join(request.data):
        return "What happened in the mill, day by day: frost, flood, drought, repairs."
    return "Rules for the wheel, the gate, the stones, the bearings, and for fire."


ANSWERS: dict[str, Callable[[ModelRequest], object]] = {
    "films/names.jsonl": lambda request: {"names": ["Peter Quill", "Star-Lord", "Starlord"]},
    "mill/chosen.jsonl": lambda request: chosen(request, "grease"),
    "mill/summaries.jsonl": summed_up,
    "mill/wordings.jsonl": lambda request: "squealing bearing\nthe shaft is too loud\nwhen was a bearing greased",
}
"""What the stand-in for a model answers, by the cassette."""


def record(page: Page) -> None:
    """Record the cassettes that a page's commands name."""
    commands = [
        command
        for block in page.blocks
        if block.language == "console"
        for command, _ in docs_runner.commands(block)
        if command.startswith("retriever ")
    ]
    while not CASSETTE.search(commands[-1]):
        commands.pop()
    names = sorted({name for command in commands for name in CASSETTE.findall(command)})
    with tempfile.TemporaryDirectory(prefix="retrieverkit-record-") as folder:
        place = Path(folder, "work")
        for example in page.examples:
            shutil.copytree(example, place / example.name)
        for name in names:
            (place / name).unlink(missing_ok=True)
        os.chdir(place)
        for command in commands:
            answer = next((ANSWERS[name] for name in CASSETTE.findall(command)), lambda request: "yes")
            with ModelServer(answer) as server:
                spec = SPEC.format(url=server.url)
                environment = {**docs_runner.environment(Path(folder)), "RETRIEVERKIT_LLM": spec}
                code, printed = docs_runner.run_command(command, environment)
                if code:
                    raise RuntimeError(f"{command}\n{printed}")
                for name in CASSETTE.findall(command):
                    text = Path(name).read_text(encoding="utf-8")
                    Path(name).write_text(text.replace(server.url, "http://localhost:8080/v1"), encoding="utf-8")
        for name in names:
            shutil.copy(place / name, EXAMPLES / name)
            print(f"docs/examples/{name}")
        os.chdir(EXAMPLES)


if __name__ == "__main__":
    for page in PAGES:
        if page.examples and CASSETTE.search(page.text) and (page.name in sys.argv[1:] or not sys.argv[1:]):
            record(page)
