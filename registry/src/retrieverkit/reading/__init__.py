"""Files to documents, documents to nodes.

`find_files` walks folders, `plan_sync` says which files changed since the last time, `read_changed` parses
them one by one, and `split` cuts a document into nodes.

Nothing is dropped in silence: a file, line, row or page that cannot be read is a `ReadError` beside the
documents that could. The parsers of PDF and HTML and the splitter are imported when the first file needs
them.
"""

from retrieverkit.reading.finding import FileListing, Skipped, find_files
from retrieverkit.reading.ignoring import FileRules
from retrieverkit.reading.loading import MAX_FILE_BYTES, load_regular
from retrieverkit.reading.report import FileRead, read_changed, read_file
from retrieverkit.reading.splitting import CHUNK_SIZE, split
from retrieverkit.reading.sync import SyncPlan, plan_sync
from retrieverkit_core.readers import SourceFile

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
