"""From a spec to options and a retriever: nothing misspelt is swallowed, nothing false is passed on."""

import asyncio
from datetime import date
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from retrieverkit.discovery import validated_options
from retrieverkit_core.errors import (
    MissingServiceError,
    ModeStringError,
    OptionError,
    PluginContractError,
    QueryError,
    RetrieverBuildError,
    UnknownOptionError,
)
from retrieverkit_core.plugin import BuildContext, ModeOptions, ModeSpec
from retrieverkit_core.spec import RetrieverSpec


class FusionOptions(ModeOptions):
    retrievers: tuple[RetrieverSpec, ...]
    method: Literal["rrf", "simple"] = "rrf"
    weights: tuple[float, ...] | None = None
    since: date | None = None


class RerankOptions(ModeOptions):
    retriever: RetrieverSpec
    top_n: int = Field(default=3, ge=1)


FUSION = ModeSpec(name="fusion", summary="", options=FusionOptions)
RERANK = ModeSpec(name="rerank", summary="", options=RerankOptions)
PLAIN = ModeSpec(name="plain", summary="")


def options(plugin_spec, text):
    return validated_options(plugin_spec, RetrieverSpec.parse(text))


def test_options_of_every_kind():
    made = options(FUSION, 'fusion(bm25(top_k=50), vector, method="simple", weights=[2, 1.5], since="2020-01-02")')
    assert made.retrievers == (RetrieverSpec.parse("bm25(top_k=50)"), RetrieverSpec.parse("vector"))
    assert (made.method, made.weights, made.since, made.top_k) == ("simple", (2, 1.5), date(2020, 1, 2), 5)
    assert options(FUSION, "fusion(retrievers=[bm25])").retrievers == (RetrieverSpec.parse("bm25"),)
    for text in ("rerank(auto_merging(vector), top_n=4)", "rerank(retriever='auto-merging(vector)', top_n=4)"):
        assert str(options(RERANK, text).retriever) == "auto_merging(vector)"


@pytest.mark.parametrize(
    ("plugin_spec", "text", "told"),
    [
        (PLAIN, "plain(top_k='5')", "top_k: should be a valid integer, got '5'"),
        (PLAIN, "plain(top_k=-1)", "top_k: should be greater than or equal to 0, got -1"),
        (PLAIN, "plain(top_k=True)", "top_k: should be a valid integer, got True"),
        (PLAIN, "plain(top_k=1.5)", "top_k: should be a valid integer"),
        (PLAIN, "plain(bm25)", "takes no retrievers, got bm25"),
        (FUSION, "fusion", "retrievers: is required"),
        (FUSION, "fusion(a, method=rrf)", "method: should be 'rrf' or 'simple', got the retriever rrf"),
        (FUSION, "fusion(a, method=rrf)", 'write "rrf" in quotes'),
        (FUSION, "fusion(a, weights=[1, 'x'], since='soon')", "weights[1]: should be a valid number, got 'x'; since: "),
        (FUSION, "fusion(a, weights=[x])", "weights[0]: should be a valid number, got the retriever x"),
        (RERANK, "rerank(a, b)", "takes one retriever, got 2"),
        (RERANK, "rerank(a, retriever=b)", "is given twice"),
        (RERANK, "rerank(retriever=3)", "describes no retriever"),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(plugin_spec, text, told):
    with pytest.raises(OptionError) as caught:
        options(plugin_spec, text)
    assert told in str(caught.value)
    assert caught.value.mode == plugin_spec.name
    assert caught.value.problems


def test_an_unknown_option_names_the_near_one():
    with pytest.raises(UnknownOptionError, match="'tok_k'.*\n.*did you mean 'top_k'"):
        options(PLAIN, "plain(tok_k=3)")
    with pytest.raises(UnknownOptionError, match="options of fusion: method, retrievers, since, top_k, weights"):
        options(FUSION, "fusion(a, fliter=3, top_k='x')")


def test_a_mode_string_inside_an_option_keeps_its_column():
    with pytest.raises(ModeStringError) as caught:
        options(RERANK, "rerank(retriever='vector(')")
    assert caught.value.column == 7


def test_a_validator_of_the_plugin_that_raises():
    class Odd(BaseModel):
        model_config = ConfigDict(extra="forbid")
        size: int = 3

        @field_validator("size")
        @classmethod
        def check(cls, size):
            raise ValueError("must not be three") if size == 3 else KeyError("four")

    spec = ModeSpec(name="odd", summary="", options=Odd)
    with pytest.raises(OptionError, match="size: must not be three"):
        options(spec, "odd(size=3)")
    with pytest.raises(OptionError, match="cannot be validated: KeyError: 'four'"):
        options(spec, "odd(size=4)")


def build(site, discovery, body):
    site.add("dist-a", "alpha", site.plugin.replace("return Nothing(options, context)", body))
    return discovery.build(RetrieverSpec.parse("alpha"), BuildContext(mode=""))


def test_only_the_owner_of_a_mode_is_asked(site, discovery):
    for name, mode in (("dist-b", "beta"), ("dist-c", "gamma")):
        site.add(name, mode)
    build(site, discovery, "return Nothing(options, context)")
    assert [discovery.mode(mode).spec.name for mode in ("beta", "gamma")] == ["beta", "gamma"]
    made = discovery.build(RetrieverSpec.parse("alpha"), BuildContext(mode=""))
    assert (made.context.mode, made.context.distribution) == ("alpha", "dist-a 1.0")
    assert made.retrieve("anything") == []


@pytest.mark.parametrize("body", ["raise ValueError('boom')", "raise SystemExit(2)", "return 1 / 0"])
def test_a_plugin_that_raises(site, discovery, body):
    with pytest.raises(RetrieverBuildError, match=r"mode 'alpha' of dist-a 1\.0 cannot build alpha: ") as caught:
        build(site, discovery, body)
    assert type(caught.value.__cause__) in (ValueError, SystemExit, ZeroDivisionError)


@pytest.mark.parametrize("answer", ["None", "[]", "Nothing", "'bm25'", "iter(())", "(_ for _ in ())"])
def test_a_plugin_that_returns_no_retriever(site, discovery, answer):
    with pytest.raises(PluginContractError, match=r"mode 'alpha' of dist-a 1\.0 returned"):
        build(site, discovery, f"return {answer}")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("from retrieverkit_core.errors import QueryError; raise QueryError('as it is')", QueryError),
        ("import asyncio; raise asyncio.CancelledError", asyncio.CancelledError),
        ("raise KeyboardInterrupt", KeyboardInterrupt),
    ],
)
def test_what_passes_through(site, discovery, body, error):
    with pytest.raises(error):
        build(site, discovery, body)


def test_a_plugin_is_not_asked_before_what_it_needs_is_there(site, discovery):
    spec = 'summary="Finds nothing.", needs=frozenset({Need.CORPUS})'
    plugin = site.plugin.replace('summary="Finds nothing."', spec).replace("return Nothing", "1 / 0; return Nothing")
    site.add("dist-a", "alpha", f"from retrieverkit_core import Need\n{plugin}")
    with pytest.raises(MissingServiceError, match="corpus"):
        discovery.build(RetrieverSpec.parse("alpha"), BuildContext(mode=""))
    with pytest.raises(RetrieverBuildError, match="ZeroDivisionError"):
        discovery.build(RetrieverSpec.parse("alpha"), BuildContext(mode="", corpus=object()))
