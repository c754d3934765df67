"""What a reader has to know of the machine to judge the figures; nothing that names it."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version


def facts(distributions: tuple[str, ...]) -> dict:
    """Return the date, the processors, Python and the versions of what was measured."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpus": os.cpu_count(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {name: installed(name) for name in distributions},
    }


def installed(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
