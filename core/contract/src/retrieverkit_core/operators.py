"""Retrievers joined by operators: the same trees as mode strings.

``0.7 * a + 0.3 * b`` is ``fusion(a, b, method="relative_score", weights=[0.7, 0.3])``, ``a % 10`` is ``a`` with
``top_k=10``, and ``a >> step("rerank", by="mmr")`` is ``rerank(a, by="mmr")``. Whoever built ``a`` builds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING, Any, Never

from retrieverkit_core.errors import ConfigError, shorten
from retrieverkit_core.retriever._base import BaseRetriever
from retrieverkit_core.retriever._origin import Origin, keep_prompts, shared_origin

if TYPE_CHECKING:
    from retrieverkit_core.spec import RetrieverSpec

__all__ = ["Step", "Weighted", "step"]

_SUM = "write 0.7 * a + 0.3 * b"


class Step:
    """A mode that waits for the retriever it stands around: ``a >> step`` builds it. It can be used again.

    Args:
        mode: The mode, or ``distribution:mode``.
        *retrievers: Further retrievers of the mode, after the one that comes.
        **options: The mode's options.
    """

    def __init__(self, mode: str, /, *retrievers: BaseRetriever, **options: Any) -> None:
        for retriever in retrievers:
            _check_retriever(retriever, f"step({mode!r}, ...)", "pass retrievers of the same index")
        self._mode, self._retrievers, self._options = mode, retrievers, options

    def __call__(self, retriever: BaseRetriever) -> BaseRetriever:
        """Return the mode's retriever around another.

        Raises:
            ConfigError: The mode or an option is wrong, or ``retriever`` is not one that an index made.
        """
        from retrieverkit_core.spec import RetrieverSpec

        _check_retriever(retriever, f"step({self._mode!r})", "give it a retriever")
        given, specs, origin = _taken([retriever, *self._retrievers])
        options = {name: _plain(value, given) for name, value in self._options.items()}
        return origin.build(RetrieverSpec(mode=self._mode, retrievers=specs, options=options), given)

    def __mod__(self, k: object) -> Step:
        limit = _checked_limit(k)
        _check_cut(self._options.get("top_k"), limit)
        return Step(self._mode, *self._retrievers, **{**self._options, "top_k": limit})

    def __repr__(self) -> str:
        told = [repr(self._mode), *map(repr, self._retrievers), *(f"{k}={v!r}" for k, v in self._options.items())]
        return f"step({', '.join(told)})"


def step(mode: str, /, *retrievers: BaseRetriever, **options: Any) -> Step:
    """Return a mode that stands around the retriever left of ``>>``.

    Args:
        mode: The mode, such as ``"rerank"``.
        *retrievers: Further retrievers of the mode, after the one that comes.
        **options: The mode's options.

    Raises:
        ConfigError: One of ``retrievers`` is not a retriever.
    """
    return Step(mode, *retrievers, **options)


class Weighted:
    """A retriever with a weight, to be added to others. It cannot be asked: alone, its weight would mean nothing.

    Attributes:
        weight: The weight.
        retriever: The retriever.
    """

    __array_ufunc__ = None

    def __init__(self, weight: float, retriever: BaseRetriever) -> None:
        self.weight, self.retriever = weight, retriever

    def __add__(self, other: object) -> BaseRetriever:
        return added(self, other)

    def __radd__(self, other: object) -> BaseRetriever:
        return added(other, self)

    def __mod__(self, k: object) -> Weighted:
        return Weighted(self.weight, cut(self.retriever, k))

    def __rshift__(self, other: object) -> Never:
        raise self._alone(">>")

    def __rmul__(self, other: object) -> Never:
        raise ConfigError(f"{self!r} has its weight already", fix="write the product as one number")

    def __mul__(self, other: object) -> Never:
        raise ConfigError("a weight stands on the left, once", fix=_SUM)

    def __getattr__(self, name: str) -> Never:
        if not name.startswith("_") and hasattr(BaseRetriever, name):
            raise self._alone(f".{name}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _alone(self, used: str) -> ConfigError:
        return ConfigError(
            f"{self!r} is used with {used} before it was added to another: alone, a weight means nothing",
            fix=f"leave the weight out, or {_SUM}, in brackets",
        )

    def __repr__(self) -> str:
        return f"{self.weight!r} * {self.retriever!r}"


def scaled(weight: object, retriever: BaseRetriever) -> Weighted:
    """Return ``weight * retriever``.

    Raises:
        ConfigError: It is not a weight: a finite number from 0 up.
    """
    if isinstance(weight, bool) or not isinstance(weight, Real):
        raise ConfigError(f"{shorten(repr(weight))} is not a weight", fix=_SUM)
    number = float(weight)
    if not isfinite(number) or number < 0.0:
        raise ConfigError(f"{number} is not a weight: weights are finite, and none is below 0", fix=_SUM)
    return Weighted(number, retriever)


def added(left: object, right: object) -> BaseRetriever:
    """Return ``left + right``: a fusion of what both add up, by weighted relative scores.

    Raises:
        ConfigError: One of them is not a retriever, or they cannot be fused.
    """
    from retrieverkit_core.spec import RetrieverSpec

    terms = [*_terms(left), *_terms(right)]
    given, specs, origin = _taken([term.retriever for term in terms])
    weights = [term.weight for term in terms]
    options = {"method": "relative_score", "weights": weights}
    whole = origin.build(RetrieverSpec(mode="fusion", retrievers=specs, options=options), given)
    whole._sum_of = (id(whole), tuple(weights))
    return whole


def piped(retriever: BaseRetriever, through: object) -> BaseRetriever:
    """Return ``retriever >> through``: what a function makes of the retriever.

    Raises:
        ConfigError: It is not a function, or does not make a retriever.
    """
    if not callable(through) or isinstance(through, BaseRetriever):
        raise ConfigError(
            f">> leads to a step, and {shorten(repr(through))} is not one",
            fix='write a >> step("rerank", by="mmr"), or a function from a retriever to a retriever',
        )
    made = through(retriever)
    _check_retriever(made, f"what {shorten(repr(through))} returned", "return a retriever")
    assert isinstance(made, BaseRetriever)
    return made


def cut(retriever: BaseRetriever, k: object) -> BaseRetriever:
    """Return ``retriever % k``: the same retriever with ``top_k=k``.

    Raises:
        ConfigError: It is not a limit, or the retriever is written with a lower one.
    """
    from retrieverkit_core.spec import RetrieverSpec

    limit = _checked_limit(k)
    _, (spec,), origin = _taken([retriever])
    _check_cut(spec.options.get("top_k"), limit)
    options = {**spec.options, "top_k": limit}
    shorter = RetrieverSpec(mode=spec.mode, provider=spec.provider, retrievers=spec.retrievers, options=options)
    built = origin.build(shorter, [])
    keep_prompts(retriever, built)
    return built


def _terms(operand: object) -> list[Weighted]:
    """Return what is added up: the terms of a sum, so that ``a + b + c`` is one fusion of three."""
    if isinstance(operand, Weighted):
        return [operand]
    _check_retriever(operand, "+", f"{_SUM}; for several in a list, write fusion in a mode string")
    assert isinstance(operand, BaseRetriever)
    owner, weights = operand._sum_of
    if owner == id(operand):
        return [Weighted(*term) for term in zip(weights, operand.sub_retrievers, strict=True)]
    return [Weighted(1.0, operand)]


def _taken(retrievers: Sequence[BaseRetriever]) -> tuple[list[BaseRetriever], tuple[RetrieverSpec, ...], Origin]:
    """Return the retrievers, their specs, and where one over all of them is built."""
    origin = shared_origin(retrievers)
    return list(retrievers), tuple(shared_origin([each]).spec for each in retrievers), origin


def _plain(value: object, given: list[BaseRetriever]) -> object:
    """Return an option's value with specs for the retrievers in it, which are added to ``given``."""
    if isinstance(value, BaseRetriever):
        shared_origin([*given, value])
        given.append(value)
        return shared_origin([value]).spec
    if isinstance(value, (list, tuple)):
        return [_plain(each, given) for each in value]
    if isinstance(value, Mapping):
        return {name: _plain(each, given) for name, each in value.items()}
    return value


def _check_retriever(given: object, used: str, fix: str) -> None:
    if isinstance(given, Weighted):
        raise given._alone(used)
    if not isinstance(given, BaseRetriever):
        raise ConfigError(f"{used}: {shorten(repr(given))} is not a retriever", fix=fix)


def _checked_limit(k: object) -> int:
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise ConfigError(f"% cuts to a number of hits, and {shorten(repr(k))} is not one", fix="write a % 10")
    return k


def _check_cut(written: object, limit: int) -> None:
    if isinstance(written, int) and written < limit:
        raise ConfigError(
            f"% {limit} cuts what is cut to top_k={written} already", fix="leave it out, or raise the top_k"
        )
