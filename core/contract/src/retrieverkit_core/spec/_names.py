"""What a mode, a distribution and an option may be called."""

from __future__ import annotations

import re
import unicodedata

from retrieverkit_core.errors import ConfigError, ModeStringError, shorten

MODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
PROVIDER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
OPTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

RESERVED = frozenset({"mode", "provider", "retrievers", "options"})
"""Keys of the dict form that describe the retriever itself, so that no option can have them as its name."""


def normal_provider(name: str) -> str:
    """Return a distribution's name in the normal form of the packaging specifications."""
    return re.sub(r"[-_.]+", "-", name).lower()


def mode_name(written: str, *, text: str, column: int, hint: str = "") -> str:
    """Return the mode that ``written`` names; a hyphen is read as an underscore.

    Args:
        written: The name as it stands in ``text``.
        text: The mode string around it, for the message.
        column: Where ``written`` starts in ``text``, counted from 1.
        hint: What else could have been meant.

    Raises:
        ModeStringError: It is not a mode's name.
    """
    name = written.replace("-", "_")
    if MODE.fullmatch(name):
        return name
    near = _near_mode(written)
    fix = f"write {near!r}" if near else "a mode's name is made of a-z, 0-9 and _, a letter first, at most 64"
    raise ModeStringError(f"{shorten(written)!r} is not a mode's name", text=text, column=column, fix=fix + hint)


def _near_mode(written: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", written[:100].removesuffix("Retriever"))
    plain = unicodedata.normalize("NFKD", parted).encode("ascii", "ignore").decode().strip().lower()
    near = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    return near if MODE.fullmatch(near) else ""


def provider_name(written: str, *, text: str, column: int) -> str:
    """Return the distribution that ``written`` names, in normal form.

    Raises:
        ModeStringError: It is not a distribution's name.
    """
    if not PROVIDER.fullmatch(written):
        raise ModeStringError(
            f"{shorten(written)!r} is not a distribution's name",
            text=text,
            column=column,
            fix="write it as pip does, for example 'retrieverkit-bm25:bm25'",
        )
    return normal_provider(written)


def qualified_name(written: str) -> tuple[str | None, str]:
    """Return the distribution, or None, and the mode of ``"mode"`` or ``"dist:mode"``.

    Raises:
        ModeStringError: It is neither.
    """
    if "(" in written:
        raise ModeStringError(
            "the key 'mode' takes a name alone",
            text=written,
            column=written.index("(") + 1,
            fix="put the arguments beside 'mode', or write the whole retriever as one string",
        )
    provider, colon, mode = written.rpartition(":")
    name = mode_name(mode, text=written, column=len(provider) + len(colon) + 1)
    return (provider_name(provider, text=written, column=1) if colon else None), name


def option_name(written: object) -> str:
    """Return ``written`` if an option can be called so.

    Raises:
        ConfigError: It cannot.
    """
    if isinstance(written, str) and OPTION.fullmatch(written):
        return str.__str__(written)
    near = re.sub(r"[^A-Za-z0-9_]+", "_", str(written)[:100])
    raise ConfigError(
        f"{shorten(repr(written))} is not an option's name",
        fix=f"write {near!r}" if OPTION.fullmatch(near) else "an option's name is an identifier of ASCII letters",
    )
