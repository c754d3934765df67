"""Files to documents, documents to nodes.

`find_files` walks folders, `plan_sync` says which files changed since the last time, `read_changed` parses
them one by one, and `split` cuts a document into nodes.

Nothing is dropped in silence: a file, line, row or page that cannot be read is a `ReadError` beside the
documents that could. The parsers of PDF and HTML and the splitter are imported when the first file needs
them. Importing this imports none of it: a search of an index reads no files.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieverkit.reading.finding import FileListing, Skipped, find_files
    from retrieverkit.reading.ignoring import FileRules
    from retrieverkit.reading.loading import MAX_FILE_BYTES, load_regular
    from retrieverkit.reading.report import FileRead, read_changed, read_file
    from retrieverkit.reading.splitting import CHUNK_SIZE, split
    from retrieverkit.reading.sync import SyncPlan, plan_sync
    from retrieverkit_core.readers import SourceFile

_MODULES = {
    "CHUNK_SIZE": "retrieverkit.reading.splitting",
    "FileListing": "retrieverkit.reading.finding",
    "FileRead": "retrieverkit.reading.report",
    "FileRules": "retrieverkit.reading.ignoring",
    "MAX_FILE_BYTES": "retrieverkit.reading.loading",
    "Skipped": "retrieverkit.reading.finding",
    "SourceFile": "retrieverkit_core.readers",
    "SyncPlan": "retrieverkit.reading.sync",
    "find_files": "retrieverkit.reading.finding",
    "load_regular": "retrieverkit.reading.loading",
    "plan_sync": "retrieverkit.reading.sync",
    "read_changed": "retrieverkit.reading.report",
    "read_file": "retrieverkit.reading.report",
    "split": "retrieverkit.reading.splitting",
}

__all__ = [
    "CHUNK_SIZE",
    "MAX_FILE_BYTES",
    "FileListing",
    "FileRead",
    "FileRules",
    "Skipped",
    "SourceFile",
    "SyncPlan",
    "find_files",
    "load_regular",
    "plan_sync",
    "read_changed",
    "read_file",
    "split",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
