"""The distribution that ships the mode."""

from __future__ import annotations

import json
import re

from retrieverkit_core.query import QueryBundle
from retrieverkit_testkit.answering import run_python
from retrieverkit_testkit.answers import ids
from retrieverkit_testkit.capabilities import Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.library import SHARED
from retrieverkit_testkit.subjects import Subject
from retrieverkit_testkit.unsafe_code import unsafe
from retrieverkit_testkit.verdicts import ensure

_LISTING = """
import json, sys
from retrieverkit.discovery import Discovery
rows = Discovery().rows()
print(json.dumps({"modes": [row.name for row in rows], "loaded": sorted(sys.modules)}))
"""
_IMPORT = """
import contextlib, importlib, io, json, sys, threading, time
import retrieverkit_core.retriever, retrieverkit_core.plugin
threads, printed, started = threading.active_count(), io.StringIO(), time.perf_counter()
with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
    importlib.import_module(sys.argv[1])
seconds = time.perf_counter() - started
told = {"seconds": seconds, "printed": printed.getvalue(), "threads": threading.active_count() - threads}
print(json.dumps(told))
"""


@check()
def check_nothing_is_unpickled_or_evaluated(subject: Subject) -> None:
    """The author's code neither pickles nor evaluates: no pickle, joblib or torch.load, no eval, no unsafe YAML.

    To mend: write JSON, safetensors or raw bytes; read YAML by ``yaml.safe_load`` and literals by ``ast``.
    """
    found = [f"{path.name}:{line} {what}" for path in subject.sources() for line, what in unsafe(path)]
    ensure(not found, f"unsafe code: {', '.join(found[:5])}")


@check(needs=(Trait.MODE, Trait.INSTALLED), thorough=True)
def check_listing_modes_does_not_import_it(subject: Subject) -> None:
    """``retriever modes`` knows the mode without importing its plugin.

    To mend: have no ``.pth`` file, and import nothing of yours from a module that others load.
    """
    told = json.loads(run_python(["-c", _LISTING]))
    ensure(subject.mode.spec.mode in told["modes"], "the mode is not listed")
    package = subject.mode.plugin.claim.value.partition(":")[0].partition(".")[0]
    loaded = [name for name in told["loaded"] if name.partition(".")[0] == package]
    ensure(not loaded, f"listing modes imports {', '.join(loaded[:3])}")


@check(needs=(Trait.MODE, Trait.INSTALLED), thorough=True)
def check_importing_it_is_quiet(subject: Subject) -> str:
    """Importing the plugin prints nothing and starts no threads. The time it takes is reported.

    To mend: do nothing at import; import heavy libraries where they are used.
    """
    module = subject.mode.plugin.claim.value.partition(":")[0]
    told = json.loads(run_python(["-c", _IMPORT, module]).splitlines()[-1])
    ensure(not told["printed"], f"importing {module} prints {told['printed'][:100]!r}")
    ensure(not told["threads"], f"importing {module} starts {told['threads']} threads")
    return f"imported in {told['seconds']:.3f} s"


@check(needs=(Trait.MODE, Trait.INSTALLED))
def check_its_requirements_leave_room(subject: Subject) -> None:
    """The distribution requires the core by a range, so that others can be installed beside it.

    To mend: write ``retrieverkit-core>=X,<Y`` into the dependencies, and never ``==``.
    """
    source = subject.mode.plugin.claim.source
    assert source is not None
    pattern = re.compile(r"(retrieverkit(?:-core)?)(?:\[[^]]*])?\s*\(?([^;]*)", re.IGNORECASE)
    read = [pattern.fullmatch(entry.partition(";")[0].strip()) for entry in source.requires or ()]
    required = {found[1].lower(): found[2] for found in read if found}
    ensure(required, "the distribution does not require retrieverkit-core")
    for name, versions in required.items():
        ensure("==" not in versions, f"the distribution requires {name}{versions}: nothing else fits beside it")
        ensure(">=" in versions and "<" in versions, f"the distribution requires {name}{versions}: that is not a range")


@check(needs=(Trait.MODE, Trait.INSTALLED))
def check_it_can_be_asked_for_by_distribution(subject: Subject) -> None:
    """``distribution:mode`` is the same mode, for when another distribution has one of that name.

    To mend: give the distribution a normal name, and one entry point for each mode.
    """
    mode = subject.mode
    written = mode.spec.to_obj()
    written["mode"] = f"{mode.plugin.claim.distribution}:{mode.spec.mode}"
    with subject.shelf() as trial:
        assert trial.index is not None
        expected = ids(trial.ask(SHARED, top_k=3))
        found = ids(trial.index.as_retriever(written).retrieve(QueryBundle(SHARED, top_k=3)))
        ensure(found == expected, f"{written['mode']} finds {found} instead of {expected}")
