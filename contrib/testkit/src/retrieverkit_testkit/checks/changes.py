"""What is added, changed and deleted is seen."""

from __future__ import annotations

import random
import threading

from retrieverkit import Index
from retrieverkit_core.filters import MetadataFilters
from retrieverkit_core.nodes import Document
from retrieverkit_core.query import QueryBundle
from retrieverkit_testkit.answers import ensure_same, ids, scored
from retrieverkit_testkit.capabilities import Capability, Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.library import SHARED, library, twins
from retrieverkit_testkit.subjects import Subject, Trial
from retrieverkit_testkit.verdicts import ensure

_NEW = Document("The walrus report describes tusks and ice floes", id="walrus", metadata={"year": 1961, "tenant": "x"})


@check(needs=(Trait.MODE,))
def check_an_insert_is_seen(subject: Subject) -> None:
    """A document is found at once after it was added, by a retriever that was made and asked before.

    To mend: ask the index for its reader in each call, and keep no copy of what it read. A ``DerivedIndex`` catches
    up by itself.
    """
    with subject.over(library()) as trial:
        trial.ask(_NEW.text, top_k=20)
        _index(trial).add(_NEW)
        found = ids(trial.ask(_NEW.text, top_k=20))
        ensure("walrus" in found, f"the new document is not found: {found}")
        found = ids(trial.ask(_NEW.text, top_k=20, scope=MetadataFilters.parse("tenant == 'x'")))
        ensure(found == ["walrus"], f"under a scope of its own the new document is not found: {found}")


@check(needs=(Trait.MODE,))
def check_a_delete_is_seen(subject: Subject) -> None:
    """A deleted document is never found again, by a retriever that was made and asked before.

    To mend: take deleted ordinals out of every table in ``update``, or raise ``RebuildRequired``.
    """
    with subject.over([*library(), _NEW]) as trial:
        trial.ask(_NEW.text, top_k=20)
        _index(trial).delete(["walrus"])
        found = ids(trial.ask(_NEW.text, top_k=20))
        ensure("walrus" not in found, "the deleted document is found")


@check(needs=(Trait.MODE,))
def check_an_update_replaces(subject: Subject) -> None:
    """A document that is added again with another text or metadata takes the old one's place everywhere.

    To mend: treat a changed node as removed and added; look nodes up in the corpus when you answer.
    """
    with subject.over([*library(), _NEW]) as trial:
        trial.ask(_NEW.text, top_k=20)
        changed = Document("The penguin report tells of krill and pebbles", id="walrus", metadata={"year": 2000})
        _index(trial).add(changed)
        for text in (_NEW.text, changed.text):
            hits = [hit for hit in trial.ask(text, top_k=20) if hit.ref_doc_id == "walrus"]
            ensure(all(hit.node.text == changed.text for hit in hits), "the old text is found")
            ensure(len(hits) <= 1, "the old and the new one are both found")
        found = ids(trial.ask(changed.text, top_k=20))
        ensure("walrus" in found, f"the new text is not found: {found}")
        old = ids(trial.ask(SHARED, top_k=20, filters=MetadataFilters.parse("tenant == 'north' or year == 1961")))
        ensure("walrus" not in old, "a filter on the old metadata finds the document")


