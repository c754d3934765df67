"""Products of matrices beside forks."""

import os
import threading

import pytest

from retrieverkit_indexing.forks import no_fork

np = pytest.importorskip("numpy")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")


def fork():
    """Fork a child that takes part in what its parent is at, and return its status."""
    child = os.fork()
    if child == 0:
        with no_fork:
            found = np.linalg.eigvalsh(np.eye(200))
        os._exit(0 if found.sum() == pytest.approx(200) else 1)
    return os.waitpid(child, 0)[1]


@pytest.mark.timeout(120)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_products_go_on_beside_forks_in_the_parent_and_the_child():
    table = np.random.default_rng(1).random((200, 200))
    stop = threading.Event()
    begun = threading.Barrier(3)

    def work():
        begun.wait()
        while not stop.is_set():
            with no_fork:
                np.linalg.eigh(table @ table.T)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    begun.wait()
    assert [fork() for _ in range(6)] == [0] * 6
    stop.set()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads), "a product never ends"


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_waits_no_longer_than_it_has_patience(monkeypatch):
    monkeypatch.setattr("retrieverkit_indexing.forks._PATIENCE", 0.01)
    with no_fork:
        assert fork() == 0
    with no_fork:
        pass
