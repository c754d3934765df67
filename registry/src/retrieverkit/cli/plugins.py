"""``retriever plugins``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from retrieverkit.cli.options import AsJson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieverkit.cli.screen import Screen
    from retrieverkit.discovery import Row


def plugins(as_json: AsJson = False) -> None:
    """List everything that installed plugins provide, and in which files. No plugin is imported."""
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.modes import row_as_dict
    from retrieverkit.cli.screen import Screen
    from retrieverkit.discovery import GROUPS, shared_discovery

    discovery = shared_discovery()
    groups = {group: discovery.rows(group) for group in GROUPS}
    unreadable = discovery.catalog.unreadable
    if as_json:
        listed = [{"group": group, **row_as_dict(row)} for group, rows in groups.items() for row in rows]
        problems = [{"distribution": distribution, "problem": problem} for distribution, problem in unreadable]
        print_json({"plugins": listed, "unreadable": problems})
        return
    screen = Screen(sys.stdout)
    for group, rows in groups.items():
        screen.say((group, "bold"))
        write_rows(rows, screen)
    write_unreadable(unreadable, screen)


def write_rows(rows: Sequence[Row], screen: Screen) -> None:
    """Write the plugins of one group."""
    from retrieverkit.cli.modes import status_style

    for row in rows:
        screen.say(
            (row.name, "bold"), f"  {row.distribution} {row.version}  ", (row.status, status_style(row)), lead="  "
        )
        for detail in (row.note, row.location):
            if detail:
                screen.say((detail, "dim"), lead="      ")
    if not rows:
        screen.say(("none", "dim"), lead="  ")


def write_unreadable(unreadable: Sequence[tuple[str, str]], screen: Screen) -> None:
    """Write the distributions whose entry points cannot be read."""
    for distribution, problem in unreadable:
        screen.say(("unreadable: ", "bold red"), f"{distribution}: {problem}")
