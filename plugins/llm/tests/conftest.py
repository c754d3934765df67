"""What the tests of embeddings and of language models share: a key that must be shown nowhere."""

import logging

import pytest


@pytest.fixture
def key(monkeypatch):
    """A key, in the environment as TEST_KEY; no proxy is named there."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEST_KEY", "sk-very-secret/7c1f")
    return "sk-very-secret/7c1f"


@pytest.fixture
def key_is_nowhere(key, caplog, capfd):
    """Collect everything that is printed and logged, and see that the key is not in it, nor in what is given."""
    caplog.set_level(logging.DEBUG)

    def check(*things):
        printed = capfd.readouterr()
        logged = [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
        everything = "\n".join([printed.out, printed.err, *logged, *map(str, things), *map(repr, things)])
        assert key not in everything

    return check
