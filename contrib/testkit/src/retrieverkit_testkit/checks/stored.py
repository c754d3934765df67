"""What is kept in the index's folder can be trusted, or is made again."""

from __future__ import annotations

import gc
import random
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path

from retrieverkit import Index
from retrieverkit_core.nodes import Document
from retrieverkit_core.query import QueryBundle
from retrieverkit_testkit.answering import answers_elsewhere
from retrieverkit_testkit.answers import Scored, ensure_alike, ensure_same, scored
from retrieverkit_testkit.capabilities import Capability, Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.checks.results import ensure_whole
from retrieverkit_testkit.children import can_fork, count_writes, killed_at_write
from retrieverkit_testkit.library import SHARED, chapters, library, put
from retrieverkit_testkit.subjects import ModeSubject, Subject, Trial
from retrieverkit_testkit.verdicts import NothingToCheck, ensure

_TEXTS = (SHARED, "herring comet", library()[2].text, "gulls trawler home")
_DERIVED = "derived"
_PICKLE_NAMES = {".pkl", ".pickle", ".joblib", ".pt", ".pth"}


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_reopening_gives_the_same(subject: Subject) -> None:
    """An index that was closed gives the same answers when it is opened again, also for reading only.

    To mend: store all that the answers depend on, or make it again from the corpus in the same way.
    """
    with _kept(subject.mode, library()) as (folder, expected):
        _ensure_answers(subject.mode, folder, expected, "opened again")
        _ensure_answers(subject.mode, folder, expected, "opened for reading only", read_only=True)


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_changes_survive_reopening(subject: Subject) -> None:
    """What was deleted, changed and added, seen by a query or not, is so when the index is opened again.

    To mend: store what is deleted with the rest, before the cursor; what only the process knows is gone with it.
    """
    for asked in (True, False):
        with _kept(subject.mode, library()) as (folder, _):
            there = _change(subject.mode, folder, asked)
            with subject.over(there) as trial:
                expected = _answers(trial)
            told = "asked for and closed" if asked else "closed at once"
            with subject.mode.open(folder) as index:
                found = _answers(subject.mode.on(index))
            for text, answer, wanted in zip(_TEXTS, found, expected, strict=True):
                ensure_alike(
                    answer, wanted, f"after changes that were {told}, and opening again, {text!r}", subject.nearness
                )


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,), thorough=True)
def check_another_process_sees_changes(subject: Subject) -> None:
    """Another process that opens an index of which documents were deleted and changed finds what is there now.

    To mend: as for reopening; and no cache of your own outlives a change in the corpus.
    """
    recipe = subject.recipe()
    with _kept(subject.mode, library()) as (folder, _):
        there = _change(subject.mode, folder, True)
        found = answers_elsewhere({**recipe, "folder": str(folder), "queries": _TEXTS})
        with subject.over(there) as trial:
            for text, answer, wanted in zip(_TEXTS, found, _answers(trial), strict=True):
                ensure_alike(answer, wanted, f"after changes, in another process, {text!r}", subject.nearness)


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,), thorough=True)
def check_what_another_process_deletes_is_gone(subject: Subject) -> None:
    """A document that another process deletes is not found by a retriever of this one that is open.

    To mend: compare the corpus's head with your cursor in each call.
    """
    recipe = subject.recipe()
    with _kept(subject.mode, library()) as (folder, _), subject.mode.open(folder) as index:
        trial = subject.mode.on(index)
        _answers(trial)
        task = {**recipe, "folder": str(folder), "queries": _TEXTS, "deleted": ["herring", "comet"]}
        for answer in (*answers_elsewhere(task), *_answers(trial)):
            found = {name for name, _ in answer} & {"herring", "comet"}
            ensure(not found, f"{sorted(found)} were deleted by another process and are found")


