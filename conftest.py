"""What the tests of every package share: profiles of hypothesis, Ctrl-C, the collector of garbage, root's rights.

`HYPOTHESIS_PROFILE=full uv run pytest` asks for all examples, `few` for next to none; `ci`, the profile of nox, tries
the same examples in each run, so that what passed before a change fails because of it and not because of luck. No
profile has a deadline, as a test does not measure time. A test that needs more or fewer examples than the profile says
so as a factor: `max_examples=3 * settings.default.max_examples`.
"""

import ctypes
import gc
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

T = TypeVar("T")

_HEALTHY_ANYWAY = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)

settings.register_profile("dev", deadline=None, max_examples=20, suppress_health_check=_HEALTHY_ANYWAY)
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, print_blob=True)
settings.register_profile("few", settings.get_profile("ci"), max_examples=5)
settings.register_profile("full", settings.get_profile("dev"), max_examples=100, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "dev"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as for a job in the background: children would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave a test out that needs another package where that is not installed."""
    for mark in item.iter_markers("needs"):
        if find_spec(mark.args[0]) is None:
            pytest.skip(f"{mark.args[0]} is another package and not installed")


@pytest.fixture(scope="session")
def with_time() -> Callable[[float, Callable[[float], T]], T]:
    """Run what asserts who was in time, with so many seconds, and with more where the machine was too slow for those.

    For a deadline that something must miss, because it hangs, and something else must keep.
    """

    def run(seconds: float, check: Callable[[float], T]) -> T:
        for more in (1, 8):
            with suppress(Exception):
                return check(seconds * more)
        return check(seconds * 64)

    return run


_SAME_FOR_ALL_OPTIONS = {"stored", "package", "surroundings", "processes", "untouched", "apart", "cancelling"}
_THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "full"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the checks of one mode in one process, which makes the indexes that they share once.

    What another class checks of the same code is left to that, and to the profile `full`.
    """
    left_out = []
    for item in items:
        if "conformance_subject" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.rpartition("::")[0]))
        if not _THOROUGH and item.get_closest_marker("same_code"):
            check = item.callspec.params.get("check") if hasattr(item, "callspec") else None
            if check is not None and check.group in _SAME_FOR_ALL_OPTIONS:
                left_out.append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        gone = set(map(id, left_out))
        items[:] = [item for item in items if id(item) not in gone]


_TESTS_PER_FREEZE = 50
_ended = 0


def pytest_runtest_logfinish() -> None:
    """Spare the collector what modules and earlier tests keep for good: it took a third of the suite's time."""
    global _ended
    _ended += 1
    if _ended % _TESTS_PER_FREEZE == 0:
        gc.collect()
        gc.freeze()


_FILE_RIGHTS = {"CAP_DAC_OVERRIDE": 1, "CAP_DAC_READ_SEARCH": 2}
_PR_CAPBSET_DROP = 24
_CAPABILITY_VERSION_3 = 0x20080522


@pytest.fixture(scope="session")
def obey_permissions() -> Callable[[], None]:
    """A function for a child process: files' permissions then hold for it and for what it starts, also for root.

    Becoming another user would do too, but not where the checkout or Python itself is in a folder of root's alone.
    """
    if os.name != "posix":
        pytest.skip("the permissions of files are POSIX's")
    if os.geteuid() != 0:
        return lambda: None
    if not hasattr(os, "fork") or not os.path.exists("/proc/self/status"):
        pytest.skip("root's rights can be given up on Linux alone")
    libc = ctypes.CDLL(None, use_errno=True)

    def give_up() -> None:
        for number in _FILE_RIGHTS.values():  # what the child starts
            _checked(libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0))
        head = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        sets = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, twice 32 of each
        _checked(libc.capget(head, sets))
        mask = ~sum(1 << number for number in _FILE_RIGHTS.values())
        for at in range(3):
            sets[at] &= mask
        _checked(libc.capset(head, sets))

    return give_up


def _checked(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), "root's rights over files cannot be given up")
