"""``retriever status``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from retrieverkit.cli.options import AsJson, IndexFolder

if TYPE_CHECKING:
    from retrieverkit.cli.index_facts import IndexFacts
    from retrieverkit.cli.screen import Screen
    from retrieverkit_indexing.derived import IndexStatus

_NAMED = 10
"""How many files that failed are named."""


def status(index: IndexFolder, as_json: AsJson = False) -> None:
    """Show what an index holds, what is derived from it and whether that is current, and what it takes on the disk.

    It looks at sizes and records alone, so that it is quick on a large index and changes nothing; `retriever doctor
    --index` reads every byte.

    Examples:
      retriever status --index plant.rk
      retriever status --index plant.rk --json
    """
    from retrieverkit.cli.index_facts import IndexFacts
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.screen import Screen
    from retrieverkit.index import Index

    with Index.open(index, read_only=True) as opened:
        facts = IndexFacts.of(opened)
    if as_json:
        print_json(_as_dict(facts))
    else:
        _write(facts, Screen(sys.stdout))


def _as_dict(facts: IndexFacts) -> dict[str, Any]:
    from retrieverkit.cli.index_facts import time_text
    from retrieverkit.cli.json_output import printable

    return {
        "folder": printable(facts.folder),
        "documents": facts.documents,
        "nodes": facts.nodes,
        "changes": facts.changes,
        "settings": {
            "language": facts.settings.language,
            "searched": list(facts.settings.searched),
            "splitter": facts.settings.splitter or "pieces",
            "embedding": facts.embedding or None,
        },
        "roots": [
            {
                "path": printable(root.path),
                "indexed_at": time_text(root.at),
                "failed": root.failed,
                "failures": [{"path": printable(path), "problem": problem} for path, problem in root.failures],
            }
            for root in facts.roots
        ],
        "unfinished_files": [*map(printable, facts.unfinished)],
        "derived": [status.to_dict() | {"current": _is_current(status)} for status in facts.derived],
        "bytes": {**facts.sizes, "total": sum(facts.sizes.values())},
    }


def _write(facts: IndexFacts, screen: Screen) -> None:
    from retrieverkit.cli.files_report import counted
    from retrieverkit.cli.index_facts import size_text

    screen.say((facts.folder, "bold cyan"))
    held = f"{counted(facts.documents, 'document')}, {counted(facts.nodes, 'node')}"
    screen.say(f"{held}, {size_text(sum(facts.sizes.values()))} on the disk")
    settings = facts.settings
    searched = ", ".join(("text", *settings.searched))
    screen.say(
        ("settings: ", "bold"),
        f"language {settings.language}, splitter {settings.splitter or 'pieces'}, searched {searched}, "
        f"embedding {facts.embedding or 'not chosen yet'}",
    )
    _write_roots(facts, screen)
    screen.say()
    rows = [["corpus", "", "", size_text(facts.sizes["corpus"])]]
    for status in facts.derived:
        size = facts.sizes.get(_name_of_folder(status), status.size)
        rows.append([status.name or _name_of_folder(status), state_text(status), f"{status.nodes:,}", size_text(size)])
    named = {"corpus", *map(_name_of_folder, facts.derived)}
    other = sum(size for part, size in facts.sizes.items() if part not in named)
    screen.table(["part", "state", "nodes", "size"], [*rows, ["other", "", "", size_text(other)]])
    if not facts.derived:
        screen.say(("note: ", "bold"), "nothing is derived yet; the first search of a mode builds what it needs")


def _write_roots(facts: IndexFacts, screen: Screen) -> None:
    from retrieverkit.cli.files_report import counted
    from retrieverkit.cli.index_facts import time_text

    for root in facts.roots:
        failed = f", {counted(root.failed, 'problem')}" if root.failed else ""
        screen.say(("indexed: ", "bold"), f"{root.path} at {time_text(root.at)}{failed}")
    failures = {path: problem for root in facts.roots for path, problem in root.failures}
    failures |= {source: "not read, or not whole" for source in facts.unfinished if source not in failures}
    for path, problem in list(failures.items())[:_NAMED]:
        shown = problem if path in problem else f"{path}: {problem}"
        screen.say(("not read: ", "bold yellow"), shown)
    if len(failures) > _NAMED:
        screen.say(("not read: ", "bold yellow"), f"{len(failures) - _NAMED:,} more; --json names them")


def state_text(status: IndexStatus) -> str:
    """Return whether a derived index is current, and else what its next use does."""
    if status.generation is None:
        return "being built"
    if status.problems:
        return f"to be built again: {status.problems[0]}"
    behind = status.behind or 0
    state = f"{behind:,} change{'' if behind == 1 else 's'} behind" if behind else "current"
    return f"{state}, of former settings" if status.former else state


def _is_current(status: IndexStatus) -> bool:
    return status.generation is not None and not status.problems and status.behind == 0


def _name_of_folder(status: IndexStatus) -> str:
    import os

    return os.path.basename(status.folder)
