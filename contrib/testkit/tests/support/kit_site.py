"""Installed distributions: a module, METADATA and entry_points.txt in a folder."""

import itertools

NUMBERS = itertools.count()

MODULE = """
from kit_modes import WordsPlugin
plugin = WordsPlugin()
"""


class Site:
    """A folder on ``sys.path`` to put distributions into."""

    def __init__(self, folder):
        self.folder = folder

    def add(self, source=MODULE, *, mode="words", requires="retrieverkit-core>=0.1,<0.2", name=None):
        """Install a distribution with one mode; return the name of its module."""
        number = next(NUMBERS)
        module, name = f"kit_fake_{number}", name or f"kit-fake-{number}"
        (self.folder / f"{module}.py").write_text(source)
        info = self.folder / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: {requires}\n"
        )
        (info / "entry_points.txt").write_text(f"[retrieverkit.modes]\n{mode} = {module}:plugin\n")
        return module
