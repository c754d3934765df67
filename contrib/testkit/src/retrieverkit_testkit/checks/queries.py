"""What may be asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from retrieverkit_core.errors import QueryError
from retrieverkit_core.hits import NodeWithScore
from retrieverkit_core.nodes import Document
from retrieverkit_testkit.answers import document_of, ids, same
from retrieverkit_testkit.asking import refused
from retrieverkit_testkit.capabilities import Capability, Trait
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.hostile import HOSTILE, SYNTAX, UNENCODABLE, can_be_encoded, naughty_strings
from retrieverkit_testkit.library import NODES, SHARED, chapters, library, own_text
from retrieverkit_testkit.subjects import Subject, Trial
from retrieverkit_testkit.verdicts import NothingToCheck, ensure

_ONE_NODE = 2000
"""Documents up to so many characters are one node."""

_FILLERS = ("window", "carpet", "yesterday", "ordinary", "seldom", "purple", "ticket", "elbow", "garden", "nobody")
_ONE, _OTHER = "Quaggas graze beside zebras", "Walruses doze below icebergs"
_WORDS = (
    "7",
    "1961",
    "3000000",
    "q",
    "ox",
    "x9",
    "Straße",
    "STRASSENBAHN",
    "İstanbul",
    "DIŞARI",
    "na\u00efve",
    "cafe\u0301",
    "\ufb01nal",
    "Ωmega",
    "ΣΊΣΥΦΟΣ",
    "ПРИВЕТ",
    "猫",
    "日本語",
    "e-mail",
    "o'clock",
    "snake_case",
    "antidisestablishmentarianism",
)
"""Words that are lost where query and documents are not read alike."""

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
    """Without documents every query has an answer without hits, and is not an error.

    To mend: return ``[]`` before anything divides by, averages over or takes the best of nothing.
    """
    with subject.over([]) as trial:
        for text in (SHARED, "", "the", own_text(library()[0])):
            for k in (1, None):
                ensure(trial.ask(text, top_k=k) == [], f"{text!r} has hits in an empty corpus")


@check()
def check_documents_without_words_are_harmless(subject: Subject) -> None:
    """Documents that are empty, or of stop words or signs alone, break nothing, and others are still found.

    To mend: handle a node of no terms and a vector of length zero where you index.
    """
    odd = [Document(text, id=f"odd{n}") for n, text in enumerate(("", " ", "the of and", "!?…", "\n\n", "0"))]
    with subject.shelf() as trial:
        before = ids(trial.ask(own_text(library()[0]), top_k=20))
    with subject.over([*odd, *library()]) as trial:
        trial.ask("the", top_k=20)
        found = ids(trial.ask(own_text(library()[0]), top_k=20))
        name = library()[0].id
        ensure(name in found or name not in before, f"beside empty documents, the text of {name} found {found}")
    with subject.over(odd) as trial:
        trial.ask("the", top_k=20)
        trial.ask(SHARED, top_k=20)


@check()
def check_stop_words_alone_are_answered(subject: Subject) -> None:
    """A query of nothing but stop words or signs has an answer, if only an empty one, and is not an error.

    To mend: treat a query of which the analyzer leaves nothing as one that finds nothing.
    """
    with subject.shelf() as trial:
        for text in ("the of and", "the", "der die das", "!?…", "-", "..."):
            _ensure_valid(trial, text)


@check(Capability.LEXICAL)
def check_what_does_not_match_is_not_found(subject: Subject) -> None:
    """A query of words that no document has finds nothing; one word finds the documents that have it, and no others.

    Stop words are left to the retriever: it may know them, or not.

    To mend: leave out nodes whose score is that of no match, instead of filling up to ``top_k`` with them.
    """
    with subject.shelf() as trial:
        for text in ("zzyzx", "qwertz asdfgh"):
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
        for text in subject.few(HOSTILE):
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
        for text in subject.few(list(filter(can_be_encoded, strings))):
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
    """A string that is not valid text is a QueryError.

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
def check_the_last_word_counts(subject: Subject) -> None:
    """Behind hundreds of words that no document has, the one that matters still finds its document.

    To mend: do not cut queries, and let one matching word be enough (no minimum-should-match).
    """
    with subject.shelf() as trial:
        for count in (20, 300, 3000):
            text = " ".join(f"straw{n}" for n in range(count)) + " herring"
            found = ids(trial.ask(text, top_k=NODES))
            ensure("herring" in found, f"behind {count} other words, 'herring' found {found}")


