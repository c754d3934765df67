"""What is wrong with a retriever that is only described: all of it, before anything is searched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieverkit_core.errors import RetrieverKitError, UnknownOptionError, shorten
from retrieverkit_core.spec import RetrieverSpec

if TYPE_CHECKING:
    from retrieverkit.discovery import Discovery, ModePlugin


@dataclass(slots=True)
class Findings:
    """What was found.

    Attributes:
        spec: The retriever, as a mode string; empty where the file cannot be read.
        problems: What is wrong, each with what mends it.
        notes: What a reader should know.
    """

    spec: str = ""
    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, error: RetrieverKitError) -> None:
        """Add what an error says, once."""
        if (told := (error.message, error.fix)) not in self.problems:
            self.problems.append(told)


def findings(file: Path, discovery: Discovery) -> Findings:
    """Read a config, look at every mode, option and model in it, and build it on an empty index.

    Args:
        file: The config.
        discovery: Where plugins are found.
    """
    found = Findings()
    try:
        spec = RetrieverSpec.load(file)
    except RetrieverKitError as error:
        found.add(error)
        return found
    found.spec = str(spec)
    for inner in _every(spec):
        _look_at(inner, discovery, found)
    if not found.problems:
        _build(spec, discovery, found)
    return found


def _every(spec: RetrieverSpec) -> Iterator[RetrieverSpec]:
    from retrieverkit_core.picture import retrievers_in

    yield spec
    for inner in retrievers_in(spec):
        yield from _every(inner)


def _look_at(spec: RetrieverSpec, discovery: Discovery, found: Findings) -> None:
    from retrieverkit.discovery import validated_options

    try:
        plugin = discovery.mode(spec.mode, spec.provider)
    except RetrieverKitError as error:
        found.add(error)
        return
    options = dict(spec.options)
    while True:
        rest = RetrieverSpec(mode=spec.mode, provider=spec.provider, retrievers=spec.retrievers, options=options)
        try:
            validated_options(plugin.spec, rest)
            break
        except UnknownOptionError as error:  # it names one; the next look names another
            found.add(error)
            if error.option not in options:
                break
            del options[error.option]
        except RetrieverKitError as error:
            found.add(error)
            break
    _look_at_models(plugin, options, discovery, found)


def _look_at_models(plugin: ModePlugin, options: dict[str, Any], discovery: Discovery, found: Findings) -> None:
    """Ask the provider of each model that is named whether it can be used; no model is made or asked."""
    from retrieverkit.discovery import EMBEDDINGS, LLMS
    from retrieverkit.services import EMBEDDING, LLM

    for name, group, variable in (("embedding", EMBEDDINGS, EMBEDDING), ("llm", LLMS, LLM)):
        if name not in plugin.spec.options.model_fields and name not in {need.value for need in plugin.spec.needs}:
            continue
        named = options.get(name) or os.environ.get(variable)
        if isinstance(named, (str, RetrieverSpec)):
            _look_at_model(named, group, name, discovery, found)


def _look_at_model(named: str | RetrieverSpec, group: str, kind: str, discovery: Discovery, found: Findings) -> None:
    from retrieverkit.discovery import validated_options

    try:
        spec = RetrieverSpec.from_obj(named)
        provider: Any = discovery.load(group, spec.mode, spec.provider)
        problem = provider.problem(validated_options(provider, spec))
    except RetrieverKitError as error:
        found.add(error)
        return
    if problem:
        told = (f"the {kind} {shorten(spec.mode, 60)} cannot be used: {shorten(problem, 300)}", "")
        if told not in found.problems:
            found.problems.append(told)


def _build(spec: RetrieverSpec, discovery: Discovery, found: Findings) -> None:
    import warnings

    from retrieverkit.index import Index

    with warnings.catch_warnings(record=True) as warned, Index.from_documents([], discovery=discovery) as empty:
        warnings.simplefilter("always")
        try:
            found.notes += empty.as_retriever(spec).notes
        except RetrieverKitError as error:
            found.add(error)
    found.notes += [str(warning.message) for warning in warned]
