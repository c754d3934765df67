"""The reference sections that are generated from the live code."""

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from docs_needs import how_tos, of_folder
from docs_pages import Page
from docs_signatures import attributes, cell, described, function, member, members, parsed, signature, type_text
from workspace import PACKAGES, ROOT, normalise

import retrieverkit.cli.running
import retrieverkit.reading.loading
from retrieverkit import BaseRetriever, CheckReport, Index, NodeWithScore, QueryBundle, list_modes, register_mode
from retrieverkit.corpus import ChangeReport
from retrieverkit.discovery import READERS, shared_discovery
from retrieverkit.files import FilesReport
from retrieverkit.reading.plain import TEXT_SUFFIXES
from retrieverkit_core import (
    BuildContext,
    Document,
    Evidence,
    FilterCapabilities,
    FilterReport,
    IndexNode,
    IndexSettings,
    LegStatus,
    MetadataFilters,
    ModeSpec,
    Node,
    Observers,
    RetrievalResult,
    ScoreSpec,
    deadline,
    errors,
    hookspecs,
)
from retrieverkit_indexing.derived import DerivedIndex, IndexRetriever, answer
from retrieverkit_testkit.checking import Check, all_checks


def pages(folder: str) -> str:
    """List the pages of a folder by their titles."""
    return listed(of_folder(folder))


def listed(pages: Iterable[Page]) -> str:
    """List pages by their titles."""
    return "\n".join(f"- [{page.headings[0][1]}]({page.path.parent.name}/{page.path.name})" for page in pages)


def how_to() -> str:
    """List the how-tos by need."""
    return "\n\n".join(f"### {need}\n\n{listed(found)}" for need, found in how_tos().items() if found)


def mode_names() -> list[tuple[str, str]]:
    """Return the modes of this repository's packages, each with its distribution."""
    ours = {normalise(package.name) for package in PACKAGES}
    rows = shared_discovery().rows()
    return sorted((row.name, row.distribution) for row in rows if normalise(row.distribution) in ours)


def mode_spec(name: str, distribution: str) -> ModeSpec:
    """Return what a mode's plugin declares."""
    return shared_discovery().mode(name, distribution).spec


def modes() -> str:
    """Describe every mode of this repository: what it is, what it needs, and each of its options."""
    return "\n\n".join(_mode(mode_spec(name, distribution), distribution) for name, distribution in mode_names())


def _mode(spec: ModeSpec, distribution: str) -> str:
    facts = {
        "install": f"`pip install {distribution}`",
        "needs": ", ".join(sorted(need.value for need in spec.needs)) or "nothing",
        "scores": _scores(spec.scores),
        "filters": _filters(spec.filters),
    }
    listed = "\n".join(f"- {name}: {told}" for name, told in facts.items())
    return f"## {spec.name}\n\n{spec.summary[0].upper()}{spec.summary[1:]}.\n\n{listed}\n\n{_options(spec)}"


def _scores(scores: ScoreSpec) -> str:
    if not scores.ordered:
        return "none are promised"
    told = [scores.kind.value, "higher is better" if scores.higher_is_better else "lower is better"]
    told += [f"at least {scores.lower_bound:g}"] if scores.lower_bound > float("-inf") else []
    told += [f"at most {scores.upper_bound:g}"] if scores.upper_bound < float("inf") else []
    return ", ".join(told)


def _filters(filters: FilterCapabilities) -> str:
    if filters.delegates:
        return "passed on unchanged to the retrievers below"
    pushed = " ".join(f"`{operator}`" for operator in sorted(filters.operators))
    return f"applies {pushed} itself, core the others" if pushed else "applied by core"


def _options(spec: ModeSpec) -> str:
    rows = ["| option | type | default | meaning |", "|---|---|---|---|"]
    properties = spec.options.model_json_schema()["properties"]
    for field_name, field in spec.options.model_fields.items():
        name = field.alias or field_name
        default = "required" if field.is_required() else f"`{field.get_default(call_default_factory=True)!r}`"
        kind = cell(f"`{type_text(field.annotation)}`{_limits(properties[name])}")
        rows.append(f"| `{name}` | {kind} | {default} | {cell(field.description or '')} |")
    return "\n".join(rows)


def _limits(schema: dict) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    return "".join(f", {sign} {schema[key]:g}" for key, sign in signs.items() if key in schema)


def hook_functions() -> list[tuple[str, Callable]]:
    """Return every hook, in the order of the source."""
    found = [
        pair for pair in inspect.getmembers(hookspecs, inspect.isfunction) if hasattr(pair[1], "retrieverkit_spec")
    ]
    return sorted(found, key=lambda pair: pair[1].__code__.co_firstlineno)


def hooks() -> str:
    """Describe each hook with its exact signature."""
    return "\n\n".join(f"## {name}\n\n{function(name, hook)}" for name, hook in hook_functions())


def error_classes() -> Iterator[type[errors.RetrieverKitError]]:
    """Yield every error class of core and registry, each below its base."""
    assert retrieverkit.cli.running and retrieverkit.reading.loading, "imported for the errors that they define"
    pending = [errors.RetrieverKitError]
    while pending:
        error = pending.pop()
        if error.__module__.partition(".")[0] in ("retrieverkit_core", "retrieverkit"):
            yield error
            pending += sorted(error.__subclasses__(), key=lambda each: inspect.getsourcelines(each)[1], reverse=True)


def error_tree() -> str:
    """Draw the tree as the module does."""
    return f"```plain\n{inspect.getdoc(errors).split(chr(10) * 2, 1)[1]}\n```"