@check(Capability.RANKS_BY_QUERY, needs=(Trait.SCORED,))
def check_the_end_of_a_query_is_read(subject: Subject) -> None:
    """Queries that differ in their last word alone have different answers.

    To mend: do not cut queries to some length; where the model has a limit, say so in ``notes``.
    """
    with subject.shelf() as trial:
        for count in (10, 60):
            fillers = " ".join(_FILLERS[n % len(_FILLERS)] for n in range(count))
            first, second = (trial.scored(f"{fillers} {word}", top_k=20) for word in ("herring", "comet"))
            if not (first or second or Capability.EXHAUSTIVE in subject.declared):
                raise NothingToCheck("a query of many words finds nothing")
            ensure(not same(first, second), f"behind {count} other words, 'herring' and 'comet' have the same answer")


@check(Capability.RANKS_BY_QUERY, needs=(Trait.SCORED,))
def check_the_end_of_a_long_node_is_read(subject: Subject) -> str | None:
    """Long nodes that differ in their last sentence alone are told apart by it, if those with other first ones are.

    What reads the beginning of a text alone, as some models do, says so in the notes of its results.

    To mend: index all of a node; where a model has a limit, cut the node into pieces that it reads whole, or let the
    embedder be a ``BoundedEmbedder``, so that results tell.
    """
    with subject.shelf() as trial:
        ordinary = trial.ask(_ONE, top_k=NODES).notes
    for length in (2_500, 40_000):
        filler = (" ".join(_FILLERS) + ". ") * (length // len(" ".join(_FILLERS)))
        texts = {
            "first one": f"{_ONE}. {filler}",
            "first other": f"{_OTHER}. {filler}",
            "last one": f"{filler}{_ONE}.",
            "last other": f"{filler}{_OTHER}.",
        }
        with subject.over([*library(), *(chapters(text, id=name) for name, text in texts.items())]) as trial:
            hits = trial.ask(_ONE, top_k=NODES + len(texts))
            if not _better(hits, "first one", "first other"):
                raise NothingToCheck("it does not tell long nodes apart by a sentence")
            if not _better(hits, "last one", "last other"):
                told = [note for note in hits.notes if note not in ordinary]
                ensure(told, f"of nodes of {length:,} characters the last sentence counts for nothing, the first does")
                return f"it does not read the end of nodes, and says so: {told[0]}"
    return None


def _better(hits: Sequence[NodeWithScore], one: str, other: str) -> bool:
    """Return whether a document is found, and with another score than one behind it, or without that one."""
    scores = {document_of(hit): hit.score for hit in reversed(hits)}
    places = ids(hits)
    if one not in scores or other not in scores:
        return one in scores
    return places.index(one) < places.index(other) and scores[one] != scores[other]


@check(Capability.RANKS_BY_QUERY)
def check_every_script_is_found(subject: Subject) -> None:
    """A sentence in any script is found by its own words.

    To mend: use an analyzer that cuts scripts without spaces (bigrams do), and that drops no letters.
    """
    documents = [Document(text, id=name) for name, text in _SENTENCES.items()]
    with subject.over(documents) as trial:
        for name, text in _SENTENCES.items():
            found = ids(trial.ask(text, top_k=10))
            ensure(name in found, f"the {name} sentence found {found}")


@check(Capability.RANKS_BY_QUERY)
def check_one_word_documents_are_found(subject: Subject) -> None:
    """A document of one word, number or letter is found by it, and nothing is better: whatever it is written in.

    To mend: treat query and documents alike: one case folding, one normal form, the same words dropped.
    """
    documents = [Document(text, id=f"{n} {text}") for n, text in enumerate(_WORDS)]
    with subject.over(documents) as trial:
        for document in subject.few(documents):
            hits = trial.ask(document.text, top_k=len(documents))
            mine = [hit for hit in hits if document_of(hit) == document.id]
            ensure(mine, f"the document {document.text!r} is not found by its own word")
            best = hits[0].score == mine[0].score or document_of(hits[0]) == document.id
            ensure(best, f"for {document.text!r}, {hits[0].node.text!r} is better than the word itself")


@check(Capability.EXHAUSTIVE, Capability.RANKS_BY_QUERY)
def check_every_word_of_a_document_finds_it(subject: Subject) -> None:
    """Each word of a document asked alone finds it, in whatever line: numbers, short words, words in other scripts.

    To mend: index all of a node's words; what is not a stop word must not be dropped for its length or its letters.
    """
    documents = [Document("\n".join(_WORDS), id="all"), *library()]
    with subject.over(documents) as trial:
        for word in subject.few(_WORDS):
            found = ids(trial.ask(word, top_k=NODES + 1))
            ensure("all" in found, f"the word {word!r} found {found}")


@check()
def check_long_words_and_documents_are_indexed(subject: Subject) -> None:
    """A word of 600 or 70,000 letters, a node of 100,000 words and a word repeated as often break nothing.

    To mend: cut or drop what the engine cannot take, and that alone; use no recursion over words or characters.
    """
    count = 10_000 if subject.quick else 100_000
    documents = [
        Document("x" * 600, id="long"),
        Document("é" * 300 + " straße", id="bytes"),
        chapters("y" * 70_000, id="longer"),
        chapters("many lines\n" + " ".join(f"w{n % 5000}" for n in range(count)), "a second passage", id="many"),
        chapters("again\n" + "again " * count, id="again"),
        chapters("(" * 5000, id="deep"),
    ]
    with subject.shelf() as trial:
        before = ids(trial.ask(own_text(library()[1]), top_k=30))
    with subject.over([*documents, *library()]) as trial:
        for document in documents:
            trial.ask(document.text[:1000], top_k=5)
        found = ids(trial.ask(own_text(library()[1]), top_k=30))
        name = library()[1].id
        ensure(
            name in found or name not in before, f"beside long words and documents, the text of {name} found {found}"
        )


@check()
def check_hostile_documents_are_kept(subject: Subject) -> None:
    """Documents, ids, metadata keys and values of hostile strings are indexed, found, and come back unchanged.

    To mend: pass text to engines as data, by parameters and not by formatting; do not trim or normalise what is
    returned.
    """
    strings = [text for text in HOSTILE if len(text) <= _ONE_NODE]
    documents = [
        Document(f"plain words {text}", id=f"{n} {text[:100]}", metadata={"value": text, text[:100]: n})
        for n, text in enumerate(strings)
    ]
    complete = Capability.EXHAUSTIVE in subject.declared
    with subject.over(documents) as trial:
        hits = {document_of(hit): hit for hit in trial.ask("plain words", top_k=10_000)}
        for document in documents:
            hit = hits.get(document.id)
            ensure(hit is not None or not complete, f"the document {document.id[:60]!r} is not found")
            whole = hit is None or (hit.node.metadata == document.metadata and hit.node.text == document.text)
            ensure(whole, f"the document {document.id[:60]!r} does not come back as it was put in")


def _ensure_valid(trial: Trial, text: str) -> None:
    known: Iterable[str] = {document.id for document in library()}
    found = ids(trial.ask(text, top_k=3))
    ensure(len(found) <= 3, f"{text[:60]!r} has more hits than were asked for")
    ensure(set(found) <= set(known), f"{text[:60]!r} found what is not in the corpus")
