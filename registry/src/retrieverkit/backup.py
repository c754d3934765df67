"""A backup of an index: one ZIP file with the corpus as it was at one moment, and the settings beside it.

``manifest.json`` in it names every other file with its size and SHA-256. What is derived is left out, as it is built
again of the documents.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from retrieverkit.corpus import SQLiteCorpus
from retrieverkit.corpus.schema import check_header
from retrieverkit.layout import CORPUS_FILE, EMBEDDING_FILE, ROOTS_FOLDER
from retrieverkit.regular_files import open_regular
from retrieverkit.unfinished import sync, unfinished_folder
from retrieverkit_core.errors import (
    ConfigError,
    CorpusError,
    CorruptCorpusError,
    NotACorpusError,
    ReadError,
    StorageFullError,
    shorten,
)

MANIFEST = "manifest.json"
FORMAT = 1

MOST_TIMES = 200
"""How many times larger than the archive its contents may be; what is written here keeps to it."""

_KNOWN = re.compile(rf"{re.escape(CORPUS_FILE)}|{EMBEDDING_FILE}|{ROOTS_FOLDER}/[0-9a-f]{{1,64}}\.json")
_LARGEST_MANIFEST = 16_000_000
_MOST_FILES = 100_000
_CHUNK = 1 << 20
_FIX = "use a file that `retriever backup` wrote"
_EXPECTED = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds.

    Attributes:
        file: The file.
        documents: How many documents.
        nodes: How many nodes.
        made_at: When it was made, as ISO 8601 in UTC.
        embedding: The embedding that the index had chosen, or an empty string.
        size: The bytes of the file.
    """

    file: str
    documents: int
    nodes: int
    made_at: str
    embedding: str
    size: int


def back_up(index: Path, file: Path) -> Backup:
    """Write a backup of the index in a folder. Others may write to the index meanwhile.

    Args:
        index: The folder.
        file: The file to write; it is there whole or not at all.

    Raises:
        ConfigError: The file is there already, or its folder is not.
        CorpusError: The index cannot be read, is damaged, or the file cannot be written.
    """
    _check_new(file)
    try:
        with (
            SQLiteCorpus.open(index / CORPUS_FILE, create=False, read_only=True) as corpus,
            unfinished_folder(file) as place,
        ):
            copy = place / CORPUS_FILE
            corpus.copy_to(copy)
            backup = _packed(_described(copy, index), _beside(index), place, file)
            archive = place / "archive"
            sync(archive)
            _publish(archive, file)
            return backup
    except OSError as error:
        raise _told(error, file) from error


def restore(file: Path, index: Path) -> Backup:
    """Make an index of a backup.

    Args:
        file: The backup.
        index: The folder to make; it is there whole or not at all.

    Raises:
        ConfigError: The folder is there already and not empty, or the one around it is not.
        ReadError: The file is not a backup, is damaged, or is not what it says.
        CorpusError: The folder cannot be written.
    """
    if os.path.lexists(index) and (index.is_symlink() or not index.is_dir() or any(index.iterdir())):
        raise ConfigError(f"there is something at {index} already", fix="name a new folder for the index")
    _check_parent(index)
    try:
        with _opened(file) as archive, unfinished_folder(index) as place:
            manifest = _manifest(archive, file)
            _check_contents(archive, manifest, file, shutil.disk_usage(place).free)
            made = place / "index"
            made.mkdir()
            for name, mark in manifest["files"].items():
                _extract(archive, name, mark, made / name, file)
            backup = _checked(manifest, made, file)
            if index.is_dir() and os.name == "nt":
                index.rmdir()
            made.rename(index)
            sync(index.parent)
            return backup
    except OSError as error:
        raise _told(error, index) from error


def _described(copy: Path, index: Path) -> dict[str, Any]:
    """Return what the manifest says of a corpus, once it is checked."""
    with SQLiteCorpus.open(copy, create=False) as corpus:
        if problems := corpus.check():
            raise CorpusError(
                f"the index {index} is damaged: {shorten(problems[0], 200)}",
                fix="copy its folder away as it is, and see: retriever doctor --index",
            )
        documents, nodes, cursor = len(corpus.document_ids()), corpus.count(), list(corpus.head())
    for suffix in ("-wal", "-shm"):
        copy.with_name(f"{copy.name}{suffix}").unlink(missing_ok=True)
    made_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"format": FORMAT, "made_at": made_at, "documents": documents, "nodes": nodes, "cursor": cursor}


def _beside(index: Path) -> dict[str, bytes]:
    """Return the small files of an index that are not derived."""
    found = {}
    for path in (index / EMBEDDING_FILE, *sorted((index / ROOTS_FOLDER).glob("*.json"))):
        name = path.relative_to(index).as_posix()
        if path.is_file() and not path.is_symlink() and _KNOWN.fullmatch(name):
            found[name] = path.read_bytes()
    return found


def _packed(described: dict[str, Any], beside: Mapping[str, bytes], place: Path, file: Path) -> Backup:
    copy, archive = place / CORPUS_FILE, place / "archive"
    files: dict[str, dict[str, Any]] = {CORPUS_FILE: {"size": copy.stat().st_size, "sha256": _sha256(copy)}}
    files |= {name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in beside.items()}
    manifest = json.dumps({**described, "files": files}, indent=1).encode()
    total = sum(mark["size"] for mark in files.values()) + len(manifest)
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        with zipfile.ZipFile(archive, "w", method) as written:
            written.write(copy, CORPUS_FILE)
            for name, data in {**beside, MANIFEST: manifest}.items():
                written.writestr(name, data)
        if total <= MOST_TIMES * archive.stat().st_size:
            break
    embedding = beside.get(EMBEDDING_FILE, b"").decode("utf-8", "replace").strip()
    return _backup(described, file, embedding, archive.stat().st_size)


