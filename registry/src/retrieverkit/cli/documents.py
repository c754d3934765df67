"""``retriever ls``, ``show`` and ``rm``: the documents of an index."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from retrieverkit.cli.options import AsJson, IndexFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieverkit.index import Index
    from retrieverkit_core.errors import UsageError


def ls(
    index: IndexFolder,
    pattern: Annotated[
        str, typer.Argument(metavar="PATTERN", help="Only documents with such an id, as '*.md'.", show_default=False)
    ] = "*",
    as_json: AsJson = False,
) -> None:
    """List the ids of the documents that an index holds, one per line."""
    from fnmatch import fnmatchcase

    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.screen import Screen
    from retrieverkit.index import Index

    with Index.open(index, create=False) as opened:
        ids = [doc_id for doc_id in opened.document_ids() if fnmatchcase(doc_id, pattern)]
        sources = opened.corpus.sources_of(ids) if as_json else {}
    if as_json:
        print_json([{"id": doc_id, "path": sources.get(doc_id)} for doc_id in ids])
        return
    out = Screen(sys.stdout)
    for doc_id in ids:
        out.write(" ".join(doc_id.splitlines()) + "\n")


def show(
    doc_id: Annotated[str, typer.Argument(metavar="ID", help="The id of a document, or of a node of one.")],
    index: IndexFolder,
    as_json: AsJson = False,
) -> None:
    """Show what an index holds of a document: its file, its metadata and its text."""
    import json

    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.screen import Screen
    from retrieverkit.index import Index
    from retrieverkit_core.readers import SECTIONS, sections_of

    with Index.open(index, create=False) as opened:
        (node,) = opened.corpus.get([doc_id])
        document = opened.document(doc_id)
        if document is None and node is None:
            raise _unknown([doc_id], opened)
        found = document or node
        of = doc_id if document is not None or node is None else node.ref_doc_id or doc_id
        source = opened.corpus.sources_of([of]).get(of)
    if found is None:
        return
    if as_json:
        print_json({"id": doc_id, "path": source, "metadata": found.metadata, "text": found.text})
        return
    out = Screen(sys.stdout)
    out.say((doc_id, "bold cyan"))
    if source is not None:
        out.say(("file: ", "bold"), source)
    for name, value in found.metadata.items():
        if name == SECTIONS and document is not None and sections_of(document):
            continue  # offsets into the text, which hits show in words
        out.say((f"{name}: ", "bold"), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    out.write(f"\n{found.text.rstrip()}\n")


def rm(
    doc_ids: Annotated[
        list[str], typer.Argument(metavar="ID", help="The ids of documents, as `retriever ls` has them.")
    ],
    index: IndexFolder,
    as_json: AsJson = False,
) -> None:
    """Remove documents from an index. No file is touched: one that is still there comes back when it is indexed again.

    If one of the ids is not there, nothing is removed.
    """
    from retrieverkit.cli.files_report import counted
    from retrieverkit.cli.json_output import print_json
    from retrieverkit.cli.screen import Screen
    from retrieverkit.index import Index

    with Index.open(index, create=False) as opened:
        there = set(opened.document_ids())
        if missing := [doc_id for doc_id in doc_ids if doc_id not in there]:
            raise _unknown(missing, opened)
        report = opened.delete(dict.fromkeys(doc_ids))
    if as_json:
        print_json({"removed": list(report.removed)})
    else:
        Screen(sys.stdout).say(f"{counted(len(report.removed), 'document')} removed")


def _unknown(ids: Sequence[str], index: Index) -> UsageError:
    """Return the error for ids that an index does not hold, with one that is nearly the same."""
    from difflib import get_close_matches

    from retrieverkit_core.errors import UsageError, shorten

    near = get_close_matches(ids[0], index.document_ids()[:10_000], 1)
    told = f"did you mean {near[0]!r}? " if near else ""
    return UsageError(
        f"the index holds no document {', '.join(shorten(repr(doc_id), 100) for doc_id in ids[:3])}",
        fix=f"{told}`retriever ls` lists them",
    )
