"""An index in files: each generation is published whole, and never changed afterwards.

Nothing is forced to the disk: what a power cut tears, the checksums find, and the index is made again.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Mapping, Set
from pathlib import Path
from typing import NamedTuple

from retrieverkit_core.corpus import Corpus
from retrieverkit_core.errors import DerivedIndexError
from retrieverkit_indexing.derived import _verified
from retrieverkit_indexing.derived._applied import Applied, Misfit
from retrieverkit_indexing.derived._files import FileMark, Look, look, mark_file, protect
from retrieverkit_indexing.derived._folder import IndexFolder
from retrieverkit_indexing.derived._manifest import MANIFEST_NAME, Manifest, compare
from retrieverkit_indexing.derived._status import IndexStatus
from retrieverkit_indexing.derived._usage import last_used


class Generation(NamedTuple):
    """A published generation."""

    folder: Path
    manifest: Manifest

    @property
    def applied(self) -> Applied:
        """What it was made from."""
        return self.manifest.applied


class Draft(NamedTuple):
    """A generation in the making.

    Attributes:
        folder: Where its files go.
        base: The generation that it shares files with, or None.
        shared: What each file of ``base`` looked like here to begin with, by its relative path.
        linked: Those of them that are not copies.
    """

    folder: Path
    base: Generation | None
    shared: Mapping[str, Look]
    linked: Set[str] = frozenset()

    def mark_files(self) -> dict[str, FileMark]:
        """Take away the right to write into the files, and return the size and hash of each; those shared are known.

        Raises:
            DerivedIndexError: A shared file was written to.
        """
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file() and path.name != MANIFEST_NAME)
        return {path.relative_to(self.folder).as_posix(): self._mark(path) for path in paths}

    def _mark(self, path: Path) -> FileMark:
        name = path.relative_to(self.folder).as_posix()
        before, now = self.shared.get(name), look(path)
        protect(path)
        if self.base is not None and before is not None:
            if before.contents == now.contents:
                return self.base.manifest.files[name]
            if name in self.linked and before.inode == now.inode:
                raise DerivedIndexError(
                    f"an update wrote into {name}, which it shares with the generation before it",
                    fix="write a new file and move it into place, or copy the file before you write: shutil.copy2",
                )
        return mark_file(path)


class Generations(IndexFolder):
    """The generations of one index that is kept in files."""

    def __init__(self, folder: Path, lock_timeout: float, *, read_only: bool = False) -> None:
        super().__init__(folder, lock_timeout, read_only=read_only)
        self._right: tuple[str, Mapping[str, Look]] = ("", {})

    def current(self) -> Generation | None:
        """Return the current generation, its files not yet verified, or None where there is none.

        Raises:
            Misfit: There is one, and it cannot be used.
        """
        folder = self.current_folder()
        return Generation(folder, Manifest.read(folder)) if folder else None

    def verify(self, generation: Generation) -> None:
        """Compare the files with the manifest; the hashes of those only that do not look as when they were right.

        Raises:
            Misfit: A file is missing, or is not what was written.
        """
        known = self._known(generation)
        found, looks = compare(generation.manifest, generation.folder, known)
        if found:
            raise Misfit(found[0])
        self._trust(generation, looks, known)

    def is_unchanged(self, generation: Generation) -> bool:
        """Return whether the contents of no file were changed since they were known to be right."""
        known = self._known(generation)
        try:
            return all(
                name in known and look(generation.folder / name).contents == known[name].contents
                for name in generation.manifest.files
            )
        except OSError:
            return False

    def compare(self, generation: Generation) -> list[str]:
        """Compare every byte with what was written, and return what is wrong."""
        found, looks = compare(generation.manifest, generation.folder, {})
        self._trust(generation, looks, {})
        return found

    def describe(self, corpus: Corpus, *, hashes: bool) -> IndexStatus:
        """Look at what is stored: at its sizes, or at every byte."""
        status = IndexStatus(str(self.folder), last_opened=last_used(self.folder))
        try:
            generation = self.current()
        except Misfit as misfit:
            return dataclasses.replace(status, problems=(str(misfit),))
        if generation is None:
            return status
        folder, manifest = generation
        problems = self.compare(generation) if hashes else compare(manifest, folder, {}, hashes=False)[0]
        status = dataclasses.replace(status, generation=folder.name, size=manifest.size)
        return status.of(generation.applied, corpus, problems)

    def begin(self, base: Generation | None) -> Draft:
        """Make the folder of a new generation with the files of ``base``. Needs the lock.

        They are hard links where ``base`` is a generation of this folder, and copies where it is another's.
        """
        draft = Draft(self.new_folder(), base, shared := {}, linked := set())
        for name in base.manifest.files if base else ():
            source, target = base.folder / name, draft.folder / name  # type: ignore[union-attr]
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_relative_to(self.folder) and _link(source, target):
                linked.add(name)
            else:
                shutil.copyfile(source, target)
            shared[name] = look(target)
        return draft

    def abandon(self, draft: Draft) -> None:
        """Remove a draft that is not published. Needs the lock."""
        shutil.rmtree(draft.folder, ignore_errors=True)
        if draft.base is not None and draft.base.folder.parent == self.folder:
            self._look_again(draft.base)

    def publish(self, draft: Draft, applied: Applied) -> Generation:
        """Make ``draft`` the current generation and remove the older ones. Needs the lock.

        Args:
            draft: What `begin` gave, with every file in place.
            applied: What it was made from.

        Raises:
            DerivedIndexError: A file shared with the generation before was written to.
        """
        manifest = Manifest(applied, draft.mark_files())
        looks = {name: look(draft.folder / name) for name in manifest.files}
        manifest.write(draft.folder)
        generation = Generation(self.take_over(draft.folder), manifest)
        self._right = (generation.folder.name, looks)
        self._look_again(generation)
        return generation

    def _known(self, generation: Generation) -> Mapping[str, Look]:
        name, looks = self._right
        return looks if name == generation.folder.name else _verified.recall(self.folder, generation.folder.name)

    def _trust(self, generation: Generation, looks: Mapping[str, Look], known: Mapping[str, Look]) -> None:
        self._right = (generation.folder.name, looks)
        if looks != known and not self.read_only:
            _verified.remember(self.folder, generation.folder.name, looks)

    def _look_again(self, generation: Generation) -> None:
        """Look at files whose number of links has changed, which was our doing, and whose contents have not."""
        known, looks = self._known(generation), {}
        for name, before in known.items():
            try:
                now = look(generation.folder / name)
            except OSError:
                continue
            if now.contents == before.contents:
                looks[name] = now
        self._trust(generation, looks, {})


def _link(source: Path, target: Path) -> bool:
    """Return whether ``target`` is now a link to ``source``; some file systems have none."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return True
