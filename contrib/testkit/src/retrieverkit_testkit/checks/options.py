"""How a mode is asked for."""

from __future__ import annotations

import json

import yaml

from retrieverkit import Index
from retrieverkit_core.errors import ConfigError, OptionError, UnknownOptionError
from retrieverkit_core.query import QueryBundle
from retrieverkit_core.spec import RetrieverSpec
from retrieverkit_testkit.answers import ids
from retrieverkit_testkit.asking import refused
from retrieverkit_testkit.capabilities import Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.library import SHARED
from retrieverkit_testkit.subjects import Subject, Trial
from retrieverkit_testkit.verdicts import ensure


@check(needs=(Trait.MODE,))
def check_unknown_options_are_refused(subject: Subject) -> None:
    """An option that the mode does not have, or has by a slightly other name, is an UnknownOptionError.

    To mend: derive the options from ``ModeOptions``; take out whatever removes names before they are validated.
    """
    with subject.shelf() as trial:
        for name in ("no_such_option", "top_kk", "Top_K"):
            refused(
                lambda name=name: _index(trial).as_retriever(subject.mode.spec, **{name: 1}),
                UnknownOptionError,
                what=f"the option {name}",
            )


@check(needs=(Trait.MODE, Trait.TOP_K_OPTION))
def check_options_of_the_wrong_type_are_refused(subject: Subject) -> None:
    """A value of another type is an error, and not converted: ``"3"`` is no number, and 2.5 no whole one.

    To mend: derive the options from ``ModeOptions``, which is strict.
    """
    with subject.shelf() as trial:
        for value in ("3", 2.5, None, [3], True):
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


def _index(trial: Trial) -> Index:
    assert trial.index is not None
    return trial.index
