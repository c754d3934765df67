"""From a model, or the spec of one, to what modes are given."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

from retrieverkit.asked_models.asked import Asked
from retrieverkit.cassettes import current
from retrieverkit_core.errors import NotRecordedError, RetrieverKitError, shorten
from retrieverkit_core.services import BoundedEmbedder, CorpusEmbedder, MeteredEmbedder

_objects: WeakValueDictionary[int, Asked] = WeakValueDictionary()
_objects_guard = threading.Lock()


def asked_object(model: Any, kind: str) -> Any:
    """Return the asked model of an object that a user gave; the same one for the same object.

    A `CorpusEmbedder` is returned as it is: it is fitted to the corpus here, and asks nobody.
    """
    if isinstance(model, (Asked, CorpusEmbedder)):
        return model
    with _objects_guard:
        found = _objects.get(id(model))
        if found is None:  # as long as it lives it holds the model, so that the id is that model's
            found = _objects[id(model)] = _asked(kind, f"object:{_called(model, kind)}", lambda: model, model)
            found._made = model
        return found


def _called(model: Any, kind: str) -> str:
    return str(model.name if kind == "llm" else model.fingerprint)


def asked_spec(kind: str, spec: str, make: Callable[[], Any]) -> Any:
    """Return the asked model that a spec names.

    Args:
        kind: ``"llm"`` or ``"embedding"``.
        spec: The spec.
        make: Makes the model. It is called at once, unless the cassette that is played knows the model.
    """
    tape = current()
    known = None if tape is None else tape.model(kind, spec)
    if known is not None:
        return _asked(kind, spec, make, known)
    try:
        model = make()
    except RetrieverKitError as error:
        others = [] if tape is None or tape.records else tape.specs(kind)
        if not others:
            raise
        told = [f"the {kind} is {shorten(other, 100)}" for other in others]
        raise NotRecordedError(tape.path if tape else "", spec, differences=told) from error
    if isinstance(model, CorpusEmbedder):
        return model
    found = _asked(kind, spec, make, model)
    found._made = model
    return found


def _asked(kind: str, spec: str, make: Callable[[], Any], like: Any) -> Asked:
    """Return an asked model that has what ``like``, a model or what a cassette knows of one, has."""
    if kind == "llm":
        from retrieverkit.asked_models.language import AskedModel  # not for a search that asks no model

        return AskedModel(spec, make)
    from retrieverkit.asked_models.embeddings import embedder_class

    if isinstance(like, dict):
        metered, bounded = "texts_per_call" in like, "max_tokens" in like
    else:
        metered, bounded = isinstance(like, MeteredEmbedder), isinstance(like, BoundedEmbedder)
    return embedder_class(metered=metered, bounded=bounded)(spec, make)


def _after_fork() -> None:
    global _objects_guard
    _objects_guard = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