def _backup(described: Mapping[str, Any], file: Path, embedding: str, size: int) -> Backup:
    return Backup(str(file), described["documents"], described["nodes"], described["made_at"], embedding, size)


def _publish(archive: Path, file: Path) -> None:
    """Put the archive in place, and nothing in the place of something else."""
    try:
        os.link(archive, file)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        _check_new(file)
        archive.rename(file)
    sync(file.parent)


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    try:
        read = open_regular(file)
    except OSError as error:
        raise ReadError(file, f"it cannot be read: {error.strerror or error}", fix=_FIX) from error
    with read:
        try:
            archive = zipfile.ZipFile(read)
        except (OSError, *_EXPECTED) as error:
            raise ReadError(file, f"it is not a backup ({shorten(error, 100)})", fix=_FIX) from error
        yield archive


def _manifest(archive: zipfile.ZipFile, file: Path) -> dict[str, Any]:
    """Return the manifest, checked for its form."""
    try:
        if archive.getinfo(MANIFEST).file_size > _LARGEST_MANIFEST:
            raise ValueError("its manifest is too large")
        with archive.open(MANIFEST) as read:
            told = json.loads(read.read(_LARGEST_MANIFEST))
        if told["format"] != FORMAT:
            raise ValueError(f"its format is {shorten(told['format'], 20)}, not {FORMAT}")
        counts = [told["documents"], told["nodes"], *(mark["size"] for mark in told["files"].values())]
        sound = all(type(count) is int and count >= 0 for count in counts) and isinstance(told["made_at"], str)
        if not sound or not all(isinstance(mark["sha256"], str) for mark in told["files"].values()):
            raise ValueError("its manifest has values of other kinds")
    except (KeyError, TypeError, AttributeError, OSError, *_EXPECTED) as error:
        raise ReadError(file, f"it is not a backup ({shorten(error, 100)})", fix=_FIX) from error
    checked: dict[str, Any] = told
    return checked


def _check_contents(archive: zipfile.ZipFile, manifest: Mapping[str, Any], file: Path, free: int) -> None:
    """Raise unless the archive holds what the manifest says and nothing else, under known names, and it fits."""
    members, files = archive.infolist(), manifest["files"]
    names = sorted(member.filename for member in members)
    strange = [name for name in {*names, *files} if name != MANIFEST and not _KNOWN.fullmatch(name)]
    total = sum(mark["size"] for mark in files.values())
    if strange:
        problem = f"it holds {shorten(repr(strange[0]), 100)}, which belongs to no index"
    elif names != sorted([*files, MANIFEST]) or CORPUS_FILE not in files or len(names) > _MOST_FILES:
        problem = "it does not hold what its manifest says"
    elif any(member.flag_bits & 1 for member in members):
        problem = "it is encrypted"
    elif any(member.file_size != files.get(member.filename, {"size": member.file_size})["size"] for member in members):
        problem = "a file in it has another size than its manifest says"
    elif total > MOST_TIMES * file.stat().st_size:
        problem = f"it says that it unpacks to more than {MOST_TIMES} times its size"
    elif total > free:
        raise StorageFullError(f"the index needs {total:,} bytes and {free:,} are free", fix="free space and try again")
    else:
        return
    raise ReadError(file, problem, fix=_FIX)


def _extract(archive: zipfile.ZipFile, name: str, mark: Mapping[str, Any], target: Path, file: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    sum_of, left = hashlib.sha256(), mark["size"]
    try:
        with archive.open(name) as packed, target.open("wb") as out:
            for chunk in _chunks(packed):
                left -= len(chunk)
                if left < 0:
                    break
                sum_of.update(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
    except _EXPECTED as error:
        raise ReadError(file, f"{name} in it is damaged ({shorten(error, 100)})", fix=_FIX) from error
    if left or sum_of.hexdigest() != mark["sha256"]:
        raise ReadError(file, f"{name} in it is damaged: its checksum is another one", fix=_FIX)


def _checked(manifest: Mapping[str, Any], made: Path, file: Path) -> Backup:
    """Return what was restored, once it opens as what the manifest says."""
    corpus_file = made / CORPUS_FILE
    try:
        check_header(corpus_file)
        with SQLiteCorpus.open(corpus_file, create=False) as corpus:
            found = (len(corpus.document_ids()), corpus.count(), list(corpus.head()))
    except (NotACorpusError, CorruptCorpusError, ValueError) as error:
        raise ReadError(file, "the corpus in it is damaged, or is not one", fix=_FIX) from error
    if found != (manifest["documents"], manifest["nodes"], manifest.get("cursor")):
        raise ReadError(file, "the corpus in it is not what its manifest says", fix=_FIX)
    embedding = made / EMBEDDING_FILE
    named = embedding.read_bytes().decode("utf-8", "replace").strip() if embedding.exists() else ""
    return _backup(manifest, file, named, file.stat().st_size)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _sha256(path: Path) -> str:
    sum_of = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in _chunks(file):
            sum_of.update(chunk)
    return sum_of.hexdigest()


def _check_new(file: Path) -> None:
    if os.path.lexists(file):
        raise ConfigError(f"there is something at {file} already", fix="name a new file for the backup")
    _check_parent(file)


def _check_parent(path: Path) -> None:
    if not path.parent.is_dir():
        raise ConfigError(f"there is no folder {path.parent}", fix="make it first")


def _told(error: OSError, place: Path) -> Exception:
    if isinstance(error, CorpusError):
        return error
    if isinstance(error, FileExistsError):
        return ConfigError(f"there is something at {place} already", fix="name another one")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFullError(f"there is no space left for {place}", fix="free space and try again")
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, (str, bytes)) else ""
    return CorpusError(f"{where}{error.strerror or error}")
