"""The models of an index."""

import os
import threading

import pytest

from retrieverkit import services
from retrieverkit.discovery import Discovery
from retrieverkit.services import IndexServices
from retrieverkit_core.errors import ConfigError


class Slow:
    """A provider whose models take a while to make."""

    def __init__(self):
        self.made = 0
        self.begun, self.may_end = threading.Event(), threading.Event()

    def problem(self, options):
        return ""

    def make(self, options):
        self.made += 1
        self.begun.set()
        assert self.may_end.wait(30)
        return object()


@pytest.fixture
def slow(monkeypatch):
    provider = Slow()
    monkeypatch.setattr(IndexServices, "_provider", lambda self, group, spec: (provider, None))
    return provider


def test_many_threads_make_one_model(tmp_path, slow):
    made = IndexServices(Discovery(), tmp_path)
    got = []
    threads = [threading.Thread(target=lambda: got.append(made.embedding("slow")[1])) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert slow.begun.wait(30)
    slow.may_end.set()
    for thread in threads:
        thread.join()
    assert (slow.made, len(got), len(set(map(id, got)))) == (1, 8, 1)


def test_what_to_do_about_a_model_that_is_missing_is_the_fix(tmp_path, slow, monkeypatch):
    monkeypatch.setattr(slow, "problem", lambda options: "no weights; download them; or name a folder")
    with pytest.raises(ConfigError) as caught:
        IndexServices(Discovery(), tmp_path).embedding("slow")[1].dimensions
    assert (caught.value.message, caught.value.fix) == (
        "slow cannot be used: no weights",
        "download them; or name a folder",
    )


def test_what_is_only_read_remembers_no_choice(tmp_path, slow, monkeypatch):
    monkeypatch.delenv(services.EMBEDDING, raising=False)
    slow.may_end.set()
    IndexServices(Discovery(), tmp_path, read_only=True).embedding()
    assert os.listdir(tmp_path) == []
    IndexServices(Discovery(), tmp_path).embedding()
    assert os.listdir(tmp_path) == ["embedding"]


@pytest.mark.parametrize("kind", ["fifo", "folder", "not text"])
def test_something_else_in_the_place_of_the_remembered_choice(tmp_path, monkeypatch, kind):
    monkeypatch.delenv(services.EMBEDDING, raising=False)
    memory = tmp_path / "embedding"
    if kind == "fifo":
        os.mkfifo(memory)
    elif kind == "folder":
        memory.mkdir()
    else:
        memory.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        IndexServices(Discovery(), tmp_path).embedding()
    assert "remove it" in caught.value.fix
