"""``search --explain`` and ``why-not``: what is known of an answer, and a report of it for somebody else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile

from retrieverkit_core.errors import UsageError
from retrieverkit_core.explain import Status

if TYPE_CHECKING:
    from pathlib import Path

    from retrieverkit.cli.screen import Branch, Part, Screen
    from retrieverkit_core.explain import HitExplained, Score, Stage, WhyNot
    from retrieverkit_core.result import RetrievalResult
    from retrieverkit_core.spec import RetrieverSpec

_STYLES = {Status.FAILED: "bold red", Status.FALLBACK: "bold yellow", Status.SKIPPED: "dim"}
_TEXTS = ("error", "note")
"""What may quote the query, values of metadata, or ids."""


def write_explanation(result: RetrievalResult, screen: Screen) -> None:
    """Write the tree of stages, and what each hit's score was made from."""
    told = result.explain()
    screen.say()
    screen.tree(*_stage(told.root))
    for hit in told.hits:
        screen.tree(*_hit(hit))


def write_why_not(told: WhyNot, screen: Screen) -> None:
    """Write why a node is not among the hits."""
    screen.say((f"{told.code.value}: ", "bold"), told.text)
    if told.stage:
        screen.say(f"stage: {told.stage}")


def _stage(stage: Stage) -> Branch:
    from retrieverkit_core.explain._show import stage_details, stage_line

    style = _STYLES.get(stage.status, "bold" if stage.is_leg else "")
    label: list[Part] = [(stage_line(stage), style)]
    label += [(f"\n{line}", "dim") for line in stage_details(stage)]
    return label, [_stage(each) for each in stage.stages]


def _hit(hit: HitExplained) -> Branch:
    from retrieverkit_core.explain._show import hit_line

    return [(hit_line(hit), "bold")], [_score(hit.score)]


def _score(score: Score) -> Branch:
    from retrieverkit_core.explain._show import score_line

    return [score_line(score)], [_score(part) for part in score.parts]


# The report


def write_report(path: Path, result: RetrievalResult, settings: dict[str, Any], *, with_texts: bool) -> None:
    """Write a report of one search for somebody else, as a ZIP archive of JSON files.

    Ids are hashed, with a salt of its own for each report; the query, texts, metadata, filters and messages are left
    out. The mode string is in it; of the texts in its options only those that are choices of the option.

    Args:
        path: The archive; one that is there is replaced.
        result: The answer, explained.
        settings: How it was asked.
        with_texts: Leave nothing out.
    """
    told = result.explain().as_dict()
    files: dict[str, Any] = {
        "settings.json": settings if with_texts else _without_query(settings),
        "versions.json": _versions(),
        "timings.json": {"total": round(result.elapsed * 1000, 3), "stages": dict(_timings(result.explain().root, ""))},
        "explanation.json": told if with_texts else _hashed(told, _hasher()),
    }
    if with_texts:
        files["result.json"] = result.as_dict()
    try:
        with ZipFile(path, "w", ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, json.dumps(content, indent=2))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}", fix="name another file") from error


def _timings(stage: Stage, within: str) -> Iterator[tuple[str, float]]:
    """Yield the milliseconds of each stage, by its way from the top."""
    path = f"{within}{stage.name}"
    yield path, round(stage.milliseconds, 3)
    for each in stage.stages:
        yield from _timings(each, f"{path}/")


def _without_query(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in ("query", "filters", "scope", "index")}


def without_texts(spec: RetrieverSpec) -> RetrieverSpec:
    """Return a spec without the texts in its options, which may be ids or filters; choices are kept."""
    from retrieverkit.discovery import shared_discovery
    from retrieverkit_core.spec import RetrieverSpec

    fields = shared_discovery().mode(spec.mode, spec.provider).spec.options.model_json_schema()
    choices = set(_choices(fields))

    def shown(value: Any) -> Any:
        if isinstance(value, RetrieverSpec):
            return without_texts(value)
        if isinstance(value, list | tuple):
            return [shown(each) for each in value]
        if isinstance(value, dict):
            return {str(at): shown(each) for at, each in enumerate(value.values())}
        return "..." if isinstance(value, str) and value not in choices else value

    return RetrieverSpec.from_obj(
        {
            "mode": spec.qualified_mode,
            "retrievers": [without_texts(each) for each in spec.retrievers],
            "options": {name: shown(value) for name, value in spec.options.items()},
        }
    )


def _choices(schema: Any) -> Iterator[str]:
    """Yield the texts that a JSON schema names as possible values."""
    if isinstance(schema, dict):
        yield from (each for each in (*schema.get("enum", ()), schema.get("const")) if isinstance(each, str))
        for each in schema.values():
            yield from _choices(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _choices(each)


def _hasher() -> Callable[[str], str]:
    from secrets import token_bytes

    salt = token_bytes(16)
    return lambda text: blake2b(text.encode(), key=salt, digest_size=8).hexdigest()


def _hashed(told: Any, hashed: Callable[[str], str], key: str = "") -> Any:
    """Return what is told without ids and without what may quote texts."""
    if isinstance(told, dict):
        if key == "into":
            return {hashed(lost): hashed(by) for lost, by in told.items()}
        return {name: _hashed(value, hashed, name) for name, value in told.items() if name not in _TEXTS}
    if isinstance(told, list):
        return [_hashed(each, hashed, key) for each in told]
    return hashed(told) if isinstance(told, str) and key in ("node_id", "ids") else told


def _versions() -> dict[str, str]:
    import platform
    import sys
    from importlib.metadata import distributions

    ours = {
        found.name: found.version
        for found in distributions()
        if found.name is not None and found.name.lower().replace("_", "-").startswith("retrieverkit")
    }
    return {"python": platform.python_version(), "platform": sys.platform, **dict(sorted(ours.items()))}
