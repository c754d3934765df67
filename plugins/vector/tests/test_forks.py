"""Children of a process whose other threads write and rebuild."""

import threading

import pytest

from retrieverkit import Document, Index
from retrieverkit_testkit.children import can_fork, in_child

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(200),
    pytest.mark.skipif(not can_fork(), reason="there is no fork on this system"),
]


def test_children_answer_while_other_threads_fit_their_model_and_the_threads_go_on(tmp_path):
    mode = "vector(embedding='lsa')"
    with Index.create(tmp_path / "index") as index:
        index.add(
            [
                Document(f"shared word{n % 97} text{n} of kind{n % 13} and more{n * n % 1009}", id=f"d{n}")
                for n in range(120)
            ]
        )
        retriever = index.as_retriever(mode)
        retriever.retrieve("shared")
        stop = threading.Event()

        def write(name):
            turn = 0
            while not stop.is_set():
                turn += 1
                index.add([Document(f"shared text of turn {turn}", id=f"{name}{turn % 20}")])
                retriever.retrieve("shared turn")

        def ask():
            stop.set()  # the child's own
            assert retriever.retrieve("shared text")

        threads = [threading.Thread(target=write, args=(name,), daemon=True) for name in "ab"]
        for thread in threads:
            thread.start()
        statuses = [in_child(ask) for _ in range(4)]
        stop.set()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads), "a thread of the parent waits for ever"
        assert statuses == [0] * 4
