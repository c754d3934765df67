"""Fake distributions on ``sys.path``: a folder with METADATA and entry_points.txt, and a module beside it."""

import itertools
import sys
import textwrap

import pytest

from retrieverkit.discovery import Discovery

PLUGIN = """
from retrieverkit_core.markers import hookimpl
from retrieverkit_core.plugin import ModeOptions, ModeSpec
from retrieverkit_core.retriever import BaseRetriever

class Nothing(BaseRetriever):
    def __init__(self, options, context):
        super().__init__()
        self.options, self.context = options, context

    def _retrieve(self, query_bundle):
        return []

class Plugin:
    spec = ModeSpec(name="MODE", summary="Finds nothing.")

    @hookimpl
    def make_retriever(self, options, context):
        return Nothing(options, context)

plugin = Plugin()
"""

NUMBERS = itertools.count()


class Site:
    """A folder on ``sys.path`` to put distributions into."""

    plugin = PLUGIN

    def __init__(self, folder):
        self.folder = folder

    def add(self, name, mode, source=PLUGIN, *, version="1.0", group="retrieverkit.modes", requires=(), value=None):
        """Install a distribution with one module and one entry point; return the module's name."""
        # A name of its own, because an import that never ends holds the lock of its module's name.
        module = f"fake_{next(NUMBERS)}_{name.replace('-', '_')}"
        (self.folder / f"{module}.py").write_text(textwrap.dedent(source).replace("MODE", mode))
        self.add_metadata(name, f"[{group}]\n{mode} = {value or f'{module}:plugin'}\n", version, requires)
        return module

    def add_metadata(self, name, entry_points, version="1.0", requires=()):
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"]
        lines += [f"Requires-Dist: {requirement}\n" for requirement in requires]
        (info / "METADATA").write_text("".join(lines))
        (info / "entry_points.txt").write_text(entry_points)
        return info


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on ``sys.path``; what is imported from it is forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    for name in ("PLUGINS", "BLOCK", "PREFER", "LOAD_TIMEOUT"):
        monkeypatch.delenv(f"RETRIEVERKIT_{name}", raising=False)
    yield Site(folder)
    for name in [name for name in sys.modules if name.startswith("fake_")]:
        del sys.modules[name]


@pytest.fixture
def discovery(site):
    """A discovery that has read nothing yet."""
    return Discovery()
