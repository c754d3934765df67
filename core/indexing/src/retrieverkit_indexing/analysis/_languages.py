"""Languages: their codes, scripts and stemmers."""

from __future__ import annotations

from functools import cache
from typing import Any

from retrieverkit_core.errors import ConfigError, MissingServiceError, near_matches, shorten
from retrieverkit_indexing.analysis._scripts import LATIN

_STEMMERS = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "eo": "esperanto",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "st": "sesotho",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}
"""The Snowball algorithm of each language that has one. Those that the installed PyStemmer lacks are not used."""

_SCRIPTS = {
    "greek": ("el",),
    "cyrillic": ("ru", "bg", "sr", "uk"),
    "armenian": ("hy",),
    "hebrew": ("he", "yi"),
    "arabic": ("ar", "fa", "ku", "ur"),
    "devanagari": ("hi", "mr", "ne"),
    "bengali": ("bn",),
    "gujarati": ("gu",),
    "tamil": ("ta",),
    "without spaces": ("ja", "ko", "th", "zh"),
}
"""The languages of each script but Latin; the first is taken for a word of that script."""


def extra_module(module: str) -> Any:
    """Return a module of the ``analysis`` extra, or raise which extra is missing."""
    import importlib

    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingServiceError(
            f"text analysis needs {module}, which is not installed",
            fix="pip install 'retrieverkit-core[analysis]'",
        ) from error


@cache
def supported_languages() -> tuple[str, ...]:
    """Return the codes (ISO 639-1) of the languages with a stemmer, a stop word list, or both.

    Raises:
        MissingServiceError: The ``analysis`` extra is not installed.
    """
    listed = extra_module("stopwordsiso").langs()
    return tuple(sorted(listed | {code for code in _STEMMERS if algorithm_of(code)}))


def check_language(language: str) -> str:
    """Return ``language`` if it is supported.

    Raises:
        ConfigError: It is not.
        MissingServiceError: The ``analysis`` extra is not installed.
    """
    supported = supported_languages()
    if language in supported:
        return language
    shown = str(language)
    by_name = [code for code, algorithm in _STEMMERS.items() if algorithm == shown.lower()]
    by_tag = [code for code in supported if shown.lower().replace("_", "-").startswith(f"{code}-")]
    near = by_name or by_tag or near_matches(shown, supported)
    suggestion = f"did you mean {near[0]!r}? " if near else ""
    raise ConfigError(f"unknown language {shorten(shown)!r}", fix=f"{suggestion}supported: {', '.join(supported)}")


@cache
def language_of_script(script: str, chosen: str) -> str:
    """Return the language to take for words in ``script`` when ``chosen`` is the language of the corpus."""
    if script == LATIN:
        return chosen if _script_of_language(chosen) == LATIN else "en"
    languages = _SCRIPTS.get(script, ())
    if chosen in languages:
        return chosen
    return languages[0] if languages else ""


def languages_of_script(script: str) -> tuple[str, ...]:
    """Return the supported languages that are written in ``script``."""
    if script == LATIN:
        return tuple(code for code in supported_languages() if _script_of_language(code) == LATIN)
    return _SCRIPTS.get(script, ())


def algorithm_of(language: str) -> str | None:
    """Return the Snowball algorithm for ``language``, or None where there is none."""
    algorithm = _STEMMERS.get(language)
    return algorithm if algorithm in extra_module("Stemmer").algorithms() else None


def stemmer_version() -> str:
    """Return the version of the stemmers."""
    return str(extra_module("Stemmer").version())


def make_stemmer(algorithm: str) -> Any:
    """Return a stemmer without a cache of its own, for one thread."""
    return extra_module("Stemmer").Stemmer(algorithm, 0)


def _script_of_language(language: str) -> str:
    return next((script for script, languages in _SCRIPTS.items() if language in languages), LATIN)
