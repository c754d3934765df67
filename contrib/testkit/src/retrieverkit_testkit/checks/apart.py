"""Two indexes in one process know nothing of each other."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.nodes import Document
from retrieverkit_testkit.answers import document_of, ensure_same, ids
from retrieverkit_testkit.asking import in_loop
from retrieverkit_testkit.capabilities import Capability, Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.library import put
from retrieverkit_testkit.subjects import Subject, Trial
from retrieverkit_testkit.verdicts import ensure

_WORDS = ("anchor", "basket", "candle", "dagger", "engine", "feather")
_SHARED = "shared notes"


def _documents(shift: int) -> list[Document]:
    """Return documents of the same ids and sizes, whose words and metadata have moved on by ``shift`` places."""
    return [
        Document(
            f"{_SHARED} on the {_WORDS[(n + shift) % len(_WORDS)]} of side {shift}",
            id=f"d{n}",
            metadata={"side": shift, "place": (n + shift) % len(_WORDS)},
        )
        for n in range(len(_WORDS))
    ]


@check()
def check_two_indexes_do_not_mix(subject: Subject) -> None:
    """Two indexes of as many documents, with the same ids and changes and asked the same, answer from their own.

    To mend: keep nothing in the module or the class; key caches by the corpus's id beside the change number, or put
    them on the retriever.
    """
    with subject.over(_documents(0)) as first, subject.over(_documents(1)) as second:
        for _ in range(2):
            _ensure_own(first, 0)
            _ensure_own(second, 1)
        for side, trial in enumerate((first, second)):
            result = in_loop(trial.retriever.aretrieve(_SHARED))
            ensure(all(hit.node.metadata["side"] == side for hit in result), "aretrieve finds what is in another index")
            for each in trial.retriever.retrieve_many([_SHARED, _WORDS[0]]):
                ensure(all(hit.node.metadata["side"] == side for hit in each), "a batch finds what is in another index")


@check(Capability.RANKS_BY_QUERY)
def check_two_indexes_rank_by_their_own_words(subject: Subject) -> None:
    """Two indexes of as many documents, whose texts stand under other ids, each find their own document first.

    To mend: as for two indexes that mix.
    """
    mixed = [Document(one.text, id=other.id) for one, other in zip(_documents(0)[::-1], _documents(0), strict=True)]
    with subject.over(_documents(0)) as first, subject.over(mixed) as second:
        for trial, documents in ((first, _documents(0)), (second, mixed)):
            for word in _WORDS:
                trial.ask(word, top_k=20)
            for document in documents:
                found = ids(trial.ask(document.text, top_k=20))
                ensure(found[:1] == [document.id], f"{document.text!r} finds {found[:1]}, as in another index")


@check(Capability.DETERMINISTIC)
def check_an_index_beside_another_answers_as_alone(subject: Subject) -> None:
    """The answers and scores of one index do not depend on what another one holds or was asked.

    To mend: as for two indexes that mix; look for shared statistics, models and readers.
    """
    texts = (_SHARED, *_WORDS[:3])
    others = [Document(f"{_SHARED} {' '.join(_WORDS)} {n}", id=f"d{n}", metadata={"side": 5}) for n in range(6)]
    with subject.over(_documents(0)) as alone:
        expected = [alone.scored(text, top_k=20) for text in texts]
    with subject.over(others) as other, subject.over(_documents(0)) as trial:
        for text, wanted in zip(texts, expected, strict=True):
            other.ask(text, top_k=20)
            ensure_same(trial.scored(text, top_k=20), wanted, f"beside another index, {text!r}")


@check(needs=(Trait.MODE,))
def check_another_index_in_the_same_folder_is_another(subject: Subject) -> None:
    """Where an index is removed and another one made in the same folder, nothing of the first is left in the process.

    To mend: a path is not a key: compare the corpus's id, which is random, and its cursor.
    """
    with tempfile.TemporaryDirectory(prefix="retrieverkit-check-", ignore_cleanup_errors=True) as name:
        folder = Path(name, "index")
        for side in range(2):
            with subject.mode.open(folder) as index:
                put(index, _documents(side))
                _ensure_own(subject.mode.on(index), side)
            shutil.rmtree(folder)


def _ensure_own(trial: Trial, side: int) -> None:
    own = {document.id: document.text for document in _documents(side)}
    for text in (_SHARED, *_WORDS):
        for filters in (None, MetadataFilters.parse("place < 3")):
            for hit in trial.ask(text, top_k=20, filters=filters):
                same = hit.node.text == own[document_of(hit)] and hit.node.metadata["side"] == side
                ensure(same, f"{text!r} finds {hit.node.text!r}, which is in another index")
