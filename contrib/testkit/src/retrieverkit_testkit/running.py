"""Running the checks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from time import perf_counter
from typing import Any

from retrieverkit_core.errors import ConfigError, RetrieverKitError, near_matches, shorten
from retrieverkit_core.spec import RetrieverSpec
from retrieverkit_testkit.capabilities import DEFAULT, Capability
from retrieverkit_testkit.checking import Check, all_checks
from retrieverkit_testkit.process_state import watched
from retrieverkit_testkit.results import CheckResult, Outcome, Report
from retrieverkit_testkit.sources import answered_elsewhere
from retrieverkit_testkit.subjects import Factory, ModeSubject, Subject, subject_of
from retrieverkit_testkit.verdicts import CheckFailed, NothingToCheck

TIME_LIMIT = 500.0
"""Seconds after which a check that does not end has failed; more where a call takes long. Most take less than one."""

_CALLS = 400
"""A check may take as long as so many calls."""

_MEASURING = 30.0


def check_retriever(
    factory: Factory | ModeSubject | str | RetrieverSpec | Mapping[str, Any],
    *,
    capabilities: Iterable[Capability | str] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    quick: bool = False,
    only: Collection[str] | None = None,
    on_result: Callable[[CheckResult], object] | None = None,
) -> Report:
    """Check that a retriever keeps the contract. No test runner is needed.

    It takes up to two minutes, and a quick run up to twenty seconds; where a call takes long there are fewer of them.

    Args:
        factory: A mode string, a spec or `for_mode`, and the kit makes the indexes; or a function that takes
            documents and returns a new retriever over them, each time it is called.
        capabilities: What the retriever can do; checks of anything else are skipped. None for deterministic and
            ranks-by-query. What can be seen is not declared: scores, filters, and that a mode keeps an index.
        expected_failures: Why a check is known to fail, by its name. One that passes after all is reported.
        quick: Use few examples, and start no other processes.
        only: The names of the checks to run; None for all.
        on_result: Called after each check with what came of it, to show progress.

    Returns:
        One result a check, in a list that also knows what was checked.

    Raises:
        ConfigError: The factory makes no retriever, or there is no capability or check of a name.
        PluginError: The mode's plugin is broken.
    """
    declared = checked_capabilities(capabilities)
    expected = checked_failures(expected_failures or {})
    chosen = None if only is None else checked_names(only)
    if answered_elsewhere(factory):
        return Report(quick=quick)
    subject = subject_of(factory)
    subject.quick = quick
    measure(subject)
    report = new_report(subject, declared, quick)
    with closing(subject):
        for check in all_checks():
            if chosen is None or check.name in chosen:
                report.append(run(check, subject, declared, expected.get(check.name)))
                if on_result is not None:
                    on_result(report[-1])
    return report


def run(check: Check, subject: Subject, declared: frozenset[Capability], expected: str | None = None) -> CheckResult:
    """Run one check.

    Args:
        check: The check.
        subject: What is checked.
        declared: What is declared of it.
        expected: Why it is known to fail, or None.
    """
    started = perf_counter()
    subject.declared = declared
    why = _why_not(check, subject, declared)
    with quiet_logs():
        outcome, reason = (Outcome.SKIPPED, why) if why else _within_limit(check, subject)
    if expected is not None and outcome is Outcome.FAILED:
        outcome, reason = Outcome.EXPECTED_FAILURE, f"{expected} ({reason})"
    elif expected is not None and outcome is Outcome.PASSED:
        outcome, reason = Outcome.UNEXPECTED_PASS, f"it was expected to fail: {expected}"
    return CheckResult(check.name, outcome, reason, perf_counter() - started, check.mend)


def measure(subject: Subject) -> None:
    """See how long a call takes; what is wrong with one, or never ends, the checks say."""

    def work() -> None:
        with suppress(BaseException):
            subject.measure()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(min(TIME_LIMIT, _MEASURING))


def new_report(subject: Subject, declared: frozenset[Capability], quick: bool) -> Report:
    """Return a report without results yet."""
    report = Report(subject=subject.label, capabilities=tuple(sorted(declared)), quick=quick)
    if isinstance(subject, ModeSubject):
        claim = subject.plugin.claim
        report.mode, report.distribution, report.version = subject.spec.mode, claim.distribution, claim.version
    return report


def checked_capabilities(given: Iterable[Capability | str] | None) -> frozenset[Capability]:
    """Return capabilities by their names.

    Raises:
        ConfigError: There is none by a name.
    """
    if given is None:
        return DEFAULT
    if isinstance(given, str):
        given = [given]
    known = [each.value for each in Capability]
    for name in (given := list(given)):
        if name not in known:
            raise ConfigError(f"there is no capability {shorten(name)!r}", fix=_meant(name, known))
    return frozenset(map(Capability, given))


def checked_names(names: Iterable[str]) -> frozenset[str]:
    """Return names of checks.

    Raises:
        ConfigError: There is no check of a name.
    """
    if isinstance(names, str):
        names = [names]
    names = list(names)
    known = [check.name for check in all_checks()]
    for name in names:
        if name not in known:
            raise ConfigError(f"there is no check {shorten(name)!r}", fix=_meant(name, known))
    return frozenset(names)


def checked_failures(given: Mapping[str, str]) -> dict[str, str]:
    """Return why checks are known to fail, by their names.

    Raises:
        ConfigError: There is no check of a name, or no reason is given.
    """
    if not isinstance(given, Mapping):
        raise ConfigError("expected failures are given without reasons", fix="write {name of the check: reason}")
    checked_names(given)
    for name, reason in given.items():
        if not isinstance(reason, str) or not reason.strip():
            raise ConfigError(f"the expected failure of {name!r} has no reason", fix="say why it is known to fail")
    return dict(given)


def _meant(name: object, known: list[str]) -> str:
    near = near_matches(str(name), known)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are: {', '.join(known)}"


def _why_not(check: Check, subject: Subject, declared: frozenset[Capability]) -> str:
    for capability in sorted(check.requires - declared):
        return f"capability {capability.value} is not declared"
    for trait in check.needs:
        if trait not in subject.traits:
            return trait.value
    return "a quick run leaves it out" if check.thorough and subject.quick else ""


@contextmanager
def quiet_logs() -> Iterator[None]:
    """Keep what the checks provoke, such as rebuilt indexes and failing observers, off the terminal."""
    before = logging.lastResort
    logging.lastResort = logging.NullHandler()
    try:
        yield
    finally:
        logging.lastResort = before


def _within_limit(check: Check, subject: Subject) -> tuple[Outcome, str]:
    """Run a check in a thread of its own, so that a retriever that hangs does not hang the kit."""
    ended: list[tuple[Outcome, str]] = []
    thread = threading.Thread(target=lambda: ended.append(_ending(check, subject)), name=check.name, daemon=True)
    limit = max(TIME_LIMIT, _CALLS * subject.pace)
    with watched() as seen:
        thread.start()
        thread.join(limit)
    if not ended:
        return Outcome.FAILED, f"it did not end within {limit:g} s"
    if seen.problems and ended[0][0] is Outcome.PASSED:
        return Outcome.FAILED, f"{'; '.join(seen.problems)}. Leave the process as it is: other code runs in it too."
    return ended[0]


def _ending(check: Check, subject: Subject) -> tuple[Outcome, str]:
    try:
        return Outcome.PASSED, check.function(subject) or ""
    except NothingToCheck as reason:
        return Outcome.SKIPPED, str(reason)
    except CheckFailed as problem:
        return Outcome.FAILED, str(problem)
    except RetrieverKitError as error:  # its fix is written for users: an author is told how to mend by the check
        return Outcome.FAILED, f"{type(error).__name__}: {shorten(error.message, 500)}"
    except BaseException as error:  # a retriever may raise anything, SystemExit too
        return Outcome.FAILED, f"{type(error).__name__}: {shorten(error, 500)}"
