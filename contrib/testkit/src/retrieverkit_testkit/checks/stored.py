"""What is kept in the index's folder can be trusted, or is made anew."""

from __future__ import annotations

import gc
import random
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from retrieverkit import Index
from retrieverkit_core.nodes import Document
from retrieverkit_core.query import QueryBundle
from retrieverkit_testkit.answers import Scored, ensure_same, scored
from retrieverkit_testkit.capabilities import Capability, Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.library import SHARED, library
from retrieverkit_testkit.subjects import ModeSubject, Subject
from retrieverkit_testkit.verdicts import NothingToCheck, ensure

_TEXTS = (SHARED, "herring comet", library()[2].text)
_DERIVED = "derived"
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_PICKLE_NAMES = {".pkl", ".pickle", ".joblib", ".pt", ".pth"}


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_reopening_gives_the_same(subject: Subject) -> None:
    """An index that was closed gives the same answers when it is opened again, also for reading only.

    To mend: store all that the answers depend on, or make it anew from the corpus in the same way.
    """
    with _kept(subject.mode, library()) as (folder, expected):
        _ensure_answers(subject.mode, folder, expected, "opened again")
        _ensure_answers(subject.mode, folder, expected, "opened for reading only", read_only=True)


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_a_deleted_index_folder_is_rebuilt(subject: Subject) -> None:
    """The folder of derived indexes may be deleted at any time; it is made anew, and the answers are the same.

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
    """Whatever file of a derived index is missing, it is made anew, and the answers are the same.

    To mend: store files through ``DerivedIndex``, whose manifest names each of them.
    """
    _damage(subject, "missing", lambda path, _: path.unlink())


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_a_truncated_index_file_is_noticed(subject: Subject) -> None:
    """Whatever file of a derived index is cut short, it is made anew, and the answers are the same.

    To mend: store files through ``DerivedIndex``, whose manifest holds their sizes and hashes.
    """
    _damage(subject, "cut short", lambda path, _: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]))


@check(Capability.DETERMINISTIC, needs=(Trait.MODE,))
def check_a_flipped_bit_is_noticed(subject: Subject) -> None:
    """Whatever bit of a derived index is another, it is made anew, and the answers are the same.

    To mend: store files through ``DerivedIndex``, whose manifest holds their hashes; add a checksum to others.
    """

    def flip(path: Path, choose: random.Random) -> None:
        data = bytearray(path.read_bytes())
        data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
        path.write_bytes(data)

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
                ensure_same(answer, trial.scored(text, top_k=20), "after an older corpus was put back, the answer")


@check(needs=(Trait.MODE,))
def check_index_files_hold_no_pickle(subject: Subject) -> None:
    """No file of an index is a pickle, or holds one: opening an index from elsewhere must not run code.

    To mend: write JSON, and arrays as raw bytes with their shape and type in the manifest; no joblib, no torch.save,
    no numpy objects.
    """
    with _kept(subject.mode, library()) as (folder, _):
        for path in _files(folder):
            ensure(path.suffix not in _PICKLE_NAMES, f"{path.name} has the name of a pickle")
            with path.open("rb") as file:
                head = file.read(4)
                whole = head + file.read() if path.suffix == ".npy" else head
            ensure(not _PICKLE.match(head), f"{path.name} is a pickle")
            ensure(b"|O" not in whole[:200], f"{path.name} holds pickled objects")
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


@contextmanager
def _kept(mode: ModeSubject, documents: Sequence[Document]) -> Iterator[tuple[Path, list[Scored]]]:
    """Give the folder of a closed index, and its answers."""
    with tempfile.TemporaryDirectory(prefix="retrieverkit-check-", ignore_cleanup_errors=True) as name:
        folder = Path(name, "index")
        with mode.open(folder) as index:
            index.add(documents)
            answers = _ask(mode, index)
        gc.collect()  # what the retriever has open is closed with it
        yield folder, answers


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
