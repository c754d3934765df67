"""Every error that RetrieverKit raises on purpose.

RetrieverKitError
├── ConfigError (ValueError)            what somebody wrote in a config, option or mode string
│   ├── ModeStringError                 a mode string that cannot be read; points at the column
│   ├── UnknownModeError (LookupError)  no installed plugin provides the mode
│   ├── ModeConflictError               two distributions claim one mode
│   ├── UnknownOptionError              a mode was given an option that it does not have
│   ├── OptionError                     an option has the wrong type or value
│   ├── ScoreMismatchError              scores that do not mix were to be summed
│   ├── MissingServiceError             a mode needs an embedding, a model or a corpus and has none
│   └── UsageError                      arguments of a command that do not go together
├── PluginError
│   ├── PluginLoadError                 a plugin's entry point does not load
│   ├── PluginBlockedError              a plugin is switched off by the environment
│   ├── PluginVersionError              a plugin is made for another plugin API
│   ├── RetrieverBuildError             make_retriever raised
│   └── PluginContractError             a plugin returned what the contract forbids
├── QueryError (ValueError)             what cannot be a query
├── FilterError (ValueError)
│   ├── FilterSyntaxError               a filter text that cannot be read; points at the column
│   ├── UnknownFieldError (LookupError) a filter names a field that no node has
│   ├── FilterTypeError                 a filter compares a field with a value of another kind
│   └── FilterGenerationError           a model wrote a filter that cannot be used
├── RetrievalError
│   ├── DeadlineExceededError (TimeoutError)
│   ├── RecursionLimitError             index nodes that lead to each other without end
│   ├── AllLegsFailedError              no leg of a composite answered
│   ├── OverloadedError                 too many abandoned calls are still running
│   ├── BudgetExceededError             the caller's budget allows no more
│   └── BatchError                      some queries of a batch failed
├── CorpusError
│   ├── NotACorpusError                 the file is not a corpus
│   ├── CorruptCorpusError              the corpus is damaged
│   ├── CorpusTooNewError               a later version wrote the corpus
│   ├── CorpusBusyError                 another process holds the write lock for too long
│   ├── ReadOnlyCorpusError             a write where writing is not possible
│   ├── StorageFullError (OSError)      no space left
│   ├── InvalidDocumentError (ValueError) a document that cannot be stored faithfully
│   └── DerivedIndexError               a derived index cannot be built
│       └── BuildPostponedError         its last build failed, and it is not tried again yet
├── ServiceError                        embedding and language models
│   ├── EndpointError                   a remote model answered with an error, or not at all
│   ├── ModelAnswerError                a language model answered, but not what can be used
│   ├── InvalidEmbeddingError           vectors with the wrong count or shape, or not finite
│   ├── EmbeddingMismatchError          the model is not the one the index was built with
│   └── NotRecordedError (LookupError)  a cassette that is replayed does not hold the call
├── CassetteError                       a file of recorded calls that cannot be used
└── ReadError                           a file that cannot be read
    └── UnsupportedFileError            no reader for files of this kind
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

_SHOWN = 80


def shorten(text: object, limit: int = _SHOWN) -> str:
    """Return a printable one-line form of ``text`` that is at most ``limit`` characters long."""
    shown = str(text)
    shown = shown if len(shown) <= limit else shown[: limit - 1] + "…"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in shown)


def near_matches(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return up to three names in ``known`` that look like ``name``, best first."""
    return tuple(difflib.get_close_matches(name[:200], list(known), n=3, cutoff=0.6))


def _suggest(near: Sequence[str]) -> str:
    return f"did you mean {' or '.join(repr(shorten(n)) for n in near)}? " if near else ""


class RetrieverKitError(Exception):
    """Base of every error raised on purpose.

    Attributes:
        message: What was wrong, without the fix.
        fix: What to do about it, or an empty string.
        code: A stable name for programs, such as ``"unknown_mode"``.
        retryable: Whether the same call may succeed later.
    """

    code: ClassVar[str] = "error"
    retryable: bool = False

    def __init__(self, message: str, *, fix: str = "") -> None:
        self.message = message
        self.fix = fix
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.message}\nfix: {self.fix}" if self.fix else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Constructors take fields and word the message from them: a copy is put together from what is there.
        return _revived, (type(self), self.args, self.__dict__)


