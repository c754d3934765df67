"""The public face of each package: `__all__` is true, complete in its docs, and cheap to import."""

import importlib
import inspect
import subprocess
import sys

import pytest
from workspace import PACKAGES, PLUGINS

HEAVY = {"Stemmer", "numpy", "pypdf", "selectolax", "tantivy", "typer", "yaml"}


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_public_names_exist_once_and_are_documented(package):
    module = importlib.import_module(package.module)
    assert module.__doc__
    names = getattr(module, "__all__", [])
    assert len(names) == len(set(names))
    undocumented = []
    for name in names:
        value = getattr(module, name)
        if (inspect.isclass(value) or inspect.isfunction(value)) and not documented(value):
            undocumented.append(name)
    assert undocumented == []


def documented(value: object) -> bool:
    """Tell whether a class or function has words of its own; a dataclass otherwise repeats its signature."""
    text = value.__doc__ or ""
    return bool(text) and not text.startswith(f"{value.__name__}(")


@pytest.mark.parametrize("statement", ["from retrieverkit import Index", "import retrieverkit_core"])
def test_the_import_is_light(statement):
    unwanted = HEAVY | {plugin.module for plugin in PLUGINS}
    program = f"import sys\n{statement}\nprint(*sorted(set(sys.modules) & {unwanted!r}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, done.stdout.split()) == (0, "", [])


def test_errors_are_imported_without_the_rest_of_the_contract():
    program = (
        "import sys, retrieverkit_core.errors, retrieverkit_core.spec; from retrieverkit_core import markers; "
        "assert 'pydantic' not in sys.modules; from retrieverkit_core import *; BaseRetriever, RetrieverSpec"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
