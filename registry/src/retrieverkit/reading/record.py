"""One record of a table or a JSON file to one document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retrieverkit_core.nodes import Document, Metadata
from retrieverkit_core.readers import SourceFile

TEXT_FIELDS = ("text", "content", "body")
ID_FIELDS = ("_id", "id")
TITLE_FIELD = "title"
MAX_NESTING = 32
MAX_FIELDS = 5_000
"""Fields are kept with every node, so the time for a record grows with the square of their number."""


class BadRecordError(ValueError):
    """A record that cannot become a document."""


def record_document(file: SourceFile, row: int, record: Mapping[str, Any]) -> Document:
    """Return the document that ``record`` is.

    Its id is the field ``_id`` or ``id``, else the file and the row: a row that is put in front then moves
    the ids of all that follow. Its text is the first of `TEXT_FIELDS` that there is; a null there is a blank
    text. Without such a field the text is every string field but the title, one per line. All other fields are
    metadata, those of a nested ``metadata`` object among them; an index searches those that its settings name,
    which is ``title`` by default. A title without a text is the text. The record's own fields win over ``path``
    and ``row``.

    Args:
        file: Where the record comes from.
        row: Its place among the records of the file, from 1.
        record: The fields; names are compared exactly.

    Raises:
        BadRecordError: It has more than `MAX_FIELDS` fields, no field can be the text, the id is neither string nor
            integer, a field is nested too deeply, or a field has two different values.
    """
    if len(record) > MAX_FIELDS:
        raise BadRecordError(f"{len(record):,} fields, more than {MAX_FIELDS:,}")
    fields = dict(record)
    own_id = _take_id(fields)
    text_field = next((name for name in TEXT_FIELDS if name in fields), None)
    text = _text(fields, text_field)
    fields.pop(text_field or "", None)
    metadata = _flattened(fields)
    place: Metadata = {"path": file.path, "row": row}
    not_searched = [name for name in place if name not in metadata]
    title = metadata.get(TITLE_FIELD)
    if isinstance(title, str) and title.strip() and not (text or "").strip():
        text = title
        not_searched.append(TITLE_FIELD)  # it would count twice
    if text is None:
        raise BadRecordError(f"no text: neither {', '.join(TEXT_FIELDS)} nor another string field")
    _check_nesting(metadata)
    _check_storable(own_id, text, metadata)
    return Document(
        text,
        id=own_id or f"{file.path}#row={row}",
        metadata={**place, **metadata},
        excluded_embed_metadata_keys=not_searched,
    )


def _take_id(fields: dict[str, Any]) -> str:
    for name in ID_FIELDS:
        value = fields.get(name)
        if value is None or value == "":
            continue
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise BadRecordError(f"the field {name!r} must be a string or an integer")
        del fields[name]
        return str(value)
    return ""


def _text(fields: Mapping[str, Any], text_field: str | None) -> str | None:
    """Return the text without the title, or None where no field can be the text."""
    if text_field is not None:
        own = fields[text_field]
        if not isinstance(own, str | None):
            raise BadRecordError(f"the field {text_field!r} must be a string")
        return own or ""
    parts = [value for name, value in fields.items() if isinstance(value, str) and name != TITLE_FIELD]
    has_text = parts or isinstance(fields.get(TITLE_FIELD), str)
    return "\n".join(part for part in parts if part) if has_text else None


def _flattened(fields: dict[str, Any]) -> Metadata:
    nested = fields.get("metadata")
    if not isinstance(nested, dict):
        return fields
    metadata = {name: value for name, value in fields.items() if name != "metadata"}
    for name, value in nested.items():
        if name in metadata and metadata[name] != value:
            raise BadRecordError(f"the field {name!r} and its namesake in 'metadata' differ")
        metadata[name] = value
    return metadata


def _check_nesting(metadata: Metadata) -> None:
    level: list[Any] = [metadata]
    for _ in range(MAX_NESTING):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
    raise BadRecordError(f"nested more than {MAX_NESTING} levels deep")


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _check_storable(own_id: str, text: str, metadata: Metadata) -> None:
    try:
        f"{own_id}{text}{metadata!r}".encode()
    except UnicodeEncodeError:
        raise BadRecordError("half a surrogate pair, which is not a character") from None
