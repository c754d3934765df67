"""What is added, changed and deleted is seen."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from retrieverkit import Index
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.nodes import Document
from retrieverkit_core.query import QueryBundle
from retrieverkit_testkit.answers import Scored, ensure_alike, ensure_same, ids, scored
from retrieverkit_testkit.asking import in_loop
from retrieverkit_testkit.capabilities import Capability, Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.library import SHARED, chapters, library, own_text, put, twins
from retrieverkit_testkit.subjects import Subject, Trial
from retrieverkit_testkit.verdicts import NothingToCheck, ensure

_TEXT = "The walrus report describes tusks and ice floes"
_NEW = chapters(_TEXT, "Blubber keeps it warm", id="walrus", metadata={"year": 1961, "tenant": "x"})
_TEXTS = (SHARED, _TEXT, "Blubber keeps it warm", own_text(library()[3]))


@check(Capability.RANKS_BY_QUERY, needs=(Trait.MODE,))
def check_an_insert_is_seen(subject: Subject) -> None:
    """A document is found at once after it was added, by a retriever that was made and asked before.

    To mend: ask the index for its reader in each call, and keep no copy of what it read. A ``DerivedIndex`` catches
    up by itself.
    """
    with subject.over(library()) as trial:
        trial.ask(_TEXT, top_k=20)
        put(_index(trial), [_NEW])
        found = trial.ask(_TEXT, top_k=20)
        ensure("walrus" in ids(found), f"the new document is not found: {ids(found)}")
        found = trial.ask(_TEXT, top_k=20, scope=MetadataFilters.parse("tenant == 'x'"))
        ensure(ids(found) == ["walrus"], f"under a scope of its own the new document is not found: {ids(found)}")


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_an_index_that_grew_equals_one_made_at_once(subject: Subject) -> None:
    """After documents were added, changed and deleted, each answer is that of a new index of what is there.

    To mend: what is fitted to the corpus, such as weights, averages or centroids, is fitted again when it has grown.
    """
    rest = [
        Document(f"walrus report {n} about tusks and herring", id=f"more{n}", metadata={"year": n}) for n in range(30)
    ]
    gone = [document.id for document in library()[1:4]]
    changed = Document("Greenhouse report: the fern unrolls its fronds", id="orchid", metadata={"year": 1988})
    with subject.over([*library()[:8]]) as trial:
        index = _index(trial)
        _ask_all(trial)
        put(index, [*library()[8:], _NEW])
        _ask_all(trial)
        put(index, rest)
        _ask_all(trial)
        index.delete(gone)
        put(index, [changed])
        grown = _ask_all(trial)
        there = [*library()[:1], *library()[4:], _NEW, *rest, changed]
        with subject.over(there) as other:
            for text, found, expected in zip(_TEXTS, grown, _ask_all(other), strict=True):
                ensure_alike(found, expected, f"after changes, {text!r}", subject.nearness)


@check(needs=(Trait.MODE,))
def check_a_delete_is_seen(subject: Subject) -> None:
    """A deleted document is never found again, by a retriever that was made and asked before.

    To mend: take deleted ordinals out of every table in ``update``, or raise ``RebuildRequired``.
    """
    with subject.over([*library(), _NEW]) as trial:
        for text in _TEXTS:
            trial.ask(text, top_k=20)
        _index(trial).delete(["walrus"])
        for text in _TEXTS:
            found = ids(trial.ask(text, top_k=20))
            ensure("walrus" not in found, f"the deleted document is found by {text!r}")


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_every_way_of_asking_sees_changes(subject: Subject) -> None:
    """After a document was added and another deleted, async calls and batches answer as sync calls do.

    To mend: let all ways share one reader, and take it again in each call.
    """
    with subject.over(library()) as trial:
        retriever = trial.retriever
        query = QueryBundle(_TEXT, top_k=20)

        def ask() -> dict[str, Scored]:
            return {
                "aretrieve": scored(in_loop(retriever.aretrieve(query))),
                "retrieve_many": scored(retriever.retrieve_many([query, SHARED])[0]),
                "aretrieve_many": scored(in_loop(retriever.aretrieve_many([query, SHARED]))[0]),
            }

        ask()
        put(_index(trial), [_NEW])
        _index(trial).delete(["comet"])
        for way, found in ask().items():
            ensure_same(found, scored(retriever.retrieve(query)), f"after changes, {way}", tolerance=1e-5)


@check(needs=(Trait.MODE,))
def check_an_update_replaces(subject: Subject) -> None:
    """A document that is added again with another text or metadata takes the old one's place everywhere.

    To mend: treat a changed node as removed and added; look nodes up in the corpus when you answer.
    """
    changed = Document("The penguin report tells of krill and pebbles", id="walrus", metadata={"year": 2000})
    with subject.over([*library(), _NEW]) as trial:
        trial.ask(_TEXT, top_k=20)
        _index(trial).add(changed)
        for text in (*_NEW.passages, changed.text):
            hits = [hit for hit in trial.ask(text, top_k=20) if hit.ref_doc_id == "walrus"]
            ensure(all(hit.node.text == changed.text for hit in hits), "the old text is found")
            ensure(len(hits) <= 1, "the old and the new one are both found")
        found = ids(trial.ask(changed.text, top_k=20))
        with subject.over([*library(), changed]) as other:
            expected = "walrus" in ids(other.ask(changed.text, top_k=20))
        ensure("walrus" in found or not expected, f"the new text is not found: {found}")
        old = ids(trial.ask(SHARED, top_k=20, filters=MetadataFilters.parse("tenant == 'north' or year == 1961")))
        ensure("walrus" not in old, "a filter on the old metadata finds the document")


@check(Capability.LEXICAL, needs=(Trait.MODE,))
def check_old_words_are_forgotten(subject: Subject) -> None:
    """A changed document is no longer found by words that it does not have any more.

    To mend: remove the old node's terms in ``update``.
    """
    with subject.over([*library(), _NEW, Document("The seal report describes whiskers", id="seal")]) as trial:
        trial.ask("walrus", top_k=20)
        for name in ("walrus", "seal"):
            _index(trial).add(Document("The penguin report tells of krill", id=name))
        for word in ("tusks", "blubber", "whiskers"):
            found = ids(trial.ask(word, top_k=20))
            ensure(not found, f"a word of the old text found {found}")


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_add_then_delete_equals_never_added(subject: Subject) -> None:
    """Documents that were added and deleted leave no trace: the same hits, the same order, the same scores.

    To mend: look for statistics that deletes do not reach, such as document frequencies, average lengths, centroids
    or a fitted model; build again where they cannot be taken back.
    """
    extra = [Document(f"herring herring report {n}", id=f"extra{n}", metadata={"year": n}) for n in range(3)]
    with subject.over(library()) as never, subject.over(library()) as was:
        was.ask(SHARED, top_k=20)
        _index(was).add(extra)
        was.ask(SHARED, top_k=20)
        _index(was).delete([document.id for document in extra])
        for text in (SHARED, "herring", library()[0].text, "herring comet report"):
            ensure_same(was.scored(text, top_k=50), never.scored(text, top_k=50), f"after add and delete, {text!r}")


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_adding_the_same_again_changes_nothing(subject: Subject) -> None:
    """Documents that are added unchanged change no answer.

    To mend: derive everything from the corpus's change log, which has no entry for an unchanged document.
    """
    with subject.over(library()) as trial:
        expected = trial.scored(SHARED, top_k=50)
        put(_index(trial), library())
        ensure_same(trial.scored(SHARED, top_k=50), expected, "after the same was added again, the answer")


@check(needs=(Trait.MODE,))
def check_an_emptied_corpus_finds_nothing(subject: Subject) -> None:
    """When all documents are deleted nothing is found, and what is added then is found again.

    To mend: an index of nothing must be possible, by ``update`` as by ``build``.
    """
    with subject.over(library()) as trial:
        trial.ask(SHARED, top_k=5)
        index = _index(trial)
        index.delete([document.id for document in library()])
        found = ids(trial.ask(SHARED, top_k=5))
        ensure(not found, f"in an emptied corpus {found} were found")
        put(index, [_NEW, library()[0]])
        found = ids(trial.ask(_TEXT, top_k=5))
        with subject.over([_NEW, library()[0]]) as other:
            expected = ids(other.ask(_TEXT, top_k=5))
        same_found = set(found) == set(expected)
        ensure(same_found, f"what was added to an emptied corpus finds {found} instead of {expected}")


@check(needs=(Trait.MODE,))
def check_many_changes_equal_a_new_index(subject: Subject) -> None:
    """After any adds, changes and deletes, with queries in between, what is found is there, and as much as at first.

    To mend: compare ``update`` with ``build``; look at nodes that are removed and added in one step.
    """
    choose = random.Random(7)  # noqa: S311 - to be the same in each run
    there: dict[str, int] = {}
    complete = True
    with subject.over([]) as trial:
        index = _index(trial)
        for turn in range(4 if subject.quick else 10):
            for _ in range(choose.randrange(1, 6)):
                name = f"d{choose.randrange(12)}"
                if name in there and choose.random() < 0.4:
                    index.delete([name])
                    del there[name]
                else:
                    there[name] = turn
                    put(index, [_of_turn(name, turn)])
            found = {str(hit.ref_doc_id): hit.node.metadata["turn"] for hit in trial.ask("shared", top_k=100)}
            past = {name: number for name, number in found.items() if there.get(name) != number}
            ensure(not past, f"after some changes {past} were found, which are not there any more")
            complete = complete and (turn > 0 or found == there)
            ensure(not complete or found == there, f"after some changes {sorted(set(there) - set(found))} are lost")
            if there:
                now = ids(trial.ask("shared", top_k=100, filters=MetadataFilters.parse(f"turn == {turn}")))
                expected = {name for name in found if there[name] == turn}
                ensure(expected <= set(now), f"under a filter {sorted(expected - set(now))} are lost")


@check(needs=(Trait.MODE,))
def check_ordinary_changes_need_no_repair(subject: Subject) -> None:
    """Adds, changes and deletes are applied to the index; it never turns out wrong and has to be made again.

    To mend: ``Index.derived()`` tells why it was: an ``update`` that failed, or left nodes in that are gone.
    """
    with subject.over(library()) as trial:
        index = _index(trial)
        steps: tuple[Callable[[], object], ...] = (
            lambda: put(index, [_NEW]),
            lambda: index.add(Document("Another walrus report", id="walrus")),
            lambda: index.delete(["walrus"]),
            lambda: index.delete(["herring"]),
        )
        for step in steps:
            trial.ask(SHARED, top_k=50)
            trial.ask("walrus herring", top_k=50, filters=MetadataFilters.parse("year > 1900 or is_empty(year)"))
            step()
        trial.ask(SHARED, top_k=50)
        for status in index.derived():
            told = f"the index {status.name} was made again: {status.last_rebuild_reason}"
            ensure(not status.rebuilds, told)


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_order_does_not_depend_on_how_the_index_grew(subject: Subject) -> None:
    """Equal documents that were added little by little have the order that they have in an index made at once.

    To mend: break ties by the ordinal or the id, not by the place in an engine's files; also where ``top_k`` cuts.
    """
    same = twins()
    with subject.over(same[:5]) as trial:
        for at in range(5, len(same)):
            trial.ask("twin words", top_k=3)
            _index(trial).add(same[at])
        limits = range(1, len(same) + 1)
        grown = [ids(trial.ask("twin words", top_k=k)) for k in limits]
        _index(trial).reindex()
        retriever = trial.another(None)
        for k, found in zip(limits, grown, strict=True):
            anew = ids(retriever.retrieve(QueryBundle("twin words", top_k=k)))
            ensure(found == anew, f"at top_k={k}, {found} was found, and {anew} when the index was made again")


@check(needs=(Trait.MODE,))
def check_another_writer_is_seen(subject: Subject) -> None:
    """What another handle of the same index adds and deletes, as another process would, is seen.

    To mend: compare the corpus's head with your cursor in each call; do not rely on being notified.
    """
    with subject.over(library()) as trial:
        trial.ask(_TEXT, top_k=20)
        with subject.mode.open(_index(trial).path) as other:
            put(other, [_NEW])
            found = ids(trial.ask(_TEXT, top_k=20))
            seen = ids(subject.mode.on(other).ask(_TEXT, top_k=20))
            ensure("walrus" in found or "walrus" not in seen, "what another handle added is not found")
            other.delete(["walrus"])
            found = ids(trial.ask(_TEXT, top_k=20))
            ensure("walrus" not in found, "what another handle deleted is found")


@check(needs=(Trait.MODE,))
def check_readers_beside_a_writer_see_whole_changes(subject: Subject) -> None:
    """While one thread adds pairs of documents, readers see both of a pair or neither, and never the past again.

    To mend: answer from one consistent state: take a reader once in a call, and use it for all of the call.
    """
    steady = [Document(f"steady words {n}", id=f"s{n}") for n in range(5)]
    problems: list[str] = []
    with subject.over([*steady, *(Document(f"steady pair {n}", id=f"q{n}") for n in range(4))]) as trial:
        if len(ids(trial.ask("steady", top_k=1000))) < 9:
            raise NothingToCheck("a word of all documents does not find all of them")
        trial.index.delete([f"q{n}" for n in range(4)])  # type: ignore[union-attr]
        stop = threading.Event()

        def read() -> None:
            seen = 0
            last = False
            while not last and not problems:
                last = stop.is_set()  # then one more answer: with everything there is
                try:
                    found = ids(trial.ask("steady", top_k=1000))
                except Exception as error:
                    problems.append(f"{type(error).__name__}: {error}")
                    return
                pairs = sum(name.startswith("p") for name in found)
                if pairs % 2 or len(found) < max(seen, 5) or len(found) != len(set(found)):
                    problems.append(f"{len(found)} hits after {seen}, {pairs} of them of pairs")
                seen = len(found)

        readers = [threading.Thread(target=read, daemon=True) for _ in range(4)]
        for reader in readers:
            reader.start()
        for n in range(3 if subject.quick else 10):
            _index(trial).add([Document(f"steady pair {n}", id=f"p{n}{half}") for half in "ab"])
        stop.set()
        for reader in readers:
            reader.join()
        ensure(not problems, f"beside a writer: {problems[:1]}")


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_two_retrievers_of_one_index_agree(subject: Subject) -> None:
    """A retriever made before changes and one made after them answer alike.

    To mend: let both read the same derived index; what one keeps for itself grows old.
    """
    with subject.over(library()[:6]) as trial:
        trial.ask(SHARED, top_k=20)
        put(_index(trial), library()[6:])
        later = trial.another(None)
        for text in (SHARED, library()[8].text):
            expected = scored(later.retrieve(QueryBundle(text, top_k=20)))
            ensure_same(trial.scored(text, top_k=20), expected, "the retriever that was made before, asked")


def _of_turn(name: str, turn: int) -> Document:
    metadata = {"turn": turn}
    if name.endswith(("3", "7")):
        return chapters(f"shared word {turn}", f"shared passage {turn}", id=name, metadata=metadata)
    return Document(f"shared word {turn}", id=name, metadata=metadata)


def _ask_all(trial: Trial) -> list[Scored]:
    return [trial.scored(text, top_k=100) for text in _TEXTS]


def _index(trial: Trial) -> Index:
    assert trial.index is not None
    return trial.index