@check(needs=(Trait.MODE, Trait.OWN_NODES))
def check_nodes_are_whole_after_reopening(subject: Subject) -> None:
    """Hits of an index that was opened again are the corpus's nodes: text, metadata, offsets and neighbours.

    To mend: fetch nodes from the corpus when you answer, in place of copies of your own.
    """
    with _kept(subject.mode, library()) as (folder, _), subject.mode.open(folder) as index:
        trial = subject.mode.on(index)
        for text in _TEXTS:
            for hit in trial.ask(text, top_k=20):
                ensure_whole(trial, hit.node)


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,), thorough=True)
def check_a_process_killed_at_a_write_leaves_a_sound_index(subject: Subject) -> None:
    """Wherever a process is killed while it brings the index up to date, the next one answers as a new index does.

    To mend: write the data first, then the cursor, and publish both at once by a rename; ``DerivedIndex`` does.
    """
    if not can_fork():
        raise NothingToCheck("this system has no fork")
    new = [Document(f"kept report about herring {n}", id=f"kept{n}") for n in range(2)]
    with subject.over([*library()[1:], *new]) as trial:
        expected = _answers(trial)
    with _kept(subject.mode, library()) as (folder, _):
        with subject.mode.open(folder) as index:
            index.delete([library()[0].id])
            index.add(new)
        with _copied(folder) as copy:
            steps = count_writes(copy / _DERIVED, lambda: _open_and_answer(subject.mode, copy))
        if not steps:
            raise NothingToCheck("the mode keeps no files in the index's folder")
        for step in subject.few(range(1, steps + 1), calls=20)[:: max(1, steps // 12)]:
            with _copied(folder) as copy:
                killed_at_write(step, copy / _DERIVED, partial(_open_and_answer, subject.mode, copy))
                with subject.mode.open(copy) as index:
                    found = _answers(subject.mode.on(index))
                for text, answer, wanted in zip(_TEXTS, found, expected, strict=True):
                    ensure_alike(
                        answer,
                        wanted,
                        f"after a process was killed at its write {step} of {steps}, {text!r}",
                        subject.nearness,
                    )


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_a_deleted_index_folder_is_rebuilt(subject: Subject) -> None:
    """The folder of derived indexes may be deleted at any time; it is made again, and the answers are the same.

    To mend: keep nothing there that the corpus does not hold, and expect it to be gone in each call.
    """
    with _kept(subject.mode, library()) as (folder, expected):
        with subject.mode.open(folder) as index:
            trial = subject.mode.on(index)
            trial.ask(SHARED, top_k=5)
            shutil.rmtree(folder / _DERIVED, ignore_errors=True)
            index.add(Document("the walrus report", id="walrus"))
            index.delete(["walrus"])
            for text, wanted in zip(_TEXTS, expected, strict=True):
                ensure_same(trial.scored(text, top_k=20), wanted, "after the folder was deleted in use, the answer")
        shutil.rmtree(folder / _DERIVED, ignore_errors=True)
        _ensure_answers(subject.mode, folder, expected, "without its derived folder")


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_a_missing_index_file_is_noticed(subject: Subject) -> None:
    """Whatever file of a derived index is missing, it is made again, and the answers are the same.

    To mend: store files through ``DerivedIndex``, whose manifest names each of them.
    """
    _damage(subject, "missing", lambda path, _: path.unlink())


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_a_truncated_index_file_is_noticed(subject: Subject) -> None:
    """Whatever file of a derived index is cut short, it is made again, and the answers are the same.

    To mend: store files through ``DerivedIndex``, whose manifest holds their sizes and hashes.
    """
    _damage(subject, "cut short", lambda path, _: _put(path, path.read_bytes()[: path.stat().st_size // 2]))


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_a_flipped_bit_is_noticed(subject: Subject) -> None:
    """Whatever bit of a derived index is another, it is made again, and the answers are the same.

    To mend: store files through ``DerivedIndex``, whose manifest holds their hashes; add a checksum to others.
    """

    def flip(path: Path, choose: random.Random) -> None:
        data = bytearray(path.read_bytes())
        data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
        _put(path, data)

    _damage(subject, "changed by one bit", flip)


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_an_index_of_another_corpus_is_noticed(subject: Subject) -> None:
    """A derived index that was made from another corpus is not used.

    To mend: store the corpus's id with the cursor, and compare both (``corpus.holds(cursor)``).
    """
    others = [Document(f"another report about {n} ships", id=f"other{n}") for n in range(len(library()))]
    with _kept(subject.mode, library()) as (folder, expected), _kept(subject.mode, others) as (other, _):
        _need_files(other)
        shutil.rmtree(folder / _DERIVED, ignore_errors=True)
        shutil.copytree(other / _DERIVED, folder / _DERIVED)
        _ensure_answers(subject.mode, folder, expected, "beside the indexes of another corpus")


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_an_older_copy_of_the_corpus_is_noticed(subject: Subject) -> None:
    """Where an older copy of the corpus was put back and went on otherwise, the newer index is not used.

    To mend: compare the hash chain of the cursor, not only its number: the number grows to the same again.
    """
    with _kept(subject.mode, library()) as (folder, _), tempfile.TemporaryDirectory() as other:
        copy = Path(other, "index")
        shutil.copytree(folder, copy)
        with subject.mode.open(folder) as index:
            index.add([Document(f"lost report {n}", id=f"lost{n}") for n in range(2)])
            _ask(subject.mode, index)
        shutil.rmtree(copy / _DERIVED, ignore_errors=True)
        if (folder / _DERIVED).exists():
            shutil.copytree(folder / _DERIVED, copy / _DERIVED)
        kept = [Document(f"kept report {n}", id=f"kept{n}") for n in range(2)]
        with subject.mode.open(copy) as index:
            index.add(kept)
            found = _ask(subject.mode, index)
        with subject.over([*library(), *kept]) as trial:
            for text, answer in zip(_TEXTS, found, strict=True):
                ensure_alike(
                    answer,
                    trial.scored(text, top_k=20),
                    f"after an older corpus was put back, {text!r}",
                    subject.nearness,
                )


@check(needs=(Trait.MODE,))
def check_index_files_hold_no_pickle(subject: Subject) -> None:
    """No file of an index is a pickle, or holds one: opening an index from elsewhere must not run code.

    To mend: write JSON, and arrays as raw bytes with their shape and type in the manifest; no joblib, no torch.save,
    no numpy objects.
    """
    with _kept(subject.mode, library()) as (folder, _):
        for path in _files(folder):
            ensure(path.suffix not in _PICKLE_NAMES, f"{path.name} has the name of a pickle")
            data = path.read_bytes()
            ensure(not _is_pickle(data), f"{path.name} is a pickle")
            ensure(not (data.startswith(b"\x93NUMPY") and b"|O" in data[:200]), f"{path.name} holds pickled objects")
            if zipfile.is_zipfile(path):
                names = zipfile.ZipFile(path).namelist()
                ensure(not any(name.endswith(".pkl") for name in names), f"{path.name} holds a pickle")


def _damage(subject: Subject, what: str, damage: Callable[[Path, random.Random], object]) -> None:
    """Spoil files of a copy that no process has opened, one file a copy, and compare the answers."""
    choose = random.Random(what)  # noqa: S311 - to be the same in each run
    with _kept(subject.mode, library()) as (folder, expected):
        files = _need_files(folder)
        for path in choose.sample(files, min(len(files), 3 if subject.quick else 12)):
            with tempfile.TemporaryDirectory(prefix="retrieverkit-check-") as other:
                copy = Path(other, "index")
                shutil.copytree(folder, copy)
                damage(copy / path.relative_to(folder), choose)
                _ensure_answers(subject.mode, copy, expected, f"with {path.name} {what}")


def _put(path: Path, data: bytes | bytearray) -> None:
    """Put a file in the place of another, which may be one that only root may write to."""
    path.unlink()
    path.write_bytes(data)


def _is_pickle(data: bytes) -> bool:
    """Return whether data is a pickle to its end; numbers may begin like one."""
    if data[:1] != b"\x80" or data[1:2] > b"\x05":
        return False
    try:
        instructions = import_module("pickletools").genops(data)  # names what a pickle would do, and does none of it
        last = [(op.name, place) for op, _, place in instructions][-1]
    except Exception:  # whatever it is, it is not a pickle
        return False
    return bool(last[0] == "STOP")


@contextmanager
def _kept(mode: ModeSubject, documents: Sequence[Document]) -> Iterator[tuple[Path, list[Scored]]]:
    """Give the folder of a closed index, and its answers."""
    with tempfile.TemporaryDirectory(prefix="retrieverkit-check-", ignore_cleanup_errors=True) as name:
        folder = Path(name, "index")
        with mode.open(folder) as index:
            put(index, documents)
            answers = _ask(mode, index)
        gc.collect()  # what the retriever has open is closed with it
        yield folder, answers


@contextmanager
def _copied(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="retrieverkit-check-", ignore_cleanup_errors=True) as other:
        yield Path(shutil.copytree(folder, Path(other, "index")))


def _change(mode: ModeSubject, folder: Path, asked: bool) -> list[Document]:
    """Delete, change and add in an index; return the documents that are there then."""
    changed = Document("Greenhouse report: the fern unrolls its fronds", id="orchid", metadata={"year": 1988})
    new = chapters("The walrus report describes tusks", "Blubber and gulls", id="walrus", metadata={"year": 1961})
    with mode.open(folder) as index:
        trial = mode.on(index)
        _answers(trial)
        index.delete(["herring", "comet"])
        put(index, [changed, new])
        if asked:
            _answers(trial)
    gc.collect()  # what the retriever has open is closed with it
    return [one for one in library() if one.id not in ("herring", "comet", "orchid")] + [changed, new]


def _answers(trial: Trial) -> list[Scored]:
    return [trial.scored(text, top_k=100) for text in _TEXTS]


def _open_and_answer(mode: ModeSubject, folder: Path) -> None:
    with mode.open(folder) as index:
        _answers(mode.on(index))


def _ask(mode: ModeSubject, index: Index) -> list[Scored]:
    retriever = index.as_retriever(mode.spec)
    return [scored(retriever.retrieve(QueryBundle(text, top_k=20))) for text in _TEXTS]


def _ensure_answers(mode: ModeSubject, folder: Path, expected: list[Scored], what: str, **settings: bool) -> None:
    with mode.open(folder, **settings) as index:
        for found, wanted in zip(_ask(mode, index), expected, strict=True):
            ensure_same(found, wanted, f"{what}, the index answers")


def _files(folder: Path) -> list[Path]:
    """Return the files of the derived indexes that hold something, but for those of an open SQLite database."""
    paths = (path for path in (folder / _DERIVED).rglob("*") if not path.name.endswith(("-wal", "-shm")))
    return sorted(path for path in paths if path.is_file() and path.stat().st_size)


def _need_files(folder: Path) -> list[Path]:
    files = _files(folder)
    if not files:
        raise NothingToCheck("the mode keeps no files in the index's folder")
    return files
