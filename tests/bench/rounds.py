"""Lets the contenders of a row take turns, each in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from types import ModuleType

from contest import OURS

COMPARED = 20


class Worker:
    """The process of one contender."""

    def __init__(self, row: str, name: str, folder: Path) -> None:
        program = [sys.executable, str(Path(__file__).with_name("worker.py")), row, name, str(folder)]
        self.process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.built = self._answer()
        self.rounds: list[float] = []

    def ask(self, order: str):
        print(order, file=self.process.stdin, flush=True)
        return self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise ChildProcessError(f"a contender ended with exit code {self.process.wait()}")
        return json.loads(line)

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def compete(name: str, row: ModuleType, folder: Path, rounds: int, seconds: float) -> dict:
    """Build every contender, give each `rounds` turns in turn, and return the figures by contender.

    A contender that cannot run is reported as such and does not stop the others.
    """
    workers: dict[str, Worker] = {}
    figures: dict[str, dict] = {}
    for contender in row.CONTENDERS:
        try:
            workers[contender] = Worker(name, contender, folder)
            print(f"{name}: {contender} is ready", workers[contender].built, flush=True)
        except ChildProcessError as error:
            print(f"{name}: {contender} cannot run", flush=True)
            figures[contender] = {"error": str(error)}
    try:
        for _ in range(rounds):
            for worker in workers.values():
                worker.rounds.append(worker.ask(f"round {seconds}"))
        model = workers[row.AGREEMENT_WITH].ask(f"answers {COMPARED}") if row.AGREEMENT_WITH else None
        for contender, worker in workers.items():
            figures[contender] = {
                "median": median(worker.rounds),
                "low": min(worker.rounds),
                "high": max(worker.rounds),
            }
            if row.BUILDS:
                figures[contender] |= worker.built
            if model:
                figures[contender]["agreement"] = overlap(worker.ask(f"answers {COMPARED}"), model)
            figures[contender] |= worker.ask("figures 0")
            if OURS in workers:
                pairs = zip(workers[OURS].rounds, worker.rounds, strict=True)
                figures[contender]["ratio"] = median(ours / theirs for ours, theirs in pairs)
    finally:
        for worker in workers.values():
            worker.stop()
    return figures


def overlap(answers: list[list], model: list[list]) -> float:
    """Return the mean share of the model's answers that are found."""
    return sum(len(set(a) & set(b)) / len(b) for a, b in zip(answers, model, strict=True)) / len(model)
