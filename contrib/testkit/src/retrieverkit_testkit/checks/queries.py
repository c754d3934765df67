"""What may be asked."""

from __future__ import annotations

from collections.abc import Iterable

from retrieverkit_core.errors import QueryError
from retrieverkit_core.nodes import Document
from retrieverkit_testkit.answers import document_of, ids
from retrieverkit_testkit.asking import refused
from retrieverkit_testkit.capabilities import Capability
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.hostile import HOSTILE, SYNTAX, UNENCODABLE, can_be_encoded, naughty_strings
from retrieverkit_testkit.library import SHARED, library
from retrieverkit_testkit.subjects import Subject, Trial
from retrieverkit_testkit.verdicts import NothingToCheck, ensure

_ONE_NODE = 2000
"""Documents up to so many characters are one node."""

_SENTENCES = {
    "german": "Die Straße über den Fluss ist größer geworden",
    "russian": "Северный ветер принёс холодный дождь",
    "japanese": "東京の図書館で古い地図を調べた",
    "arabic": "الكتاب القديم في المكتبة الكبيرة",
    "thai": "ห้องสมุดเก่าในเมืองใหญ่",
    "hindi": "पुराना पुस्तकालय शहर के बीच में है",
    "korean": "오래된 도서관에서 지도를 찾았다",
    "greek": "Η παλιά βιβλιοθήκη της πόλης",
}


@check(Capability.RANKS_BY_QUERY)
def check_a_blank_query_finds_nothing(subject: Subject) -> None:
    """A query without words is answered by no hits: never by an error, and never by everything.

    To mend: leave ``answers_blank`` off; core then answers without asking you. A mode that answers without words
    sets it and does not declare that it ranks by the query.
    """
    with subject.shelf() as trial:
        for text in ("", " ", "\n\t \r", "\u3000\u2003"):
            ensure(trial.ask(text, top_k=5) == [], f"the query {text!r} has hits")


@check()
def check_an_empty_corpus_is_answered(subject: Subject) -> None:
    """Without documents every query is answered by no hits, and is no error.

    To mend: return ``[]`` before anything divides by, averages over or takes the best of nothing.
    """
    with subject.over([]) as trial:
        for text in (SHARED, "", "the", library()[0].text):
            for k in (1, None):
                ensure(trial.ask(text, top_k=k) == [], f"{text!r} has hits in an empty corpus")


@check()
def check_documents_without_words_are_harmless(subject: Subject) -> None:
    """Documents that are empty, or of stop words or signs alone, break nothing, and others are still found.

    To mend: handle a node of no terms and a vector of length zero where you index.
    """
    odd = [Document(text, id=f"odd{n}") for n, text in enumerate(("", " ", "the of and", "!?…", "\n\n", "0"))]
    with subject.over([*odd, *library()]) as trial:
        trial.ask("the", top_k=20)
        found = ids(trial.ask(library()[0].text, top_k=20))
        ensure(library()[0].id in found, f"beside empty documents, the text of {library()[0].id} found {found}")
    with subject.over(odd) as trial:
        trial.ask("the", top_k=20)
        trial.ask(SHARED, top_k=20)


@check()
def check_stop_words_alone_are_answered(subject: Subject) -> None:
    """A query of nothing but stop words or signs has an answer, be it empty, and is no error.

    To mend: treat a query of which the analyzer leaves nothing as one that finds nothing.
    """
    with subject.shelf() as trial:
        for text in ("the of and", "the", "der die das", "!?…", "-", "..."):
            _ensure_valid(trial, text)


@check(Capability.LEXICAL)
def check_what_does_not_match_is_not_found(subject: Subject) -> None:
    """A query of words that no document has finds nothing; one word finds the documents that have it, and no others.

    To mend: leave out nodes whose score is that of no match, instead of filling up to ``top_k`` with them.
    """
    with subject.shelf() as trial:
        for text in ("zzyzx", "qwertz asdfgh", "the of and"):
            found = ids(trial.ask(text, top_k=20))
            ensure(not found, f"{text!r} found {found}")
        for name in ("turbine", "comet"):
            found = ids(trial.ask(name, top_k=20))
            ensure(found == [name], f"{name!r} found {found}")


