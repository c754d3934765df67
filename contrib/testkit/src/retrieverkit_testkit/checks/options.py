"""How a mode is asked for."""

from __future__ import annotations

import inspect
import json
from contextlib import suppress
from enum import Enum
from functools import partial
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import yaml

from retrieverkit import Index
from retrieverkit_core.errors import ConfigError, OptionError, UnknownOptionError
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.retriever import BaseRetriever
from retrieverkit_core.spec import RetrieverSpec
from retrieverkit_testkit.answers import Scored, ensure_alike, ensure_same, ids, scored
from retrieverkit_testkit.asking import refused
from retrieverkit_testkit.capabilities import Capability, Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.library import SHARED, library, own_text, put
from retrieverkit_testkit.subjects import ModeSubject, Subject, Trial
from retrieverkit_testkit.verdicts import NothingToCheck, ensure

_TEXTS = (SHARED, "herring comets reporting", own_text(library()[2]), "delayed signal sleepers")


@check(needs=(Trait.MODE,))
def check_unknown_options_are_refused(subject: Subject) -> None:
    """An option that the mode does not have, or has by a slightly other name, is an UnknownOptionError.

    To mend: derive the options from ``ModeOptions``; take out whatever removes names before they are validated.
    """
    with subject.shelf() as trial:
        for name in ("no_such_option", "top_kk", "Top_K"):
            wrong: dict[str, Any] = {name: 1}
            ask = partial(_index(trial).as_retriever, subject.mode.spec, **wrong)
            refused(ask, UnknownOptionError, what=f"the option {name}")


@check(needs=(Trait.MODE, Trait.TOP_K_OPTION))
def check_options_of_the_wrong_type_are_refused(subject: Subject) -> None:
    """A value of another type is an error, and not converted: ``"3"`` is not a number, and 2.5 is not a whole number.

    To mend: derive the options from ``ModeOptions``, which is strict.
    """
    with subject.shelf() as trial:
        limits = subject.mode.plugin.spec.options.model_fields["top_k"]
        no_limit = () if limits.default is None else (None,)
        for value in ("3", 2.5, [3], True, *no_limit):
            refused(
                lambda value=value: _index(trial).as_retriever(subject.mode.spec, top_k=value),
                OptionError,
                what=f"top_k={value!r}",
            )


@check(needs=(Trait.MODE,))
def check_options_are_described(subject: Subject) -> None:
    """The mode says in one line what it is, and of each option what it does, for listings and editors.

    To mend: write ``ModeSpec.summary`` and ``Field(description=...)`` for each option.
    """
    spec = subject.mode.plugin.spec
    ensure(spec.summary.strip() and "\n" not in spec.summary, "the mode's summary is not one line")
    schema = spec.options.model_json_schema()
    for name, described in schema.get("properties", {}).items():
        ensure(described.get("description"), f"the option {name} has no description")


@check(needs=(Trait.MODE,))
def check_specs_survive_being_written(subject: Subject) -> None:
    """The mode with its options, written as a mode string, a dict, JSON or YAML and read again, is the same.

    To mend: keep the options' values plain: numbers, strings, booleans, None, lists, dicts and retrievers.
    """
    spec = subject.mode.spec
    written = {
        "a mode string": RetrieverSpec.parse(str(spec)),
        "a dict": RetrieverSpec.from_obj(spec.to_obj()),
        "JSON": RetrieverSpec.loads(json.dumps(spec.to_obj()), "json"),
        "YAML": RetrieverSpec.loads(yaml.safe_dump(spec.to_obj()), "yaml"),
    }
    with subject.shelf() as trial:
        expected = ids(trial.ask(SHARED, top_k=3))
        for form, read in written.items():
            ensure(read == spec, f"as {form} it becomes {read}")
            found = ids(_index(trial).as_retriever(read).retrieve(QueryBundle(SHARED, top_k=3)))
            ensure(found == expected, f"read from {form} it finds {found} instead of {expected}")


@check(needs=(Trait.MODE,))
def check_the_default_options_survive_being_written(subject: Subject) -> None:
    """Every option's default value can be written into a config, and is accepted there.

    To mend: use defaults that are JSON, and validators that accept what the default is.
    """
    options = subject.mode.plugin.spec.options
    for name, field in options.model_fields.items():
        if field.is_required():
            continue
        default = field.get_default(call_default_factory=True)
        try:
            spec = RetrieverSpec(mode=subject.mode.spec.mode, options={name: default})
            read = RetrieverSpec.loads(yaml.safe_dump(spec.to_obj()), "yaml")
        except (ConfigError, TypeError, ValueError, yaml.YAMLError) as error:
            ensure(False, f"the default {default!r} of {name} cannot be written: {error}")
        ensure(read == spec, f"the default {default!r} of {name} becomes {read.options.get(name)!r}")


