"""What a new process takes to import each library, in processor time; Python's own start is part of each.

Bytecode is compiled before the clock starts, by the first call, as it is wherever a library is used twice.
"""

import subprocess
import sys
from functools import partial
from pathlib import Path

import processes
from contest import Contender, Promise

TITLE = "A new process that imports the library"
UNIT = "ms"
DISTRIBUTIONS = ("retrieverkit", "llama-index-core", "langchain-core", "haystack-ai", "numpy")
BUILDS = False
AGREEMENT_WITH = None
PROMISES = (Promise("LlamaIndex", 0.15),)


def prepare(folder: Path, scale: float) -> str:
    return "processor time of user and system; bytecode compiled before"


class Import(Contender):
    clock = staticmethod(processes.cpu_of_children)

    def __init__(self, folder: Path, statement: str) -> None:
        super().__init__(folder)
        self.statement = statement

    def call(self, turn: int) -> object:
        environment = processes.environment(self.folder)
        subprocess.run([sys.executable, "-c", self.statement], cwd=self.folder, env=environment, check=True)


CONTENDERS = {
    name: partial(Import, statement=statement)
    for name, statement in {
        "RetrieverKit": "from retrieverkit import Index",
        "LlamaIndex": "import llama_index.core",
        "LangChain": "import langchain_core.retrievers",
        "Haystack": "import haystack",
        "numpy": "import numpy",
        "Python alone": "pass",
    }.items()
}
