"""A disk without space costs the change under way and nothing else."""

from __future__ import annotations

import shutil
import subprocess

import pytest

KIB = 1024


@pytest.mark.parametrize("limit", [40 * KIB, 100 * KIB, 333 * KIB, 1000 * KIB + 1, 9000 * KIB])
def test_files_that_may_not_grow(run, path, limit):
    pytest.importorskip("resource")
    stored = int(run("full_disk", path, "limit", limit // 60, limit))
    assert stored >= 1


def may_mount(folder):
    if shutil.which("unshare") is None:
        return "there is no unshare on this system"
    mount = ["unshare", "-rm", "mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    tried = subprocess.run(mount, capture_output=True, text=True)
    return f"unshare is refused here: {tried.stderr.strip()}" if tried.returncode else ""


def test_a_disk_without_space(run, tmp_path):
    if reason := may_mount(tmp_path):
        pytest.skip(reason)
    mount = ("unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size=512k tmpfs "{tmp_path}" && exec "$@"', "sh")
    stored = int(run("full_disk", tmp_path / "corpus.sqlite", "ballast", 300, prefix=mount))
    assert stored > 1
