"""Opening a file at a line in the user's editor."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import PurePath

from retrieverkit_core.errors import UsageError

_PLUS = frozenset(["vi", "vim", "nvim", "view", "gvim", "nano", "emacs", "emacsclient", "micro", "kak", "joe", "ne"])
"""Editors that are given a line as ``+LINE FILE``."""

_COLON = frozenset(["hx", "helix", "subl", "zed"])
"""Editors that are given a line as ``FILE:LINE``."""

_GOTO = frozenset(["code", "codium", "cursor", "windsurf", "code-insiders"])
"""Editors that are given a line as ``--goto FILE:LINE``."""


def open_in_editor(path: str, line: int | None) -> int:
    """Open a file in the editor of VISUAL or EDITOR, wait for it, and return its exit code.

    Args:
        path: The file.
        line: The line to go to, where it is known and the editor is one whose way of being given it is known.

    Raises:
        UsageError: Neither variable names a program that is there.
    """
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        command = shlex.split(editor)
    except ValueError:
        command = []
    if not command:
        raise UsageError("--open needs the name of an editor", fix="set EDITOR, as in: export EDITOR=nano")
    try:
        place = _place(PurePath(command[0]).stem, path, line)
        return subprocess.run([*command, *place], check=False).returncode  # noqa: S603 - the user's own editor
    except OSError as error:
        raise UsageError(f"the editor {command[0]} does not start: {error.strerror}", fix="set EDITOR") from None


def _place(editor: str, path: str, line: int | None) -> list[str]:
    if line is not None and editor in _PLUS:
        return [f"+{line}", path]
    if line is not None and editor in _COLON:
        return [f"{path}:{line}"]
    if line is not None and editor in _GOTO:
        return ["--goto", f"{path}:{line}"]
    return [path]
