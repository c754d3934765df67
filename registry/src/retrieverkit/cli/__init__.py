"""The command ``retriever``. One module per command; each imports what is heavy when it runs."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments; None for those of the process.

    Returns:
        The exit code: 0 done, 1 error, 2 wrong usage, 3 partial, 130 interrupted.
    """
    import os
    import sys

    # pydantic would read the entry points of every distribution for plugins of its own, and fail on a damaged one.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        from retrieverkit.cli.running import run
    except KeyboardInterrupt:  # the imports take long enough for somebody to think better of it
        sys.stderr.write("interrupted\n")
        return 130
    return run(sys.argv[1:] if argv is None else argv)
