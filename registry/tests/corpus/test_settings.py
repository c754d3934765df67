"""The settings of a corpus: chosen, detected, changed, and those of a file that had none."""

from __future__ import annotations

import sqlite3
import sys

import pytest

from retrieverkit.corpus import SourceContent, SQLiteCorpus
from retrieverkit_core.corpus import IndexSettings, WritableCorpus
from retrieverkit_core.errors import ConfigError
from retrieverkit_core.nodes import Document, Node

GERMAN = "Die Pumpen der Anlage wurden geprüft, und das Wasser ist nicht mehr in den Rohren. "
ENGLISH = "The pumps of the plant were checked, and the water is not in the pipes any more. "


def pair(doc_id, text):
    return Document(text, id=doc_id), [Node(text, id=doc_id)]


def test_defaults_and_what_is_given_when_a_corpus_is_made(path):
    with SQLiteCorpus.open(path) as corpus:
        assert corpus.settings == IndexSettings("en", ("title",))
        assert isinstance(corpus, WritableCorpus)
    other = path.with_name("other.sqlite")
    SQLiteCorpus.open(other, language="de", searched=["title", "author"]).close()
    with SQLiteCorpus.open(other) as corpus:
        assert corpus.settings == IndexSettings("de", ("title", "author"))
        assert corpus.check() == []


def test_a_change_of_settings_moves_the_head_and_is_seen_by_others(corpus, path):
    with SQLiteCorpus.open(path) as other:
        before = other.head()
        assert corpus.configure(language="de") == other.settings == IndexSettings("de")
        assert other.head() != before and other.holds(before)
        assert corpus.configure(searched=()) == other.settings == IndexSettings("de", ())
        with other.snapshot() as view:
            assert (list(view.added(before)), list(view.removed(before))) == ([], [])
        head = corpus.head()
        corpus.configure(language="de", searched=())
        assert other.head() == head


@pytest.mark.parametrize(
    "wrong", [{"language": "xx"}, {"language": ""}, {"language": 5}, {"searched": "title"}, {"searched": [""]}]
)
def test_settings_that_cannot_be_used(corpus, path, wrong):
    with pytest.raises(ConfigError) as caught:
        corpus.configure(**wrong)
    assert caught.value.fix
    with pytest.raises(ConfigError):
        SQLiteCorpus.open(path.with_name("new.sqlite"), **wrong)
    assert not path.with_name("new.sqlite").exists()
    assert corpus.settings == IndexSettings()


def test_the_language_is_detected_once_and_told_once(corpus):
    report = corpus.replace([pair("a", GERMAN)])
    assert corpus.settings.language == "de"
    assert len(report.notes) == 1 and "de" in report.notes[0] and "configure" in report.notes[0]
    assert corpus.replace([pair("b", GERMAN)]).notes == ()
    other = corpus.replace([pair("c", ENGLISH)])
    assert corpus.settings.language == "de"
    assert len(other.notes) == 1 and "look like en" in other.notes[0]
    assert corpus.replace([pair("c", ENGLISH)]).notes == ()


def test_files_are_looked_at_too_and_english_is_not_worth_a_note(corpus):
    assert corpus.replace_sources([SourceContent("f", "1", [pair("a", ENGLISH)])]).notes == ()
    report = corpus.replace_sources([SourceContent("g", "1", [pair("b", GERMAN)])])
    assert corpus.settings.language == "en" and "look like de" in report.notes[0]


def test_a_chosen_language_is_kept(path):
    with SQLiteCorpus.open(path, language="en") as corpus:
        assert "look like de" in corpus.replace([pair("a", GERMAN)]).notes[0]
        assert corpus.settings.language == "en"
        corpus.configure(language="de")
        assert corpus.replace([pair("b", GERMAN)]).notes == ()


def test_without_the_analysis_nothing_is_decided(corpus, monkeypatch):
    monkeypatch.setitem(sys.modules, "retrieverkit_indexing.analysis", None)
    assert corpus.replace([pair("a", GERMAN)]).notes == ()
    assert corpus.settings == IndexSettings()
    monkeypatch.undo()
    assert corpus.replace([pair("b", GERMAN)]).notes
    assert corpus.settings == IndexSettings("de")


@pytest.mark.parametrize(("texts", "language"), [((ENGLISH,), "en"), ((), "de")])
def test_a_corpus_of_the_first_format_keeps_all_it_holds(path, texts, language):
    with SQLiteCorpus.open(path, language="en") as corpus:
        corpus.replace([pair(str(n), text) for n, text in enumerate(texts)])
        head, documents = corpus.head(), [corpus.document(doc_id) for doc_id in corpus.document_ids()]
    old = sqlite3.connect(path)
    old.execute("DELETE FROM meta WHERE key <> 'corpus_id'")
    old.execute("PRAGMA user_version = 1")
    old.commit()
    old.close()
    with SQLiteCorpus.open(path, read_only=True) as reader:
        assert (reader.head(), reader.settings) == (head, IndexSettings())
    with SQLiteCorpus.open(path) as corpus:
        assert (corpus.head(), corpus.settings) == (head, IndexSettings())
        assert [corpus.document(doc_id) for doc_id in corpus.document_ids()] == documents
        corpus.replace([pair("new", GERMAN)])
        assert corpus.settings.language == language
        assert corpus.check() == []
    stored = sqlite3.connect(path)
    assert stored.execute("PRAGMA user_version").fetchone() == (2,)
    stored.close()


def test_settings_changed_behind_its_back_are_found(path):
    with SQLiteCorpus.open(path) as corpus:
        corpus.configure(language="de")
    other = sqlite3.connect(path)
    other.execute("UPDATE meta SET value = 'fr' WHERE key = 'language'")
    other.commit()
    other.close()
    with SQLiteCorpus.open(path) as corpus:
        assert [problem.where for problem in corpus.check()] == ["meta"]
