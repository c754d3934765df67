"""What a contender starts: with bytecode, and with nothing of the user who measures."""

import os
import resource
from pathlib import Path


def environment(folder: Path) -> dict[str, str]:
    """Return an environment in which Python compiles once and keeps it, in the folder of the row."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RETRIEVERKIT_"))}
    own = {
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    return {**kept, **own, "RETRIEVERKIT_EMBEDDING": "lsa", "NO_COLOR": "1"}


def cpu_of_children() -> float:
    """Return the seconds of processor that ended children took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
