"""Imports what an entry point names, in a thread and with a deadline, so that no plugin can take the rest down."""

from __future__ import annotations

import re
import sys
import threading
import traceback

from retrieverkit.discovery.claims import Claim
from retrieverkit.discovery.selection import BLOCK, LOAD_TIMEOUT, load_timeout
from retrieverkit_core.errors import PluginLoadError, shorten
from retrieverkit_core.spec import normal_provider


class ClaimImport:
    """The import of one claim's object: done once, waited for by everyone who asks, tried again after a failure."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._finished = threading.Event()
        self._overdue = False
        self._object: object = claim.registered
        self._error: BaseException | None = None

    def result(self) -> object:
        """Return the object.

        Raises:
            PluginLoadError: The import failed or did not end in time; the cause is chained.
            ConfigError: ``RETRIEVERKIT_LOAD_TIMEOUT`` cannot be read.
        """
        with self._lock:
            if self._object is None:
                self._import(load_timeout())
            return self._object

    def _import(self, seconds: float) -> None:
        if self._thread is None or self._finished.is_set():
            self._start(in_thread=seconds > 0)
        if not self._finished.wait(0 if self._overdue else seconds):
            self._overdue = True
            raise _overdue(self.claim, self._thread, seconds)
        if isinstance(self._error, KeyboardInterrupt):
            raise self._error
        if self._error is not None:
            raise _load_error(self.claim, self._error) from self._error
        if self._object is None:
            raise PluginLoadError(
                f"{self.claim.described} does not load: {self.claim.value} is None",
                mode=self.claim.name,
                distribution=self.claim.label,
                fix="the entry point must name the plugin object",
            )

    def _start(self, *, in_thread: bool) -> None:
        self._finished.clear()
        self._overdue, self._error = False, None
        self._thread = threading.Thread(target=self._run, name=f"import of {self.claim.value}", daemon=True)
        if in_thread:
            self._thread.start()
        else:
            self._run()

    def _run(self) -> None:
        try:
            self._object = self.claim.entry_point.load()
        except BaseException as error:  # SystemExit too: a plugin must not end the program
            self._error = error
        finally:
            self._finished.set()


def _load_error(claim: Claim, cause: BaseException) -> PluginLoadError:
    told = f"{type(cause).__name__}: {shorten(cause, 300)}".rstrip(": ")
    return PluginLoadError(
        f"{claim.described} does not load: {told}", mode=claim.name, distribution=claim.label, fix=_fix(claim, cause)
    )


def _fix(claim: Claim, cause: BaseException) -> str:
    if claim.source is None or not isinstance(cause, ImportError):
        return f"mend or update {claim.distribution}; 'retriever doctor' shows the cause; {BLOCK} switches it off"
    missing = normal_provider((cause.name or "").partition(".")[0])
    for requirement in claim.source.requires or ():
        required = re.match(r"[A-Za-z0-9._-]+", requirement)
        if required and normal_provider(required.group()) == missing:
            return f"pip install '{requirement.partition(';')[0].strip()}'"
    return f"pip install --force-reinstall {claim.distribution}"


def _overdue(claim: Claim, thread: threading.Thread | None, seconds: float) -> PluginLoadError:
    frame = sys._current_frames().get(thread.ident or 0) if thread is not None else None
    at = traceback.extract_stack(frame)[-1] if frame is not None else None
    where = f", it is at {at.filename}:{at.lineno}" if at is not None else ""
    error = PluginLoadError(
        f"{claim.described} does not load: the import did not end within {seconds:g} s{where}",
        mode=claim.name,
        distribution=claim.label,
        fix=f"set {BLOCK}={claim.distribution}, or if the plugin is only slow, a larger {LOAD_TIMEOUT}",
    )
    error.__cause__ = TimeoutError(f"import of {claim.value}")
    return error
