"""``retriever doctor``."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from retrieverkit.cli.options import AsJson


def doctor(
    index: Annotated[
        Path | None,
        typer.Option(
            "--index", "-i", metavar="DIR", help="Also read and check every byte of this index.", show_default=False
        ),
    ] = None,
    load: Annotated[bool, typer.Option("--load", help="Also import every plugin.")] = False,
    verify: Annotated[
        str | None,
        typer.Option(
            "--verify",
            metavar="MODE",
            help="Run the conformance kit on this mode instead, and print its score card.",
            show_default=False,
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="With --verify: try fewer examples, and start no other processes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check the installation, the plugins and an index. The exit code is 1 if anything is wrong."""
    from retrieverkit_core.errors import UsageError

    if verify is not None:
        if index is not None or load:
            raise UsageError("--verify goes with neither --index nor --load", fix="run them one after the other")
        _verify(verify, quick, as_json)
        return
    if quick:
        raise UsageError("--quick goes with --verify alone", fix="add --verify MODE")
    _diagnose(index, load, as_json)


def _diagnose(index: Path | None, load: bool, as_json: bool) -> None:
    from retrieverkit.cli.diagnosis import diagnose, diagnosis_as_dict
    from retrieverkit.cli.diagnosis_page import write_diagnosis
    from retrieverkit.cli.exit_codes import FAILED
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.screen import Screen

    diagnosis = diagnose(index, load=load)
    if as_json:
        print_json(diagnosis_as_dict(diagnosis))
    else:
        write_diagnosis(diagnosis, Screen(sys.stdout))
    if diagnosis.problems:
        raise typer.Exit(FAILED)


def _verify(mode: str, quick: bool, as_json: bool) -> None:
    from retrieverkit.cli.exit_codes import FAILED
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.screen import Screen
    from retrieverkit.cli.verification import conformance_kit, write_card

    kit = conformance_kit()
    watched = Screen(sys.stderr)
    if watched.terminal:
        watched.say(f"checking {mode}, for {'some seconds' if quick else 'up to two minutes'}")
    logging.disable()  # the checks provoke what would be logged
    try:
        report = kit.check_retriever(mode, quick=quick)
    finally:
        logging.disable(logging.NOTSET)
    card = kit.to_card(report)
    if as_json:
        print_json(card)
    else:
        write_card(report, card, Screen(sys.stdout))
    if not report.ok:
        raise typer.Exit(FAILED)
