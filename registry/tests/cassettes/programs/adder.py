"""Adds calls to a cassette until it is killed, or has added as many as it was told to.

Arguments: the cassette, a name that tells this process's questions apart, how many.
"""

import itertools
import sys
from pathlib import Path

from retrieverkit import cassette
from retrieverkit.discovery import Discovery
from retrieverkit.services import IndexServices
from retrieverkit_core import Prompt, Reply


class Model:
    name = "counting"

    def ask(self, prompt):
        return Reply(prompt.system.upper() * 50)


path, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
llm = IndexServices(Discovery(), path.parent, None, Model()).llm()
with cassette(path, "auto"):
    for n in itertools.count() if count < 0 else range(count):
        llm.ask(Prompt(f"{name} {n}"))
        if n == 20:
            print("going", flush=True)
