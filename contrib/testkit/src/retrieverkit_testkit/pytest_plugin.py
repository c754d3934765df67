"""The pytest plugin: ``pytest --retriever-mode NAME`` checks an installed mode, with no test file to write.

Its fixture ``cassette`` replays the model calls of a test, and ``pytest --record-calls`` records them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from retrieverkit.cassettes import Cassette
    from retrieverkit_testkit.capabilities import Capability
    from retrieverkit_testkit.subjects import Subject

_LONGEST_NAME = 100
_SUITE = Path(__file__).with_name("installed_mode.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("retrieverkit")
    group.addoption("--retriever-mode", metavar="MODE", help="check a retriever mode: a name, or a mode string")
    group.addoption(
        "--retriever-capabilities",
        metavar="NAMES",
        help="what it can do, by commas: deterministic, ranks-by-query (the default), exhaustive, lexical",
    )
    group.addoption("--quick-conformance", action="store_true", help="few examples, and no other processes")
    group.addoption("--record-calls", action="store_true", help="record the model calls of tests that have a cassette")


def pytest_configure(config: pytest.Config) -> None:
    """Collect the checks where a mode is named, in place of the default folders, or beside the named ones."""
    if config.getoption("--retriever-mode"):
        named = config.args_source is pytest.Config.ArgsSource.ARGS
        config.args = [*(config.args if named else ()), str(_SUITE)]


def pytest_report_header(config: pytest.Config) -> str | None:
    """Tell which modes are seen, where one of them is checked."""
    if not config.getoption("--retriever-mode"):
        return None
    from retrieverkit.discovery import shared_discovery

    seen = ", ".join(f"{row.name} ({row.distribution} {row.version})" for row in shared_discovery().rows())
    return f"retriever modes: {seen or 'none is installed'}"


@pytest.fixture(scope="class")
def conformance_subject(request: pytest.FixtureRequest) -> Iterator[tuple[Subject, frozenset[Capability]]]:
    """Give a `RetrieverConformance` class what it checks, kept from check to check."""
    from retrieverkit_testkit.suite import prepared

    subject, declared = prepared(request.cls, request.config)
    yield subject, declared
    subject.close()


@pytest.fixture
def cassette(request: pytest.FixtureRequest) -> Iterator[Cassette]:
    """Replay the model calls of a test from ``cassettes/FILE/TEST.jsonl`` beside its file, or record them.

    Only `--record-calls` asks a model. A call that is not recorded fails the test, also where a mode made do without
    its answer.
    """
    from retrieverkit import cassette as opened

    path = cassette_path(request.node)
    recording = request.config.getoption("--record-calls")
    if not recording and not path.exists():
        pytest.fail(f"there is no cassette {path}: record it with pytest --record-calls", False)
    with opened(path, "record" if recording else "replay") as tape:
        yield tape
    if tape.missing:
        pytest.fail(f"the cassette lacks calls of this test ({len(tape.missing)}); the first: {tape.missing[0]}", False)


def cassette_path(test: pytest.Item) -> Path:
    """Return the file of a test's cassette. Names that a file cannot have are told apart by their checksum."""
    own = test.nodeid.partition("::")[2] or test.name
    plain = own.replace("::", "-").replace("[", "-").removesuffix("]")
    name = re.sub(r"[^\w.-]+", "-", plain)
    if name != plain or len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}-{hashlib.sha256(own.encode()).hexdigest()[:8]}"
    return test.path.parent / "cassettes" / test.path.stem / f"{name}.jsonl"
