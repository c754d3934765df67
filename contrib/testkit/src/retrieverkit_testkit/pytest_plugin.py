"""The pytest plugin: ``pytest --retriever-mode NAME`` checks an installed mode, with no test file to write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from retrieverkit_testkit.capabilities import Capability
    from retrieverkit_testkit.subjects import Subject

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
