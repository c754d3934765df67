"""How much processor the command takes, from its start to its end, where bytecode is compiled."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import processes
import zipf
from contest import Contender

TITLE = "The command `retriever`: processor time from start to end"
UNIT = "ms"
DISTRIBUTIONS = ("retrieverkit", "retrieverkit-bm25", "retrieverkit-vector", "typer")
BUILDS = False
AGREEMENT_WITH = None
PROMISES = ()
DOCUMENTS = 2_000
PROGRAM = str(Path(sys.executable).with_name("retriever"))


def prepare(folder: Path, scale: float) -> str:
    from retrieverkit import Document, Index

    count = int(DOCUMENTS * scale)
    zipf.write(folder, count)
    with Index.create(folder / "notes.rk", embedding="lsa") as index:
        index.add(Document(id=str(i), text=text) for i, text in enumerate(zipf.read(folder, "corpus.txt")))
        index.retrieve("word", "hybrid")
    return f"processor time of user and system; bytecode compiled before; {count:,} documents for searches"


class Command(Contender):
    clock = staticmethod(processes.cpu_of_children)

    def __init__(self, folder: Path, *arguments: str, settings: dict[str, str] | None = None) -> None:
        super().__init__(folder)
        self.command = list(arguments)
        self.environment = processes.environment(folder) | (settings or {})

    def call(self, turn: int) -> object:
        done = subprocess.run(self.command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout


class Search(Command):
    """Searches for the words of a text that is there."""

    def __init__(self, folder: Path, mode: str) -> None:
        query = zipf.read(folder, "queries.txt")[0]
        super().__init__(folder, PROGRAM, "search", query, "--index", "notes.rk", "--mode", mode)


COMPLETION = {"_RETRIEVER_COMPLETE": "complete_bash", "COMP_WORDS": "retriever se", "COMP_CWORD": "1"}
CONTENDERS = {
    name: lambda folder, arguments=arguments, settings=settings: Command(folder, *arguments, settings=settings)
    for name, arguments, settings in (
        ("Python alone", (sys.executable, "-c", "pass"), None),
        ("retriever --version", (PROGRAM, "--version"), None),
        ("completion of a command", (PROGRAM,), COMPLETION),
        ("retriever modes", (PROGRAM, "modes"), None),
    )
}
CONTENDERS |= {f"retriever search, {mode}": partial(Search, mode=mode) for mode in ("bm25", "hybrid")}
