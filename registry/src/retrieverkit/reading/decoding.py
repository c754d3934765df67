"""Bytes to text, without guessing.

A byte-order mark decides, else the text is UTF-8, else it is what the caller said that it then is, else it is refused.
A legacy encoding cannot be told from another one with certainty, and a wrong guess would be indexed as nonsense without
a sign.
"""

from __future__ import annotations

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class UndecodableError(ValueError):
    """The bytes are not text in the encoding that they must have."""


def marked_encoding(data: bytes) -> str | None:
    """Return the encoding that a byte-order mark declares, or None."""
    return next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)


def needs_encoding(data: bytes) -> bool:
    """Return whether nothing but the caller can say what the bytes mean as text."""
    if marked_encoding(data) is not None:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def decode(data: bytes, otherwise: str | None = None) -> str:
    """Return ``data`` as text.

    Args:
        data: The bytes.
        otherwise: The encoding of text that has no byte-order mark and is not UTF-8.

    Raises:
        UndecodableError: It is not valid in the encoding of its byte-order mark, or neither UTF-8 nor what it otherwise
            is, or it holds a NUL, which is how binary data and UTF-16 without a mark look.
    """
    encoding = marked_encoding(data) or "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if otherwise is not None and marked_encoding(data) is None:
            return _decoded_otherwise(data, otherwise)
        line = data[: error.start].decode(encoding).count("\n") + 1
        name = encoding.removesuffix("-sig").upper()
        raise UndecodableError(f"not valid {name}: byte 0x{data[error.start]:02x} on line {line}") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UndecodableError(f"a NUL character on line {line}: binary, or UTF-16 without a byte-order mark")
    return text


def _decoded_otherwise(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        problem = f"neither valid UTF-8 nor {encoding}: byte 0x{data[error.start]:02x} at {error.start:,}"
        raise UndecodableError(problem) from None
    if "\0" in text:
        raise UndecodableError(f"a NUL character, read as {encoding}")
    return text


def looks_like_text(head: bytes) -> bool:
    """Return whether the first bytes of a file are text."""
    encoding = marked_encoding(head) or "utf-8"
    try:
        # Not final: a character may be cut at the end of the head.
        return "\0" not in codecs.getincrementaldecoder(encoding)().decode(head, final=False)
    except UnicodeDecodeError:
        return False