@check(Capability.LEXICAL, needs=(Trait.MODE,))
def check_old_words_are_forgotten(subject: Subject) -> None:
    """A changed document is no longer found by words that it does not have any more.

    To mend: remove the old node's terms in ``update``.
    """
    with subject.over([*library(), _NEW]) as trial:
        trial.ask("walrus", top_k=20)
        _index(trial).add(Document("The penguin report tells of krill", id="walrus"))
        found = ids(trial.ask("tusks", top_k=20))
        ensure(not found, f"a word of the old text found {found}")


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_add_then_delete_equals_never_added(subject: Subject) -> None:
    """Documents that were added and deleted leave no trace: the same hits, the same order, the same scores.

    To mend: look for statistics that deletes do not reach, such as document frequencies, average lengths, centroids
    or a fitted model; build anew where they cannot be taken back.
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
        _index(trial).add(library())
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
        index.add([_NEW, library()[0]])
        found = ids(trial.ask(_NEW.text, top_k=5))
        ensure("walrus" in found, f"what was added to an emptied corpus is not found: {found}")


@check(Capability.EXHAUSTIVE, needs=(Trait.MODE,))
def check_many_changes_equal_a_new_index(subject: Subject) -> None:
    """After any adds, changes and deletes, with queries in between, exactly the documents that are there are found.

    To mend: compare ``update`` with ``build``; look at nodes that are removed and added in one step.
    """
    choose = random.Random(7)  # noqa: S311 - to be the same in each run
    there: dict[str, int] = {}
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
                    index.add(Document(f"shared word {turn}", id=name, metadata={"turn": turn}))
            found = {hit.ref_doc_id: hit.node.metadata["turn"] for hit in trial.ask("shared", top_k=100)}
            ensure(found == there, f"after some changes {sorted(found)} were found instead of {sorted(there)}")
            kept = sorted(
                ids(trial.ask("shared", top_k=100, filters=MetadataFilters.parse(f"turn == {turn}"))) if there else []
            )
            expected = sorted(name for name, number in there.items() if number == turn)
            ensure(kept == expected or not expected, f"under a filter {kept} were found instead of {expected}")


@check(needs=(Trait.MODE,))
def check_ordinary_changes_need_no_repair(subject: Subject) -> None:
    """Adds, changes and deletes are applied to the index; it never turns out wrong and has to be made anew.

    To mend: ``Index.derived()`` tells why it was: an ``update`` that failed, or left nodes in that are gone.
    """
    with subject.over(library()) as trial:
        index = _index(trial)
        for step in (
            lambda: index.add(_NEW),
            lambda: index.add(Document("Another walrus report", id="walrus")),
            lambda: index.delete(["walrus"]),
            lambda: index.delete(["herring"]),
        ):
            trial.ask(SHARED, top_k=50)
            trial.ask("walrus herring", top_k=50, filters=MetadataFilters.parse("year > 1900 or is_empty(year)"))
            step()
        trial.ask(SHARED, top_k=50)
        for status in index.derived():
            told = f"the index {status.name} was made anew: {status.last_rebuild_reason}"
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
            ensure(found == anew, f"at top_k={k}, {found} was found, and {anew} when the index was made anew")


@check(needs=(Trait.MODE,))
def check_another_writer_is_seen(subject: Subject) -> None:
    """What another handle of the same index adds and deletes, as another process would, is seen.

    To mend: compare the corpus's head with your cursor in each call; do not rely on being told.
    """
    with subject.over(library()) as trial:
        trial.ask(_NEW.text, top_k=20)
        with subject.mode.open(_index(trial).path) as other:
            other.add(_NEW)
            found = ids(trial.ask(_NEW.text, top_k=20))
            ensure("walrus" in found, "what another handle added is not found")
            other.delete(["walrus"])
            found = ids(trial.ask(_NEW.text, top_k=20))
            ensure("walrus" not in found, "what another handle deleted is found")


@check(Capability.EXHAUSTIVE, needs=(Trait.MODE,))
def check_readers_beside_a_writer_see_whole_changes(subject: Subject) -> None:
    """While one thread adds pairs of documents, readers see both of a pair or neither, and never the past again.

    To mend: answer from one consistent state: take a reader once in a call, and use it for all of the call.
    """
    steady = [Document(f"steady words {n}", id=f"s{n}") for n in range(5)]
    problems: list[str] = []
    with subject.over(steady) as trial:
        stop = threading.Event()

        def read() -> None:
            seen = 0
            while not stop.is_set() and not problems:
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
        _index(trial).add(library()[6:])
        later = trial.another(None)
        for text in (SHARED, library()[8].text):
            expected = scored(later.retrieve(QueryBundle(text, top_k=20)))
            ensure_same(trial.scored(text, top_k=20), expected, "the retriever that was made before, asked")


def _index(trial: Trial) -> Index:
    assert trial.index is not None
    return trial.index