@check()
def check_hostile_queries_are_answered(subject: Subject) -> None:
    """Control characters, every script, the syntax of query languages and endless words are only text.

    To mend: never hand user text to a query parser, a template or a shell; build the engine's query from terms.
    """
    with subject.shelf() as trial:
        for text in HOSTILE:
            _ensure_valid(trial, text)


@check(thorough=True)
def check_naughty_strings_are_answered(subject: Subject) -> None:
    """Every string of the list of naughty strings, where that file is at hand, is only text.

    To mend: as for hostile queries.
    """
    strings = naughty_strings()
    if not strings:
        raise NothingToCheck("naughty_strings.jsonl is not at hand (RETRIEVERKIT_DATA names its folder)")
    with subject.shelf() as trial:
        for text in filter(can_be_encoded, strings):
            _ensure_valid(trial, text)


@check(Capability.EXHAUSTIVE)
def check_nothing_in_a_query_is_syntax(subject: Subject) -> None:
    """A word finds its document also where an engine would read an operator, a field or a range around it.

    To mend: analyze the query as you analyze documents; do not parse it.
    """
    with subject.shelf() as trial:
        for pattern in SYNTAX:
            text = pattern.format("herring")
            found = ids(trial.ask(text, top_k=20))
            ensure("herring" in found, f"{text!r} found {found}")


@check()
def check_half_a_surrogate_pair_is_refused(subject: Subject) -> None:
    """A string that is no text is a QueryError.

    To mend: do not override ``retrieve``; core refuses it.
    """
    with subject.shelf() as trial:
        for text in UNENCODABLE:
            refused(lambda text=text: trial.retriever.retrieve(text), QueryError, what=f"the query {text!r}")


@check(Capability.EXHAUSTIVE)
def check_a_very_long_query_is_answered(subject: Subject) -> None:
    """In a query of a million characters the one word that matters still finds its document.

    To mend: limit the number of *distinct terms* that you rank by, rare ones first, and never the text.
    """
    length = 100_000 if subject.quick else 1_000_000
    with subject.shelf() as trial:
        for text in ("herring " + "straw" * (length // 5), "herring " + "straw " * (length // 6)):
            found = ids(trial.ask(text, top_k=20))
            ensure("herring" in found, f"a query of {len(text):,} characters found {found}")


@check(Capability.EXHAUSTIVE)
def check_every_script_is_found(subject: Subject) -> None:
    """A sentence in any script is found by its own words.

    To mend: use an analyzer that cuts scripts without spaces (bigrams do), and that drops no letters.
    """
    documents = [Document(text, id=name) for name, text in _SENTENCES.items()]
    with subject.over(documents) as trial:
        for name, text in _SENTENCES.items():
            found = ids(trial.ask(text, top_k=10))
            ensure(name in found, f"the {name} sentence found {found}")


@check(Capability.EXHAUSTIVE)
def check_hostile_documents_are_kept(subject: Subject) -> None:
    """Documents, ids, metadata keys and values of hostile strings are indexed, found, and come back unchanged.

    To mend: pass text to engines as data, by parameters and not by formatting; do not trim or normalise what is
    returned.
    """
    documents = [
        Document(f"plain words {text}", id=f"{n} {text[:100]}", metadata={"value": text, text[:100]: n})
        for n, text in enumerate(HOSTILE)
        if len(text) <= _ONE_NODE
    ]
    with subject.over(documents) as trial:
        hits = {document_of(hit): hit for hit in trial.ask("plain words", top_k=10_000)}
        for document in documents:
            hit = hits.get(document.id)
            ensure(hit is not None, f"the document {document.id[:60]!r} is not found")
            whole = hit is not None and hit.node.metadata == document.metadata and hit.node.text == document.text
            ensure(whole, f"the document {document.id[:60]!r} does not come back as it was put in")


def _ensure_valid(trial: Trial, text: str) -> None:
    known: Iterable[str] = {document.id for document in library()}
    found = ids(trial.ask(text, top_k=3))
    ensure(len(found) <= 3, f"{text[:60]!r} has more hits than were asked for")
    ensure(set(found) <= set(known), f"{text[:60]!r} found what is not in the corpus")
