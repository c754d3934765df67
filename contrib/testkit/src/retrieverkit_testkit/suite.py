"""The checks as a pytest class, for the test file of a plugin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import pytest

from retrieverkit_core.errors import ConfigError
from retrieverkit_testkit.capabilities import Capability
from retrieverkit_testkit.checking import Check, all_checks
from retrieverkit_testkit.results import Outcome
from retrieverkit_testkit.running import checked_capabilities, checked_failures, measure, run
from retrieverkit_testkit.subjects import Subject, subject_of

NAMED: Any = object()
"""The mode that the command line names."""


class RetrieverConformance:
    """Every check as a test. Subclass it, name it ``Test...``, and say what is to be checked.

    Attributes:
        retriever_mode: The mode, as a mode string, a spec, a dict or `for_mode`; or
        factory: a static method that takes documents and returns a new retriever over them.
        capabilities: What the retriever can do; None for deterministic and ranks-by-query.
        expected_failures: Why a check is known to fail, by its name. It fails the test when it passes after all.
        quick: Whether to use few examples and start no other processes, as ``--quick-conformance`` does for all.
    """

    retriever_mode: ClassVar[Any] = None
    factory: ClassVar[Any] = None
    capabilities: ClassVar[Iterable[Capability | str] | None] = None
    expected_failures: ClassVar[Mapping[str, str]] = {}
    quick: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "test_check" in cls.__dict__:
            raise ConfigError(
                f"{cls.__name__} overrides test_check, so nothing of it is checked",
                fix="remove it; what is known to fail goes into expected_failures, with its reason",
            )

    @pytest.mark.parametrize("check", [pytest.param(check, id=check.name) for check in all_checks()])
    def test_check(self, check: Check, conformance_subject: tuple[Subject, frozenset[Capability]]) -> None:
        """Run one check."""
        subject, declared = conformance_subject
        result = run(check, subject, declared, self.expected_failures.get(check.name))
        if result.outcome is Outcome.SKIPPED:
            pytest.skip(result.reason)
        if result.outcome is Outcome.EXPECTED_FAILURE:
            pytest.xfail(result.reason)
        if not result.ok:
            told = f"{check.name}: {result.reason}\n\n{check.promise}\n\nTo mend: {result.mend}"
            pytest.fail(told, pytrace=False)


def prepared(suite: type[RetrieverConformance], config: pytest.Config) -> tuple[Subject, frozenset[Capability]]:
    """Return what a suite checks, built once, and what is declared of it.

    Raises:
        ConfigError: The suite says nothing that can be checked.
        PluginError: It names a mode whose plugin is broken.
    """
    mode, capabilities = suite.retriever_mode, suite.capabilities
    if mode is NAMED:
        mode, listed = config.getoption("--retriever-mode"), config.getoption("--retriever-capabilities")
        capabilities = None if listed is None else [name.strip() for name in listed.split(",") if name.strip()]
    if (mode is None) == (suite.factory is None):
        found = "neither a retriever_mode nor" if mode is None else "both a retriever_mode and"
        raise ConfigError(f"{suite.__name__} has {found} a factory", fix="give one of the two")
    declared = checked_capabilities(capabilities)
    checked_failures(suite.expected_failures)
    subject = subject_of(suite.factory if mode is None else mode)
    measure(subject)
    subject.quick = suite.quick or config.getoption("--quick-conformance")
    return subject, declared