@check(needs=(Trait.MODE,))
def check_the_mode_names_itself_in_results(subject: Subject) -> None:
    """A result names the mode that answered, and errors can name the distribution.

    To mend: leave ``name`` and ``distribution`` to the registry.
    """
    with subject.shelf() as trial:
        result = trial.ask(SHARED, top_k=1)
        mode = subject.mode
        ensure(result.retriever == mode.spec.mode, f"the result names {result.retriever!r}")
        label = mode.plugin.claim.label
        ensure(trial.retriever.distribution == label, f"the retriever names {trial.retriever.distribution!r}")


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_each_option_holds_for_its_own_retriever(subject: Subject) -> None:
    """Retrievers with other options on one index each answer as they do on an index of their own, grown or not.

    To mend: put every option that what is stored depends on into the configuration of the ``DerivedIndex``, and key
    what you keep in the process by the options.
    """
    mode = subject.mode
    with subject.over(library()[:7]) as trial:
        index = _index(trial)
        variants = subject.few(_variants(mode, index), calls=10)
        for options in variants:
            _ask(index.as_retriever(mode.spec, **options))
        put(index, library()[7:])
        plain = _ask(trial.retriever)
        for options in variants:
            shared = _ask(index.as_retriever(mode.spec, **options))
            with mode.index_of(library()) as other:
                own = _ask(other.as_retriever(mode.spec, **options))
            for text, found, expected in zip(_TEXTS, shared, own, strict=True):
                told = f"with {options} on an index that others use too, {text!r}"
                ensure_alike(found, expected, told, subject.nearness)
        for text, found, expected in zip(_TEXTS, _ask(trial.retriever), plain, strict=True):
            ensure_same(found, expected, f"after retrievers with other options, {text!r}")


@check(needs=(Trait.MODE,))
def check_every_option_is_read(subject: Subject) -> None:
    """The mode reads each of its options, when its retriever is made or asked.

    To mend: use the option, or take it out: an option without effect misleads who sets it.
    """
    mode = subject.mode
    options = mode.plugin.spec.options
    read: set[str] = set()
    own = options.__dict__.get("__getattribute__")

    def reading(self: Any, name: str) -> Any:
        read.add(name)
        return object.__getattribute__(self, name)

    with subject.over(library()) as trial:
        setattr(options, "__getattribute__", reading)  # noqa: B010 - of the class of the author
        try:
            _ask(_index(trial).as_retriever(mode.spec))
        finally:
            if own is None:
                delattr(options, "__getattribute__")
            else:
                setattr(options, "__getattribute__", own)  # noqa: B010
    if read & {"model_dump", "model_dump_json", "__dict__", "__iter__", "model_copy"}:
        raise NothingToCheck("the options are handed on whole")
    unread = sorted(set(options.model_fields) - read)
    ensure(not unread, f"the options {', '.join(unread)} are never read")


def _variants(mode: ModeSubject, index: Index) -> list[dict[str, Any]]:
    """Return one option each, with another value than its own, as far as their types say which values there are."""
    found = []
    for name, field in mode.plugin.spec.options.model_fields.items():
        own = mode.spec.options.get(name, None if field.is_required() else field.get_default(call_default_factory=True))
        for value in _other_values(name, field.annotation, own):
            with suppress(ConfigError):
                index.as_retriever(mode.spec, **{name: value})
                found.append({name: value})
    return found


def _other_values(name: str, annotation: Any, own: Any) -> list[Any]:
    if get_origin(annotation) in (Union, UnionType):
        values = [value for each in get_args(annotation) for value in _other_values(name, each, own)]
        return [value for value in values if value != own]
    if get_origin(annotation) is Literal:
        return [value for value in get_args(annotation) if value != own]
    if inspect.isclass(annotation) and issubclass(annotation, Enum):
        return [each.value for each in annotation if each not in (own, getattr(own, "value", own))]
    if annotation is bool:
        return [not own]
    if annotation is int:
        return [3, 1] if own is None else [own + 1, max(0, own - 2)]
    if annotation is float:
        return [0.25, 0.75] if own in (None, 0.0) else [own / 2, own * 1.5]
    return ["de", "none"] if annotation is str and "lang" in name else []


def _ask(retriever: BaseRetriever) -> list[Scored]:
    return [scored(retriever.retrieve(QueryBundle(text, top_k=20))) for text in _TEXTS]


def _index(trial: Trial) -> Index:
    assert trial.index is not None
    return trial.index
