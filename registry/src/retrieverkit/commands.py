"""What a command of another package is made with, so that it speaks like those of ``retriever`` itself.

Such a command is an entry point of the group ``retrieverkit.commands``. Nothing heavy is imported with this module.
"""

from retrieverkit.cli.exit_codes import DONE, FAILED, PARTIAL, USAGE
from retrieverkit.cli.hits import failed_legs, source_text
from retrieverkit.cli.json_output import print_json
from retrieverkit.cli.options import IndexFolder
from retrieverkit.cli.passages import Passage, PassageFinder
from retrieverkit.cli.progress import LongWork
from retrieverkit.cli.screen import Part, Screen, clean
from retrieverkit.cli.tools import Tools

__all__ = [
    "DONE",
    "FAILED",
    "PARTIAL",
    "USAGE",
    "IndexFolder",
    "LongWork",
    "Part",
    "Passage",
    "PassageFinder",
    "Screen",
    "Tools",
    "clean",
    "failed_legs",
    "print_json",
    "source_text",
]
