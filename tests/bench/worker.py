"""One contender's process: builds, then answers each line on standard input with one on standard output."""

import importlib
import json
import os
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import psutil


def main(row: str, name: str, folder: str) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    contender = importlib.import_module(f"rows.{row}").CONTENDERS[name](Path(folder))
    process = psutil.Process()
    before, start = process.memory_info().rss, perf_counter()
    contender.build()
    built = {"build": perf_counter() - start, "memory": (process.memory_info().rss - before) / 2**20}
    contender.before(0)
    contender.call(0)
    print(json.dumps(built), file=answers, flush=True)
    turn = 0
    for line in sys.stdin:
        order, amount = line.split()
        if order == "answers":
            answer = [contender.call(turn) for turn in range(int(amount))]
        elif order == "figures":
            answer = contender.figures()
        else:
            times = timed(contender, turn, float(amount))
            turn += len(times)
            answer = median(times)
        print(json.dumps(answer), file=answers, flush=True)


def timed(contender, turn: int, seconds: float) -> list[float]:
    call, clock = contender.call, contender.clock
    times = []
    end = perf_counter() + seconds
    while not times or perf_counter() < end:
        contender.before(turn + len(times))
        start = clock()
        call(turn + len(times))
        times.append(clock() - start)
    return times


if __name__ == "__main__":
    main(*sys.argv[1:])
