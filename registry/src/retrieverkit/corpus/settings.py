"""The settings of a corpus: where they are kept, and the language of the texts where nobody named it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from retrieverkit.corpus.rows import digest, from_json, to_json
from retrieverkit_core.corpus import IndexSettings
from retrieverkit_core.errors import ConfigError, MissingServiceError, near_matches, shorten

_LANGUAGE, _SEARCHED, _SPLITTER = "language", "searched", "splitter"
_PUT = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"

_BULK = 0.5
"""The share of the texts from which on their language is that of all."""


def stored_settings(connection: sqlite3.Connection) -> tuple[IndexSettings, bool]:
    """Return the settings, and whether the language was chosen yet.

    Raises:
        ValueError: They are not what was written.
    """
    rows = dict(connection.execute("SELECT key, value FROM meta"))
    default = IndexSettings()
    language = rows.get(_LANGUAGE)
    searched = tuple(from_json(rows[_SEARCHED])) if _SEARCHED in rows else default.searched
    settings = IndexSettings(language or default.language, searched, rows.get(_SPLITTER, default.splitter))
    return settings, language is not None


def put_settings(connection: sqlite3.Connection, settings: IndexSettings, *, language_is_chosen: bool) -> None:
    """Write the settings inside the caller's transaction."""
    connection.execute(_PUT, (_SEARCHED, to_json(list(settings.searched))))
    if settings.splitter:
        connection.execute(_PUT, (_SPLITTER, settings.splitter))
    if language_is_chosen:
        connection.execute(_PUT, (_LANGUAGE, settings.language))


def settings_hash(settings: IndexSettings) -> bytes:
    """Return the hash that stands in the log for a change to these settings."""
    more = [settings.splitter.encode()] if settings.splitter else []
    return digest(settings.language.encode(), to_json(list(settings.searched)).encode(), *more)


def changed(old: IndexSettings, language: str | None, searched: Sequence[str] | None) -> IndexSettings:
    """Return ``old`` with what is not None.

    Raises:
        ConfigError: A value cannot be used.
    """
    new = IndexSettings(
        old.language if language is None else language,
        old.searched if searched is None else searched,  # type: ignore[arg-type]  # it checks what it is given
        old.splitter,
    )
    if language is not None:
        _check_language(language)
    return new


def language_of(texts: Sequence[str]) -> tuple[str, float]:
    """Return the language that most of the texts are in, and their share; an empty string where that is not clear."""
    try:
        from retrieverkit_indexing.analysis import detect_language

        language, share = detect_language(texts)
    except (ImportError, MissingServiceError):  # an extra, and no mode that needs it is installed
        return "", 0.0
    return (language, share) if share >= _BULK else ("", 0.0)


def detected_note(language: str, share: float) -> str:
    """Return what to say where the language was detected."""
    return (
        f"language: {language}, detected in {share:.0%} of the texts and kept for this index; "
        "change it with index.configure(language=...)"
    )


def other_language_note(settings: IndexSettings, language: str) -> str:
    """Return what to say where texts of another language than the corpus's are added."""
    return (
        f"language: {settings.language}, but most of the texts that were added look like {language}: words are "
        f"reduced as in {settings.language}; if that is wrong, call index.configure(language={language!r})"
    )


def _check_language(language: str) -> None:
    try:
        from retrieverkit_indexing.analysis import supported_languages
    except ImportError:
        return
    known = sorted(supported_languages())
    if language not in known:
        near = near_matches(language, known)
        hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        raise ConfigError(
            f"the language {shorten(repr(language))} is not known", fix=f"{hint}languages: {', '.join(known)}"
        )