def _revived(kind: type[RetrieverKitError], args: tuple[Any, ...], fields: dict[str, Any]) -> RetrieverKitError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(fields)
    return error


class _ShownShort:
    """Makes a notebook show the message and the fix alone: a mistake in what was written needs no traceback."""

    def _render_traceback_(self) -> list[str]:
        return f"{type(self).__name__}: {self}".splitlines()


class ConfigError(_ShownShort, RetrieverKitError, ValueError):
    """Something written in a config, an option or a mode string is wrong."""

    code = "config"


class ModeStringError(ConfigError):
    """A mode string cannot be read.

    Attributes:
        text: The mode string, shortened.
        column: Where the trouble is, counted from 1.
    """

    code = "mode_string"

    def __init__(self, problem: str, *, text: str, column: int, fix: str = "") -> None:
        self.column = column
        start = max(0, column - 1 - _SHOWN // 2)
        window = text[start : start + _SHOWN]
        self.text = "".join(c if c.isprintable() else " " for c in window)
        pointer = " " * (column - 1 - start) + "^"
        super().__init__(f"{problem} (column {column})\n  {self.text}\n  {pointer}", fix=fix)


class UnknownModeError(ConfigError, LookupError):
    """No installed plugin provides the mode.

    Attributes:
        mode: The name that was asked for.
        near: Installed or known names that look like it.
        distribution: The distribution known to provide it, or None.
    """

    code = "unknown_mode"

    def __init__(
        self,
        mode: str,
        *,
        known: Iterable[str] = (),
        distribution: str | None = None,
        detail: str = "",
        meant: str | None = None,
    ) -> None:
        known = sorted(known)
        self.mode = mode
        self.near = near_matches(mode, known) if meant is None else tuple({meant} & set(known))
        self.distribution = distribution
        listed = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
        if distribution:
            message = f"retriever mode {shorten(mode)!r} is known but not installed"
            fix = f"pip install {distribution}"
        else:
            message = f"unknown retriever mode {shorten(mode)!r}"
            fix = _suggest(self.near) + (f"installed modes: {listed}" if listed else "no retriever plugin is installed")
        super().__init__(message + (f": {detail}" if detail else ""), fix=fix)


class ModeConflictError(ConfigError):
    """Two distributions claim one mode and nothing says which to use.

    Attributes:
        mode: The claimed mode.
        distributions: The claimants, as ``name version``.
    """

    code = "mode_conflict"

    def __init__(self, mode: str, distributions: Sequence[str]) -> None:
        self.mode = mode
        self.distributions = tuple(distributions)
        first = self.distributions[0].split(" ")[0]
        super().__init__(
            f"retriever mode {mode!r} is claimed by {' and by '.join(self.distributions)}",
            fix=f"write '{first}:{mode}', pass prefer={{'{mode}': '{first}'}}, "
            f"or set RETRIEVERKIT_PREFER={mode}={first}",
        )


class UnknownOptionError(ConfigError):
    """A mode was given an option that it does not have.

    Attributes:
        mode: The mode.
        option: The misspelt or unknown option.
        near: Options of the mode that look like it.
    """

    code = "unknown_option"

    def __init__(self, mode: str, option: str, *, known: Iterable[str] = (), meant: str | None = None) -> None:
        known = sorted(known)
        self.mode = mode
        self.option = option
        self.near = near_matches(option, known) if meant is None else (meant,)
        fix = _suggest(self.near) + (f"options of {mode}: {', '.join(known)}" if known else f"{mode} takes no options")
        super().__init__(f"mode {mode!r} has no option {shorten(option)!r}", fix=fix)


class OptionError(ConfigError):
    """An option has the wrong type or value.

    Attributes:
        mode: The mode.
        problems: One ``(option, what is wrong)`` pair for each problem.
    """

    code = "option"

    def __init__(self, mode: str, problems: Sequence[tuple[str, str]], *, fix: str = "") -> None:
        self.mode = mode
        self.problems = tuple(problems)
        told = "; ".join(f"{name}: {problem}" if name else problem for name, problem in problems)
        super().__init__(f"mode {mode!r}: {told}", fix=fix or f"see 'retriever modes show {mode}'")


class ScoreMismatchError(ConfigError):
    """Scores of kinds that do not mix were to be summed without a normaliser."""

    code = "score_mismatch"


class MissingServiceError(ConfigError):
    """A mode needs an embedding, a language model or a corpus and none is configured."""

    code = "missing_service"


class UsageError(ConfigError):
    """The arguments of a command do not go together."""

    code = "usage"


class PluginError(RetrieverKitError):
    """A plugin cannot be used.

    Attributes:
        mode: The mode or entry-point name.
        distribution: The distribution that ships it, as ``name version``.
    """

    code = "plugin"

    def __init__(self, message: str, *, mode: str, distribution: str, fix: str = "") -> None:
        self.mode = mode
        self.distribution = distribution
        super().__init__(message, fix=fix)


class PluginLoadError(PluginError):
    """A plugin's entry point does not load; the cause is chained."""

    code = "plugin_load"


class PluginBlockedError(PluginError):
    """A plugin is switched off by the environment."""

    code = "plugin_blocked"


class PluginVersionError(PluginError):
    """A plugin is made for a plugin API that this core does not speak."""

    code = "plugin_version"


class RetrieverBuildError(PluginError):
    """A plugin's ``make_retriever`` raised or returned no retriever; the cause is chained."""

    code = "retriever_build"


class PluginContractError(PluginError):
    """A plugin returned what the retrieval contract forbids."""

    code = "plugin_contract"


class QueryError(_ShownShort, RetrieverKitError, ValueError):
    """The value cannot be a query: wrong type, too large, or a bad limit."""

    code = "query"


class FilterError(_ShownShort, RetrieverKitError, ValueError):
    """A metadata filter cannot be used."""

    code = "filter"


class FilterSyntaxError(FilterError):
    """A filter text cannot be read.

    Attributes:
        column: Where the trouble is, counted from 1.
    """

    code = "filter_syntax"

    def __init__(self, problem: str, *, text: str, column: int, fix: str = "") -> None:
        self.column = column
        start = max(0, column - 1 - _SHOWN // 2)
        shown = "".join(c if c.isprintable() else " " for c in text[start : start + _SHOWN])
        super().__init__(f"{problem} (column {column})\n  {shown}\n  {' ' * (column - 1 - start)}^", fix=fix)


class UnknownFieldError(FilterError, LookupError):
    """A filter names a metadata field that no node in the corpus has.

    Under a scope it also stands for a field that has no values of the kind that is asked for, and names no other
    field: what a part of the nodes holds is not told to those who see another part.

    Attributes:
        field: The unknown field.
        near: Fields that look like it.
    """

    code = "unknown_field"

    def __init__(self, field: str, *, known: Iterable[str] | None = None) -> None:
        names = sorted(known or ())
        self.field = field
        self.near = near_matches(field, names)
        if known is None:
            message = f"no node in scope is known to have the metadata field {shorten(field)!r} with such values"
            fix = "check its name and the kind of its values; under a scope fields are not listed"
        else:
            listed = ", ".join(shorten(k, 30) for k in names[:12]) + (", …" if len(names) > 12 else "")
            message = f"no node has the metadata field {shorten(field)!r}"
            fix = f"{_suggest(self.near)}fields: {listed}" if names else "no node has any metadata"
        super().__init__(message, fix=fix)


class FilterTypeError(FilterError):
    """A filter compares a field with a value of a kind that the field never holds."""

    code = "filter_type"


class FilterGenerationError(FilterError):
    """A language model wrote a filter that cannot be used; nothing was retrieved."""

    code = "filter_generation"


class RetrievalError(RetrieverKitError):
    """A retrieval failed; the cause is chained."""

    code = "retrieval"


class DeadlineExceededError(RetrievalError, TimeoutError):
    """The caller's deadline passed before there was an answer.

    Attributes:
        timeout: The limit in seconds, or None where the deadline of an enclosing call had passed.
    """

    code = "deadline"
    retryable = True

    def __init__(self, who: str, timeout: float | None) -> None:
        self.timeout = timeout
        if timeout is None:
            message = f"the time was up before {who} was asked"
        else:
            message = f"{who} did not answer within {_rounded(timeout)} s"
        super().__init__(message, fix="raise the timeout, or make the leg optional")


def _rounded(seconds: float) -> str:
    """Return seconds in one digit below a hundredth, as what is left of a limit has many."""
    return f"{seconds:.1g}" if seconds < 0.01 else f"{seconds:g}"


class RecursionLimitError(RetrievalError):
    """Index nodes lead to each other without end.

    Attributes:
        path: The ids from the first to the last step.
    """

    code = "recursion"

    def __init__(self, path: Sequence[str]) -> None:
        self.path = tuple(path)
        shown = (
            " -> ".join(shorten(p, 30) for p in (*path[:3], "…", *path[-3:])) if len(path) > 8 else " -> ".join(path)
        )
        super().__init__(f"index nodes lead to each other too deeply ({len(path)} steps): {shown}")


class AllLegsFailedError(RetrievalError):
    """No leg of a composite answered.

    Attributes:
        errors: The error of each leg by its name.
    """

    code = "all_legs_failed"

    def __init__(self, errors: Mapping[str, BaseException]) -> None:
        self.errors = dict(errors)
        lines = (f"\n  {name}: {shorten(_message(error), 200)}" for name, error in self.errors.items())
        super().__init__(f"every leg failed{''.join(lines)}")


def _message(error: BaseException) -> str:
    return error.message if isinstance(error, RetrieverKitError) else f"{type(error).__name__}: {error}"


class OverloadedError(RetrievalError):
    """Too many calls that missed their deadline are still running."""

    code = "overloaded"
    retryable = True


class BudgetExceededError(RetrievalError):
    """The caller's budget does not allow what the retrieval would spend next.

    Attributes:
        limit: The name of the limit, such as ``"llm_calls"``.
        allowed: The limit.
        spent: What had been spent.
    """

    code = "budget"

    def __init__(self, limit: str, allowed: int, spent: int) -> None:
        self.limit = limit
        self.allowed = allowed
        self.spent = spent
        super().__init__(
            f"the budget allows {allowed} {limit.replace('_', ' ')}, and {spent} are spent",
            fix=f"raise it: retrieve(query, budget=Budget({limit}=…)), in a shell --budget {limit}=…",
        )


class BatchError(RetrievalError):
    """Some queries of a batch failed; the others' results are kept.

    Attributes:
        results: One result per query, None where it failed.
        errors: The error by the position of its query.
    """

    code = "batch"

    def __init__(self, results: Sequence[Any], errors: Mapping[int, BaseException]) -> None:
        self.results = list(results)
        self.errors = dict(errors)
        at, first = next(iter(self.errors.items()))
        super().__init__(
            f"{len(self.errors)} of {len(self.results)} queries failed; the first, number {at}: {first}",
            fix="the results of the others are in .results, the errors in .errors",
        )


class CorpusError(RetrieverKitError):
    """The corpus or an index derived from it cannot be used."""

    code = "corpus"


class NotACorpusError(CorpusError):
    """The file or folder is not a RetrieverKit corpus."""

    code = "not_a_corpus"


class CorruptCorpusError(CorpusError):
    """The corpus is damaged."""

    code = "corrupt_corpus"


class CorpusTooNewError(CorpusError):
    """A later version of RetrieverKit wrote the corpus; it was not touched."""

    code = "corpus_too_new"


class CorpusBusyError(CorpusError):
    """Another process held the write lock for too long."""

    code = "corpus_busy"
    retryable = True


class ReadOnlyCorpusError(CorpusError):
    """A write was asked for where writing is not possible."""

    code = "read_only"


class StorageFullError(CorpusError, OSError):
    """There is no space left; what was stored before is intact."""

    code = "storage_full"
    retryable = True


class InvalidDocumentError(CorpusError, ValueError):
    """A document cannot be stored faithfully.

    Attributes:
        document_id: The id of the document, as far as it is known.
    """

    code = "invalid_document"

    def __init__(self, document_id: object, problem: str, *, fix: str = "") -> None:
        self.document_id = document_id
        super().__init__(f"document {shorten(repr(document_id))}: {problem}", fix=fix)


class DerivedIndexError(CorpusError):
    """A derived index cannot be built or opened; the cause is chained."""

    code = "derived_index"


class BuildPostponedError(DerivedIndexError):
    """The last build of a derived index failed, and it is not tried again yet.

    Attributes:
        retry_after: Seconds until the next query tries it again.
    """

    code = "build_postponed"
    retryable = True

    def __init__(self, index: str, *, failure: str, attempts: int, retry_after: float, fix: str = "") -> None:
        self.retry_after = retry_after
        failed = "failed" if attempts == 1 else f"failed {attempts} times"
        super().__init__(
            f"building the index {index!r} {failed}, the last time with {failure}; "
            f"it is tried again in {retry_after:.0f} s",
            fix=fix or "mend what failed; reindexing tries again at once",
        )


class ServiceError(RetrieverKitError):
    """An embedding or language model cannot be used."""

    code = "service"


class EndpointError(ServiceError):
    """A remote model answered with an error, or not at all.

    Attributes:
        status: The HTTP status, or None where there was no answer.
    """

    code = "endpoint"

    def __init__(self, message: str, *, status: int | None = None, retryable: bool = False, fix: str = "") -> None:
        self.status = status
        super().__init__(message, fix=fix)
        self.retryable = retryable


class ModelAnswerError(ServiceError):
    """A language model answered, but not in the shape that was asked for, or with nothing that can be used.

    Attributes:
        answer: The beginning of what it said.
    """

    code = "model_answer"

    def __init__(self, message: str, *, answer: str = "", fix: str = "") -> None:
        self.answer = shorten(answer, 500)
        super().__init__(message, fix=fix)


class InvalidEmbeddingError(ServiceError):
    """Vectors have the wrong count or shape, or are not finite; nothing was stored."""

    code = "invalid_embedding"


class EmbeddingMismatchError(ServiceError):
    """The embedding model is not the one that the index was built with."""

    code = "embedding_mismatch"


class NotRecordedError(ServiceError, LookupError):
    """A cassette that is replayed does not hold the call. No model was asked.

    Attributes:
        path: The cassette.
        differences: What the nearest recorded call differs in; nothing where there is none, or none was looked for.
    """

    code = "not_recorded"

    def __init__(self, path: object, asked: str, *, differences: Sequence[str] | None = None) -> None:
        self.path = path
        self.differences = tuple(differences or ())
        nearest = "; no call of this kind is on it"
        if differences is not None:
            told = "; ".join(shorten(each, 400) for each in differences)
            nearest = f"; the nearest one on it differs: {told}" if told else ""
        super().__init__(
            f"the cassette {shorten(path, 200)} does not hold this call of {shorten(asked, 100)}{nearest}",
            fix="record it: mode='auto' adds what is missing, mode='record' begins the cassette again",
        )


class CassetteError(RetrieverKitError):
    """A file of recorded model calls cannot be used.

    Attributes:
        path: The file.
        line: The damaged line, counted from 1, or None.
    """

    code = "cassette"

    def __init__(self, path: object, problem: str, *, line: int | None = None, fix: str = "") -> None:
        self.path = path
        self.line = line
        super().__init__(f"cassette {shorten(path, 200)}: {problem}", fix=fix)


class ReadError(RetrieverKitError):
    """A file cannot be read.

    Attributes:
        path: The file.
    """

    code = "read"

    def __init__(self, path: object, problem: str, *, fix: str = "") -> None:
        self.path = path
        super().__init__(f"{shorten(path, 200)}: {problem}", fix=fix)


class UnsupportedFileError(ReadError):
    """The file is of a kind that there is no reader for."""

    code = "unsupported_file"
