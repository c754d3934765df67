"""Functions run as somebody whom permissions bind."""

import json
import os

import pytest


@pytest.fixture
def bound(obey_permissions):
    """Runs a function in a child that permissions bind, root included; returns what its result holds, as text."""
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")

    def run(function):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                obey_permissions()
                os.write(writing, json.dumps(_told(function())).encode())
            except BaseException as error:
                os.write(writing, json.dumps(repr(error)).encode())
            finally:
                os._exit(0)
        os.close(writing)
        with open(reading, "rb") as pipe:
            told = json.load(pipe)
        os.waitpid(child, 0)
        assert isinstance(told, dict), told
        return told

    return run


def _told(result):
    names = getattr(result, "__slots__", None) or vars(result)
    return {name: [str(getattr(each, "message", each)) for each in getattr(result, name)] for name in names}
