"""Forks while threads of the parent write and read: each child must be able to do both."""

import os
import signal
import sys
import threading

from retrieverkit.corpus import SQLiteCorpus
from retrieverkit_core.nodes import Document, Node

CHILDREN = 12
corpus = SQLiteCorpus.open(sys.argv[1])
begun = [threading.Event() for _ in range(4)]
done = threading.Event()


def add(doc_id, text):
    corpus.replace([(Document(text, doc_id), [Node(text, doc_id)])])


def write(number):
    turn = 0
    while not done.is_set():
        add(f"w{number}-{turn % 9}", f"{turn}")
        turn += 1
        begun[number].set()


def read(number):
    while not done.is_set():
        corpus.fetch(range(1, 40))
        with corpus.snapshot() as view:
            assert len(list(view.nodes())) == view.count()
        begun[number].set()


def child(number):
    signal.alarm(40)
    add(f"child {number}", "text")
    assert corpus.fetch(range(1, 5)) is not None
    with corpus.snapshot() as view:
        assert f"child {number}" in {stored.node.id for stored in view.nodes()}


threads = [threading.Thread(target=target, args=(n,)) for n, target in enumerate((write, write, read, read))]
for thread in threads:
    thread.start()
for event in begun:
    event.wait()
codes = []
for number in range(CHILDREN):
    pid = os.fork()
    if not pid:
        code = 1
        try:
            child(number)
            code = 0
        finally:
            os._exit(code)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
done.set()
for thread in threads:
    thread.join()
print(codes)
assert codes == [0] * CHILDREN
assert {f"child {number}" for number in range(CHILDREN)} <= set(corpus.document_ids())
assert corpus.check() == []
