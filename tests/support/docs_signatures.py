"""Classes, functions and their docstrings as Markdown."""

import inspect
import re
import types
import typing
from collections.abc import Iterator

_HEADINGS = ("Args", "Attributes", "Returns", "Raises", "Yields")


def described(kind: type, level: int) -> str:
    """Return a class's name as a heading, its words, and a table of its attributes."""
    return f"{'#' * level} {kind.__name__}\n\n{attributes(kind)}"


def attributes(kind: type) -> str:
    """Return a class's words and a table of its attributes; those it inherits come first."""
    rows = []
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("retrieverkit"):
            rows += [f"| `{name}` | {cell(told)} |" for name, told in parsed(base)[1].get("Attributes", [])]
    table = ["| attribute | meaning |", "|---|---|", *dict.fromkeys(rows)] if rows else []
    return f"{parsed(kind)[0]}\n\n" + "\n".join(table)


def members(kind: type, level: int) -> str:
    """Describe the public methods and properties that a class defines itself."""
    named = [name for name, value in vars(kind).items() if not name.startswith("_") and _is_described(value)]
    return "\n\n".join(member(kind, name, level) for name in named)


def _is_described(value: object) -> bool:
    return isinstance(value, (property, classmethod)) or inspect.isfunction(value)


def member(kind: type, name: str, level: int) -> str:
    """Describe one method or property of a class."""
    heading = f"{'#' * level} {kind.__name__}.{name}"
    if isinstance(inspect.getattr_static(kind, name), property):
        return f"{heading}\n\n{parsed(inspect.getattr_static(kind, name))[0]}"
    return f"{heading}\n\n{function(name, getattr(kind, name))}"


def function(name: str, called: object) -> str:
    """Return the exact signature, the words, the arguments and the errors of a function."""
    words, sections = parsed(called)
    parts = [signature(name, called), words]
    if "Args" in sections:
        parts.append(_table("argument", sections["Args"]))
    if "Returns" in sections:
        returned = " ".join(f"{start}: {rest}" if rest else start for start, rest in sections["Returns"])
        parts.append(f"Returns: {cell(returned)}")
    if "Raises" in sections:
        parts.append(_table("raises", sections["Raises"]))
    return "\n\n".join(parts)


def _table(title: str, entries: list[tuple[str, str]]) -> str:
    return "\n".join(
        [f"| {title} | meaning |", "|---|---|", *(f"| `{name}` | {cell(told)} |" for name, told in entries)]
    )


def signature(name: str, called: object) -> str:
    """Return a signature as a code block, one parameter a line where it is long."""
    shown = inspect.signature(called)
    keyword = "async def" if inspect.iscoroutinefunction(called) else "def"
    line = f"{keyword} {name}{_unquoted(shown)}"
    if len(line) > 100:
        returned = "" if shown.return_annotation is shown.empty else f" -> {_unquoted(shown.return_annotation)}"
        given = [f"    {parameter}," for parameter in _parameters(shown)]
        line = "\n".join([f"{keyword} {name}(", *given, f"){returned}"])
    return f"```py\n{line}\n```"


def _parameters(shown: inspect.Signature) -> Iterator[str]:
    starred = False
    for parameter in shown.parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        yield _unquoted(parameter)


def _unquoted(annotated: object) -> str:
    return str(annotated).replace("'", "")


def type_text(annotation: object) -> str:
    """Return a type as people write it, without the limits that pydantic keeps in it."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return type_text(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(type_text, arguments))
    if origin is typing.Literal:
        return " | ".join(map(repr, arguments))
    if annotation is Ellipsis or annotation is types.NoneType:
        return "..." if annotation is Ellipsis else "None"
    name = getattr(origin or annotation, "__name__", str(annotation))
    return f"{name}[{', '.join(map(type_text, arguments))}]" if arguments else name


def parsed(item: object) -> tuple[str, dict[str, list[tuple[str, str]]]]:
    """Return the words of a Google-style docstring, and the entries of each of its sections."""
    words: list[str] = []
    sections: dict[str, list[tuple[str, str]]] = {}
    current = None
    for line in (inspect.getdoc(item) or "").splitlines():
        if line.endswith(":") and line[:-1] in _HEADINGS:
            current = sections.setdefault(line[:-1], [])
        elif current is None:
            words.append(line)
        elif line.startswith("     ") and current:
            name, told = current[-1]
            current[-1] = (name, f"{told} {line.strip()}".strip())
        elif line.strip():
            name, _, told = line.strip().partition(": ")
            current.append((name, told))
    return _backquoted("\n".join(words)), sections


def cell(text: str) -> str:
    """Return a text as it stands in a table."""
    return " ".join(_backquoted(text).split()).replace("|", "\\|")


def _backquoted(text: str) -> str:
    return re.sub(r"``(.+?)``", r"`\1`", text, flags=re.DOTALL).strip()
