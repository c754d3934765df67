"""A new plugin's package: named, checked, and written from templates."""

from __future__ import annotations

from retrieverkit.new_plugin.naming import Names, names_for
from retrieverkit.new_plugin.writing import write_package

__all__ = ["Names", "names_for", "write_package"]
