"""From a spec to a retriever: the options are validated, the plugin is asked, its answer is checked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from retrieverkit.discovery.mode_plugin import ModePlugin
from retrieverkit.names_elsewhere import OPTION_ALIASES
from retrieverkit_core.errors import (
    ConfigError,
    OptionError,
    PluginContractError,
    RetrieverBuildError,
    RetrieverKitError,
    UnknownOptionError,
    shorten,
)
from retrieverkit_core.plugin import BuildContext, ModeSpec
from retrieverkit_core.spec import RetrieverSpec

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from retrieverkit_core.retriever import BaseRetriever


def validated_options(plugin_spec: ModeSpec, retriever_spec: RetrieverSpec) -> BaseModel:
    """Return a mode's options, validated as JSON: a list fills a tuple, ``"2020-01-01"`` a date, ``"5"`` no int.

    Args:
        plugin_spec: What the plugin declares.
        retriever_spec: What was written. Positional retrievers become the option ``retrievers``, or ``retriever``
            where the mode has only that.

    Raises:
        UnknownOptionError: The mode has no such option.
        OptionError: A value is wrong, or the mode takes no retrievers.
        ConfigError: What an options model raised itself.
    """
    options = retriever_spec.options | _positional(plugin_spec, retriever_spec)
    try:
        return plugin_spec.options.model_validate_json(json.dumps(options, default=RetrieverSpec.to_obj))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise _option_error(plugin_spec, options, problems) from None
    except RetrieverKitError:
        raise
    except Exception as error:  # a validator of the plugin's own
        problem = f"the options cannot be validated: {type(error).__name__}: {shorten(error, 200)}"
        raise OptionError(plugin_spec.name, [("", problem)]) from error


def build_retriever(
    plugin: ModePlugin, spec: RetrieverSpec, options: BaseModel, context: BuildContext
) -> BaseRetriever:
    """Ask a plugin for the retriever of a spec.

    Args:
        plugin: The plugin.
        spec: What was written, for messages.
        options: The validated options.
        context: What to build with; its mode and distribution are set to the plugin's.

    Raises:
        MissingServiceError: What the mode declares it needs is not there.
        RetrieverBuildError: The plugin raised; the cause is chained. A `RetrieverKitError` passes as it is.
        PluginContractError: The plugin's answer is not a retriever.
    """
    from retrieverkit_core.retriever import BaseRetriever

    claim = plugin.claim
    context = replace(context, mode=claim.name, distribution=claim.label)
    context.require(plugin.spec.needs)
    try:
        retriever = plugin.make_retriever(options, context)
    except RetrieverKitError:
        raise
    except (Exception, SystemExit) as error:
        raise RetrieverBuildError(
            f"{claim.described} cannot build {shorten(spec)}: {type(error).__name__}: {shorten(error, 300)}",
            mode=claim.name,
            distribution=claim.label,
        ) from error
    if not isinstance(retriever, BaseRetriever):
        raise PluginContractError(
            f"{claim.described} returned {type(retriever).__name__} {shorten(repr(retriever), 60)}, no BaseRetriever",
            mode=claim.name,
            distribution=claim.label,
            fix="make_retriever must return an instance of a subclass of retrieverkit_core.BaseRetriever",
        )
    return retriever


def _positional(plugin_spec: ModeSpec, spec: RetrieverSpec) -> dict[str, Any]:
    given = spec.retrievers
    fields = plugin_spec.options.model_fields
    if not given:
        return {}
    if "retrievers" in fields:
        return {"retrievers": list(given)}
    if "retriever" not in fields:
        raise OptionError(
            spec.mode,
            [("", f"takes no retrievers, got {shorten(', '.join(map(str, given)))}")],
            fix=f"remove them, or if an option is meant, name it; options: {', '.join(sorted(fields)) or 'none'}",
        )
    if len(given) > 1:
        raise OptionError(spec.mode, [("", f"takes one retriever, got {len(given)}")], fix="fuse them: fusion(...)")
    if "retriever" in spec.options:
        raise OptionError(spec.mode, [("retriever", "is given twice")], fix="keep one")
    return {"retriever": given[0]}


def _option_error(plugin_spec: ModeSpec, options: dict[str, Any], problems: Sequence[ErrorDetails]) -> ConfigError:
    for problem in problems:
        if problem["type"] == "extra_forbidden" and len(problem["loc"]) == 1:
            known = (field.alias or name for name, field in plugin_spec.options.model_fields.items())
            return _unknown_option(plugin_spec.name, str(problem["loc"][0]), sorted(known))
    causes = [problem.get("ctx", {}).get("error") for problem in problems]
    only = causes[0] if len(causes) == 1 and isinstance(causes[0], ConfigError) else None
    if only is not None and type(only) is not ConfigError:
        return only
    told = [(_path(problem["loc"]), _in_words(problem, options)) for problem in problems]
    return OptionError(plugin_spec.name, told, fix=only.fix if only is not None else "")


def _unknown_option(mode: str, option: str, known: Sequence[str]) -> ConfigError:
    if option in ("filters", "scope", "extra_filters"):
        return ConfigError(
            f"mode {mode!r} has no option {option!r}: it belongs to the query",
            fix=f"write retriever.retrieve(query, {option.removeprefix('extra_')}=...)",
        )
    if option in ("callback_manager", "callbacks"):
        return ConfigError(
            f"mode {mode!r} has no option {option!r}: observers take the place of callbacks",
            fix="write index.as_retriever(mode, hooks=Observers.of(...))",
        )
    meant = OPTION_ALIASES.get(option)
    return UnknownOptionError(mode, option, known=known, meant=meant if meant in known else None)


def _path(location: Sequence[int | str]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")


def _in_words(problem: ErrorDetails, options: dict[str, Any]) -> str:
    match problem["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "is not a known name"
        case "value_error" | "assertion_error":
            cause = problem.get("ctx", {}).get("error")
            return shorten(cause.message if isinstance(cause, RetrieverKitError) else cause, 300)
    written = _written(options, problem["loc"])
    text = f"{problem['msg'].removeprefix('Input ')}, got {shorten(_shown(written, problem['input']), 80)}"
    if isinstance(written, RetrieverSpec) and not written.retrievers and not written.options:
        text += f' (for the text write "{written}" in quotes)'
    return text


def _written(options: Any, location: Sequence[int | str]) -> Any:
    """Return what was written at a place, or None where the place is inside an alternative of a type."""
    for part in location:
        try:
            options = options[part]
        except (KeyError, IndexError, TypeError):
            return options if isinstance(options, RetrieverSpec) else None
    return options


def _shown(written: Any, validated: Any) -> str:
    return f"the retriever {written}" if isinstance(written, RetrieverSpec) else repr(validated)
