"""`Box`: what every form of a picture is drawn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrieverkit_core.explain._codes import Status
from retrieverkit_core.explain._show import stage_line
from retrieverkit_core.retriever._origin import origin_of
from retrieverkit_core.spec import RetrieverSpec

if TYPE_CHECKING:
    from retrieverkit_core.explain import Stage
    from retrieverkit_core.retriever import BaseRetriever

LONGEST = 60
"""Characters of a line, at most."""

MOST_LINES = 12
MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Box:
    """A retriever in a picture.

    Attributes:
        name: The mode, or the leg.
        lines: The options that were written, one each.
        did: What it did, a line for each stage; empty where nothing was asked.
        trouble: Whether it failed, or stood in for what did.
        idle: Whether it was not asked where others were.
        boxes: The retrievers that it asks.
    """

    name: str
    lines: tuple[str, ...] = ()
    did: tuple[str, ...] = ()
    trouble: bool = False
    idle: bool = False
    boxes: tuple[Box, ...] = ()


def box_of_spec(spec: RetrieverSpec) -> Box:
    """Return the box of a spec, with those of all retrievers in it."""
    return Box(clean(spec.qualified_mode), _options(spec), boxes=tuple(map(box_of_spec, retrievers_in(spec))))


def retrievers_in(spec: RetrieverSpec) -> list[RetrieverSpec]:
    """Return the retrievers directly below a spec, and then those in its options."""
    return [*spec.retrievers, *_retrievers_in(list(spec.options.values()))]


def box_of_retriever(retriever: BaseRetriever, stage: Stage | None = None, depth: int = 1) -> Box:
    """Return the box of a retriever, with those of all that it asks.

    Args:
        retriever: The retriever.
        stage: What it did, or None.
        depth: How deep it is in the picture.
    """
    origin = origin_of(retriever)
    lines = () if origin is None else _options(origin.spec)
    name = clean(retriever.name if origin is None else origin.spec.qualified_mode)
    if depth >= MAX_DEPTH:
        return Box(name, (*lines, "…"))
    inner = retriever.sub_retrievers
    boxes = tuple(_legs(inner, stage, depth))
    if not inner and stage is None and origin is not None:
        boxes = box_of_spec(origin.spec).boxes
    if stage is None:
        return Box(name, lines, boxes=boxes)
    return Box(name, lines, _did(stage), _troubled(stage), _idle(stage), boxes)


def _legs(inner: Sequence[BaseRetriever], stage: Stage | None, depth: int) -> Iterator[Box]:
    """Yield the boxes of legs; a leg that was asked several queries has one for each, none is left out."""
    if stage is None:
        for leg in inner:
            yield box_of_retriever(leg, None, depth + 1)
        return
    legs = [each for each in stage.stages if each.is_leg]
    seen: Counter[str] = Counter()
    for leg in inner:
        seen[leg.name] += 1
        name = leg.name if seen[leg.name] == 1 else f"{leg.name}#{seen[leg.name]}"
        own = next((each for each in legs if each.name == name), None)
        if own is None:
            box = box_of_retriever(leg, None, depth + 1)
            yield Box(box.name, box.lines, idle=True, boxes=box.boxes)
        else:
            legs.remove(own)
            yield box_of_retriever(leg, own, depth + 1)
    yield from map(_box_of_stage, legs)


def _box_of_stage(stage: Stage) -> Box:
    legs = tuple(_box_of_stage(each) for each in stage.stages if each.is_leg)
    return Box(clean(stage.name), (), _did(stage), _troubled(stage), _idle(stage), legs)


def _did(stage: Stage) -> tuple[str, ...]:
    own = stage_line(stage).removeprefix(stage.name).strip()
    lines = [own, *(stage_line(each) for each in stage.stages if not each.is_leg)]
    told = [line.replace("  ", " · ") for line in lines]
    own_stages = [stage, *(each for each in stage.stages if not each.is_leg)]
    return _lines([*told, *(f"error: {each.error}" for each in own_stages if each.error)])


def _troubled(stage: Stage) -> bool:
    own = [stage, *(each for each in stage.stages if not each.is_leg)]
    return any(each.status in (Status.FAILED, Status.FALLBACK) for each in own)


def _idle(stage: Stage) -> bool:
    return stage.status is Status.SKIPPED


def _options(spec: RetrieverSpec) -> tuple[str, ...]:
    """Return the written options, without the retrievers in them, which have boxes of their own."""
    from retrieverkit_core.spec._writer import option

    own = {name: value for name, value in spec.options.items() if not _holds_retrievers(value)}
    return _lines([option(name, own[name]) for name in sorted(own)])


def _holds_retrievers(value: object) -> bool:
    return next(_retrievers_in(value), None) is not None


def _retrievers_in(value: object) -> Iterator[RetrieverSpec]:
    if isinstance(value, RetrieverSpec):
        yield value
    elif isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _retrievers_in(each)


def _lines(texts: Sequence[str]) -> tuple[str, ...]:
    shown = [clean(text) for text in texts[:MOST_LINES]]
    more = len(texts) - MOST_LINES
    return (*shown, f"and {more} more") if more > 0 else tuple(shown)


def clean(text: str) -> str:
    """Return a text in one line, short, and with nothing in it that is not shown."""
    line = "".join(char if char.isprintable() else "�" for char in " ".join(text.split()))
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