def error_table() -> str:
    """List every error with its code, its meaning and its attributes."""
    rows = ["| error | code | meaning | attributes |", "|---|---|---|---|"]
    for error in error_classes():
        words, sections = parsed(error)
        named = ", ".join(f"`{name}`" for name, _ in sections.get("Attributes", []))
        rows.append(f"| `{error.__name__}` | `{error.code}` | {cell(words)} | {named} |")
    return "\n".join(rows)


def query() -> str:
    """Describe the parts of a query."""
    parts = [member(QueryBundle, "replace", level=3), member(MetadataFilters, "parse", level=3)]
    return "\n\n".join([signature("QueryBundle", QueryBundle), attributes(QueryBundle), *parts])


def watching() -> str:
    """Describe how observers are made, and how code learns its deadline."""
    return (
        f"{member(Observers, 'of', level=3)}\n\n### deadline.remaining\n\n{function('remaining', deadline.remaining)}"
    )


def indexes() -> str:
    """Describe what a mode with an index of its own implements."""
    methods = [member(DerivedIndex, name, level=4) for name in ("build", "update", "open")]
    retriever = f"### IndexRetriever\n\n{parsed(IndexRetriever)[0]}\n\n{member(IndexRetriever, '_search', level=4)}"
    found = f"### answer\n\n{function('answer', answer)}"
    return "\n\n".join([f"### DerivedIndex\n\n{parsed(DerivedIndex)[0]}", *methods, retriever, found])


def result() -> str:
    """Describe the result and its parts."""
    own = [attributes(RetrievalResult), members(RetrievalResult, level=3)]
    return "\n\n".join([*own, *(described(part, level=2) for part in (Evidence, LegStatus, FilterReport))])


def of_retrievers(*names: str) -> str:
    """Describe methods of every retriever."""
    return "\n\n".join(member(BaseRetriever, name, level=3) for name in names)


def authors() -> str:
    """Describe what authors of a mode set and implement."""
    methods = of_retrievers("_retrieve", "_aretrieve", "_retrieve_many", "can_push")
    return f"{attributes(BaseRetriever)}\n\n{methods}"


def all_described(*kinds: type) -> str:
    """Describe classes one after the other."""
    return "\n\n".join(described(kind, level=3) for kind in kinds)


def checks() -> str:
    """Describe every check of the conformance kit, under its subject."""
    lines: list[str] = []
    for group, found in groupby(all_checks(), key=lambda check: check.group):
        module = sys.modules[f"retrieverkit_testkit.checks.{group}"]
        lines += [f"## {(module.__doc__ or '').strip().rstrip('.')}", *map(_check, found)]
    return "\n\n".join(lines)


def _check(check: Check) -> str:
    facts = [f"needs the capability `{each.value}`" for each in sorted(check.requires)]
    facts += [f"skipped where {each.value}" for each in check.needs]
    facts += ["left out of a quick run"] if check.thorough else []
    told = f" *({'; '.join(facts)})*" if facts else ""
    promise = " ".join(check.promise.replace("``", "`").split())
    return f"### {check.name}\n\n{promise}{told}\n\nTo mend: {check.mend.replace('``', '`')}"


def auto_questions() -> str:
    """Count what the rules of auto read in the questions of its tests."""
    sys.path.insert(0, str(ROOT / "plugins" / "auto" / "tests" / "questions"))
    import auto_questions

    return auto_questions.summary()


def file_kinds() -> str:
    """List the suffixes that this repository's packages read, by reader."""
    ours = {normalise(package.name) for package in PACKAGES}
    readers: dict[tuple[str, str], list[str]] = {}
    for suffix, claims in sorted(shared_discovery().catalog.claims(READERS).items()):
        for claim in claims:
            if normalise(claim.distribution) in ours:
                readers.setdefault((claim.distribution, claim.value), []).append(suffix)
    rows = ["| suffixes | package |", "|---|---|"]
    for (distribution, _), suffixes in sorted(readers.items()):
        rows.append(f"| {_suffixes(f'.{suffix}' for suffix in suffixes)} | `{distribution}` |")
    claimed = {f".{suffix}" for suffixes in readers.values() for suffix in suffixes}
    plain = sorted(set(TEXT_SUFFIXES) - claimed)
    rows.append(f"| as plain text: {_suffixes(plain)}, and all else that begins like text | `retrieverkit` |")
    return "\n".join(rows)


def _suffixes(suffixes: Iterable[str]) -> str:
    return " ".join(f"`{suffix}`" for suffix in suffixes)


SECTIONS: dict[str, Callable[[], str]] = {
    "tutorial": lambda: pages("tutorial"),
    "how to": how_to,
    "reference": lambda: pages("reference"),
    "explanation": lambda: pages("explanation"),
    "decisions": lambda: pages("adr"),
    "modes": modes,
    "hooks": hooks,
    "error tree": error_tree,
    "errors": error_table,
    "index": lambda: members(Index, level=3),
    "nodes": lambda: all_described(Document, Node, IndexNode, NodeWithScore),
    "query": query,
    "watching": watching,
    "derived indexes": indexes,
    "retriever": lambda: of_retrievers("retrieve", "aretrieve", "retrieve_many", "aretrieve_many"),
    "reports": lambda: all_described(IndexSettings, ChangeReport, FilesReport, CheckReport),
    "register": lambda: f"{function('register_mode', register_mode)}\n\n{function('list_modes', list_modes)}",
    "result": result,
    "authors": authors,
    "checks": checks,
    "questions with filters": auto_questions,
    "file kinds": file_kinds,
    "plugin": lambda: all_described(ModeSpec, ScoreSpec, FilterCapabilities, BuildContext),
}
"""Each generated section by the name in its mark."""
