"""`Rules`: entities and relations without a model, by how names are written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise

from retrieverkit_core.corpus import Corpus, IndexSettings, StoredNode
from retrieverkit_core.errors import shorten
from retrieverkit_core.nodes import Node
from retrieverkit_indexing.analysis import TITLE, Analyzer, indexed_parts, words_pattern
from retrieverkit_indexing.sentences import sentences, version
from retrieverkit_property_graph.extraction.mentions import Mention, Names, free, on_one_line, opens
from retrieverkit_property_graph.extraction.phrases import Phrases
from retrieverkit_property_graph.extraction.scripts import runs_together
from retrieverkit_property_graph.triples import Entity, Extracted, Triple

WITH = "with"
"""The relation of two that are named together, where the words between them do not say more."""
IS_CALLED = "is called"
"""The relation of a name to its short form."""

MAX_TITLE_CHARS = 200
"""A longer title is read as text."""
MOST_TITLES = 20
"""More titles of one node are read as text."""
MAX_LABEL_WORDS = 8
"""The most words that a relation is called by."""
MOST_MENTIONS = 2000
"""How many mentions of one node are looked at, of the many that a text of more than 30,000 words may have."""

SENTENCE_CHARS = 1000
"""The most characters of a sentence: what is longer, such as a table or code, is cut where words end."""

_RULES_VERSION = 5
_IN_BRACKETS = re.compile(r"\s*[(（][^()（）]*[)）]\s*$")
_ASIDE = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_LABEL_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*")
_ADDRESS = re.compile(r"(?:\b[a-z]{1,10}://|\bwww\.)[^\s<>\"]+|[\w.+-]{1,64}@[\w.-]+")
_NOT_FIRST = frozenset({"and", "he", "it", "or", "she", "that", "they", "this", "which", "who"})
_NOT_LAST = frozenset({"a", "an", "the"})
_SHORT_FORM = re.compile(r"\s*[(（]\s*")


def rule_extractor(corpus: Corpus) -> Rules:
    """Return the rules for a corpus, with its language and what of its nodes is searched.

    Raises:
        ConfigError: The language is not supported.
    """
    return Rules(corpus.settings)


class Rules:
    """Names and noun phrases, linked where they meet in a sentence.

    What a node supports depends on this node alone. It names its title, quoted titles, and runs of words with capitals.
    Where there are fewer names than sentences, sentences without any name their noun phrases (`Phrases`); so does
    what is written in a script without capitals and spaces. Neighbours in a sentence are linked by the words between
    them. What a sentence names is also linked with what the node is about, its title or else the first name in it, by
    the words in front of it; where nothing in the node is a name, with the first phrase of the sentence.

    Args:
        settings: Those of the corpus.

    Raises:
        ConfigError: The language is not supported.
    """

    uses: tuple[object, ...] = ()

    def __init__(self, settings: IndexSettings) -> None:
        self._settings = settings
        self._analyzer = Analyzer(settings.language)
        self._names = Names(self._is_stop_word)
        self._phrases = Phrases(lambda word: opens(word) or self._is_stop_word(word))

    @property
    def fingerprint(self) -> str:
        """Names the rules and the settings."""
        searched = ", ".join(self._settings.searched)
        return (
            f"graph rules {_RULES_VERSION}; {version()}, {SENTENCE_CHARS}; {self._analyzer.fingerprint}; of {searched}"
        )

    def of_nodes(self, nodes: Sequence[StoredNode]) -> list[Extracted]:
        """Return what each node supports, in order."""
        return [self.of_node(stored.node) for stored in nodes]

    def of_node(self, node: Node) -> Extracted:
        """Return what one node supports."""
        titles, texts = self._parts(node)
        found = _Found(titles)
        plain = {word for text in texts for word in words_pattern().findall(text) if word == word.lower()}
        read = [
            sentence for text in texts for sentence in sentences(text, self._settings.language, longest=SENTENCE_CHARS)
        ]
        named = [self._named(sentence, found.titles, plain) for sentence in read]
        has_few = sum(map(len, named)) < len(named)
        room = MOST_MENTIONS
        for sentence, names in zip(read, named, strict=True):
            if names:
                found.begin_with(names[0].name)
            if (has_few and not names) or runs_together(sentence):
                names = sorted([*names, *self._phrases_beside(names, sentence)])
            found.add(sentence, names[:room])
            room -= len(names)
            if room < 0:
                where = f"of node {shorten(repr(node.id))}"
                return found.extracted(f"{where}: what comes after its first {MOST_MENTIONS:,} names and phrases")
        return found.extracted()

    def _parts(self, node: Node) -> tuple[list[str], list[str]]:
        """Return the titles of a node, and the texts to be read."""
        titles: list[str] = []
        texts: list[str] = []
        for field, part in indexed_parts(node, self._settings.searched):
            text = _composed(part)
            if field == TITLE and 0 < len(text) <= MAX_TITLE_CHARS and len(titles) < MOST_TITLES:
                titles.append(on_one_line(text))
            elif text:
                texts.append(_without_addresses(text))
        return titles, texts

    def _named(self, sentence: str, titles: Sequence[str], plain: AbstractSet[str]) -> list[Mention]:
        found = list(_titles_in(sentence, titles))
        names = [name for name in self._names.find(sentence, plain) if free(name, found)]
        return sorted([*found, *names]) if found else names

    def _phrases_beside(self, names: Sequence[Mention], sentence: str) -> Iterator[Mention]:
        return (phrase for phrase in self._phrases.find(sentence) if free(phrase, names))

    def _is_stop_word(self, word: str) -> bool:
        return not self._analyzer.joined(word)


def _composed(text: str) -> str:
    """Return a text in composed characters, all of which can be stored."""
    return unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode("utf-8")).strip()


def _without_addresses(text: str) -> str:
    """Return a text without addresses of pages and mail: words in them are not names."""
    return _ADDRESS.sub(" \0 ", text) if "://" in text or "@" in text or "www." in text else text


class _Found:
    """What was found in one node so far: each once, in the order of the text.

    Args:
        titles: The node's titles.

    Attributes:
        titles: These, and each that ends in brackets without them too: a text rarely repeats "(song)".
    """

    def __init__(self, titles: Sequence[str]) -> None:
        self._subject = titles[0] if titles else None
        self._entities = {title: Entity(title) for title in titles}
        self._triples: dict[tuple[str, str, str], Triple] = {}
        self.titles = list(titles)
        for title in titles:
            short = _IN_BRACKETS.sub("", title)
            if short != title and any(map(str.isalnum, short)):
                self.titles.append(short)
                self._link(title, IS_CALLED, short)

    def begin_with(self, name: str) -> None:
        """Take a name for what the node is about, unless it has a title or a name before that."""
        self._subject = self._subject or name

    def add(self, sentence: str, mentions: Sequence[Mention]) -> None:
        """Take in what a sentence names."""
        for mention in mentions:
            self._entity(mention.name)
        for one, other in pairwise(mentions):
            self._link(one.name, _label(sentence, one, other), other.name)
        first = mentions[0] if mentions else None
        subject = self._subject or (first and first.name)
        before: Mention | None = None
        for mention in mentions:
            if subject and (before is None or before.name != subject):
                words = sentence[before.end if before else 0 : mention.start]
                self._link(subject, _words_of(words), mention.name)
            before = mention

    def extracted(self, problem: str | None = None) -> Extracted:
        """Return all."""
        return Extracted(tuple(self._entities.values()), tuple(self._triples.values()), problem)

    def _entity(self, name: str) -> Entity:
        return self._entities.setdefault(name, Entity(name))

    def _link(self, subject: str, relation: str, other: str) -> None:
        if subject != other:
            triple = Triple(self._entity(subject), relation, self._entity(other))
            self._triples.setdefault((subject, relation, other), triple)


def _titles_in(sentence: str, titles: Sequence[str]) -> Iterator[Mention]:
    """Yield the places where a sentence names a title of its node, in whatever case."""
    lowered = sentence.lower()
    if len(lowered) != len(sentence):
        lowered = sentence
    taken: list[Mention] = []
    for title in titles:
        sought = title.lower() if lowered is not sentence else title
        at = lowered.find(sought)
        while at >= 0:
            mention = Mention(at, at + len(sought), title)
            if _stands_alone(sentence, mention) and free(mention, taken):
                taken.append(mention)
                yield mention
            at = lowered.find(sought, mention.end)


def _stands_alone(sentence: str, mention: Mention) -> bool:
    """Return whether a mention neither begins nor ends inside a word."""
    before, after = sentence[mention.start - 1 : mention.start], sentence[mention.end : mention.end + 1]
    return runs_together(mention.name) or not (before.isalnum() or after.isalnum())


def _label(sentence: str, one: Mention, other: Mention) -> str:
    """Return what two neighbours in a sentence are linked by."""
    between = sentence[one.end : other.start]
    closed = sentence[other.end : other.end + 1] in (")", "）")
    if closed and _SHORT_FORM.fullmatch(between) and _abbreviates(other.name, one.name):
        return IS_CALLED
    return _words_of(between)


def _abbreviates(short: str, name: str) -> bool:
    """Return whether a short form is in capitals and begins as the name does."""
    return short.isupper() and 1 < len(short) < len(name) and short[0] == name[0].upper()


def _words_of(text: str) -> str:
    """Return what a relation is called by the words of a text, without English ones that only lead in and out."""
    words = _LABEL_WORD.findall(_ASIDE.sub(" ", text) if "(" in text or "[" in text else text)
    while words and words[-1].lower() in _NOT_LAST:
        words.pop()
    while words and words[0].lower() in _NOT_FIRST:
        del words[0]
    return " ".join(words) if 0 < len(words) <= MAX_LABEL_WORDS else WITH
