"""Functions run as somebody whom permissions bind."""

import ctypes
import json
import os

import pytest

_CAPABILITY_VERSION = 0x20080522
_OVERRIDE, _READ_SEARCH = 1, 2


@pytest.fixture
def without_override():
    """Runs a function in a child that permissions bind, root included; returns what its result holds, as text.

    The child stays the same user, so it can import whatever this process can.
    """
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    if os.geteuid() == 0 and not hasattr(ctypes.CDLL(None), "capset"):
        pytest.skip("root reads everything here, and cannot give that up")

    def run(function):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                _give_up_override()
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


def _give_up_override():
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, twice 32 bits
    for call in ("capget", "capset"):
        sets[0] &= ~(1 << _OVERRIDE | 1 << _READ_SEARCH)
        sets[1] &= ~(1 << _OVERRIDE | 1 << _READ_SEARCH)
        if getattr(libc, call)(header, sets):
            raise OSError(ctypes.get_errno(), call)
