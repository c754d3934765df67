"""Whether a document's file holds something else than what was read from it."""

from __future__ import annotations

from retrieverkit.reading.sync import fingerprint_now, is_same
from retrieverkit_core.corpus import Corpus, WritableCorpus
from retrieverkit_core.readers import SourceFile


def changed_source(corpus: Corpus, doc_id: str) -> str:
    """Return the file of a document if it is not what was read; "" if it is, or where that cannot be known.

    Args:
        corpus: What the document is in.
        doc_id: The document's id.
    """
    if not isinstance(corpus, WritableCorpus):
        return ""
    source = corpus.sources_of([doc_id]).get(doc_id)
    if source is None:
        return ""
    known = corpus.sources().get(source) or ""
    encoding = known.partition(" ")[2] or None
    return "" if is_same(known, fingerprint_now(SourceFile(source, source, encoding))) else source
