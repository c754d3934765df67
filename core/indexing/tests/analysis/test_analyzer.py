import subprocess
import sys
import threading
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_core.errors import ConfigError
from retrieverkit_indexing.analysis import MAX_WORD_CHARS, Analyzer, is_character, supported_languages

ENGLISH = Analyzer()


@pytest.mark.parametrize(
    ("language", "text", "terms"),
    [
        ("en", "The dogs were Running_fast, 3.14 of C++!", "dog run fast 3 14 c"),
        ("en", "ﬁne ０１２ ＡＢＣ", "fine 012 abc"),
        ("de", "Die Häuser der Städte und die Bücher", "haus stadt buch"),
        ("fr", "les chevaux et l'eau", "cheval eau"),
        ("en", "Привет и мир: книгами", "привет мир книг"),
        ("bg", "и котка", "котка"),
        ("ru", "dogs и собаки", "dog собак"),
        ("en", "हिन्दी किताबें", "हिन्द किताब"),
        ("en", "العربية الكتب", "عرب كتب"),
        ("en", "東京都に、水 tokyo東京", "東京 京都 都に 水 tokyo 東京"),
        ("en", "서울에서", "서울 울에 에서"),
        ("en", "ラーメン・カメラ", "ラー ーメ メン カメ メラ"),
        ("en", "the café’s pump's seals, it's what they'd say; rock'n'roll", "cafe pump seal say rock n roll"),
        ("en", "I don’t and CAN'T", "i"),
        ("en", "1,000 to 1,234,567 but 1,23 and a,100", "1000 1234567 1 23 100"),
        ("de", "1,000", "1 000"),
        ("fr", "aujourd'hui l'été", "aujourd hui"),
    ],
)
def test_terms(language, text, terms):
    assert Analyzer(language).terms(text) == terms.split()


@pytest.mark.parametrize(
    ("language", "with_accents", "without"),
    [
        ("en", "naïve café résumés Ærø Straße", "naive cafe resumes aero strasse"),
        ("fr", "études forêts", "etudes forets"),
        ("de", "Häuser Straße", "hauser strasse"),
        ("pl", "źródło", "zrodlo"),
        ("en", "n̈ é", "n e"),
    ],
)
def test_words_are_the_same_with_and_without_accents(language, with_accents, without):
    assert Analyzer(language).terms(with_accents) == Analyzer(language).terms(without) != []


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [("sv", "får", "far"), ("es", "año", "ano"), ("vi", "má", "mà"), ("tr", "kız", "kiz")],
)
def test_letters_of_their_own_stay(language, one, other):
    assert Analyzer(language).terms(one) != Analyzer(language).terms(other)


def test_the_characters_of_runs_are_told_apart_from_words():
    assert ENGLISH.characters("東京に tokyo 猫") == ["東", "京", "に", "猫"]
    assert ENGLISH.characters("tokyo") == ENGLISH.characters("café") == []
    assert [term for term in ENGLISH.terms("猫 x é 東京") if is_character(term)] == ["猫"]


def test_only_stop_words_are_no_terms():
    assert ENGLISH.terms("to be, or what it is") == []


@pytest.mark.parametrize("word", ["x", "ж", "ა"])
def test_long_words_are_cut_into_pieces(word):
    terms = ENGLISH.terms(word * (MAX_WORD_CHARS * 2 + 50))
    assert terms == [word * MAX_WORD_CHARS, word * MAX_WORD_CHARS, word * 50]


def test_a_long_run_without_spaces_stays_whole():
    assert len(ENGLISH.terms("水" * 1000)) == 999


@given(st.text())
def test_any_text_has_short_terms_without_white_space_however_it_is_composed(text):
    terms = ENGLISH.terms(text)
    assert all(term and len(term) <= 2 * MAX_WORD_CHARS and not any(c.isspace() for c in term) for term in terms)
    assert ENGLISH.terms(unicodedata.normalize("NFD", text)) == ENGLISH.terms(unicodedata.normalize("NFC", text))


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_ascii_text_has_the_same_terms_within_other_text(text):
    assert ENGLISH.terms(f"{text} ж")[:-1] == ENGLISH.terms(text)


def test_every_supported_language_works():
    for language in supported_languages():
        assert "12" in Analyzer(language).terms("Ω 12 word слово كلمة शब्द 字")


@pytest.mark.parametrize(
    ("language", "near"), [("english", "'en'"), ("en-US", "'en'"), ("dd", ""), ("", ""), ("klingon" * 99, "")]
)
def test_an_unknown_language_is_refused(language, near):
    with pytest.raises(ConfigError, match="supported: af, ar") as caught:
        Analyzer(language)
    assert near in caught.value.fix


def test_the_fingerprint_names_what_matters():
    assert Analyzer("de").fingerprint != ENGLISH.fingerprint == Analyzer("en").fingerprint
    assert "PyStemmer" in ENGLISH.fingerprint


def test_threads_get_the_same_terms():
    texts = [f"running{i} nations nationally слова{i} 東京{i}" for i in range(300)]
    expected = [Analyzer().terms(text) for text in texts]
    shared, found, start = Analyzer(), [], threading.Barrier(8)

    def work():
        start.wait()
        found.append([shared.terms(text) for text in texts])

    threads = [threading.Thread(target=work) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert found == [expected] * 8


def run(code):
    return subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True).stdout.strip()


def test_core_loads_neither_stemmers_nor_lists():
    code = "import sys, retrieverkit_indexing.analysis; print({'Stemmer', 'stopwordsiso'} & set(sys.modules))"
    assert run(code) == "set()"


def test_the_missing_extra_is_named():
    code = """
import sys
sys.modules["Stemmer"] = None
from retrieverkit_indexing.analysis import Analyzer
from retrieverkit_core.errors import RetrieverKitError
try:
    Analyzer()
except RetrieverKitError as error:
    print(error.fix)
"""
    assert run(code) == "pip install 'retrieverkit-core[analysis]'"
