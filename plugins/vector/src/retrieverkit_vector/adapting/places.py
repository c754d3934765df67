"""Where an adapter is looked for."""

from __future__ import annotations

from pathlib import Path

from retrieverkit_core.errors import ConfigError, shorten


def found_adapter(written: str, beside: Path) -> Path:
    """Return the file that an option names.

    A relative path is looked for in the folder that the index is in, so that an answer does not depend on where a
    program was started, and in the current folder.

    Args:
        written: The path; ``~`` is the home folder.
        beside: The folder that the index is in.

    Raises:
        ConfigError: There is no such file, or there are two.
    """
    if not written.strip() or "\0" in written:
        raise ConfigError(f"{written!r} is not the path of an adapter", fix="name the file that retriever adapt wrote")
    try:
        path = Path(written).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"the adapter {written!r} cannot be found: {error}", fix="write the whole path") from error
    if path.is_absolute():
        return path
    try:
        places = list(dict.fromkeys([(beside / path).resolve(), path.resolve()]))
        there = [place for place in places if place.is_file()]
    except (OSError, RuntimeError) as error:  # a name too long, a folder that is not ours, links in a ring
        told = shorten(getattr(error, "strerror", None) or error, 200)
        raise ConfigError(f"the adapter {shorten(written)!r} cannot be read: {told}") from error
    if len(there) == 2:
        raise ConfigError(
            f"there are two adapters {written!r}: {there[0]}, beside the index, and {there[1]}, in the current folder",
            fix="write the whole path of the one you mean",
        )
    if not there:
        raise ConfigError(
            f"there is no adapter {written!r}: neither {' nor '.join(map(str, places))} is a file",
            fix="name the file that retriever adapt wrote",
        )
    return there[0]
