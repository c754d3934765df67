"""Asking the model about all texts, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence

from retrieverkit_core import budget
from retrieverkit_core.asking import CONCURRENCY, aask_all, ask_all
from retrieverkit_core.choosing._answers import Parse, answer_of
from retrieverkit_core.choosing._choices import Choices, Chosen, Cost, Failed
from retrieverkit_core.choosing._prompting import INSTRUCTIONS, Batch, asked, batch_of, ranges, shown, told
from retrieverkit_core.errors import BudgetExceededError, RetrieverKitError
from retrieverkit_core.plan import tokens_of
from retrieverkit_core.services import LanguageModel, Reply
from retrieverkit_core.threads import offload

BATCH_SIZE = 10
"""How many texts a model is shown at once."""

_LABEL = "bcdfgh"
_MADE_UP_TOKENS = 18
_ITEM_TOKENS = 11


def choose(
    model: LanguageModel,
    query: str,
    texts: Sequence[str],
    *,
    instructions: str = INSTRUCTIONS,
    batch_size: int = BATCH_SIZE,
    how_many: int | None = None,
    parse: Parse | None = None,
    concurrency: int = CONCURRENCY,
) -> Choices:
    """Return which texts a model finds relevant to a query.

    Args:
        model: The model.
        query: The query.
        texts: The texts, as they are to be shown.
        instructions: What the model is told to do.
        batch_size: How many texts it is shown at once, beside the one that is made up.
        how_many: Choose at most this many of all texts; None for all that are relevant.
        parse: Reads answers in words; the model is then not asked to keep to a schema, and ``instructions`` must say
            what an answer looks like.
        concurrency: At most this many batches are asked about at once.

    Raises:
        RetrieverKitError: No batch was judged; the error of the first.
        BudgetExceededError: The budget did not allow to ask about every batch, and the caller does not settle for part.
    """
    batches = _batches(query, texts, instructions, batch_size, how_many, parse)
    replies = ask_all(model, [batch.prompt for batch in batches], concurrency=concurrency)
    return _choices(batches, replies, how_many, parse)


async def achoose(
    model: LanguageModel,
    query: str,
    texts: Sequence[str],
    *,
    instructions: str = INSTRUCTIONS,
    batch_size: int = BATCH_SIZE,
    how_many: int | None = None,
    parse: Parse | None = None,
    concurrency: int = CONCURRENCY,
) -> Choices:
    """As `choose`, without blocking the event loop while the model is asked."""
    batches = await offload(_batches, query, texts, instructions, batch_size, how_many, parse)
    replies = await aask_all(model, [batch.prompt for batch in batches], concurrency=concurrency)
    return await offload(_choices, batches, replies, how_many, parse)


def cost_of(
    query: str,
    texts: Sequence[str],
    *,
    instructions: str = INSTRUCTIONS,
    batch_size: int = BATCH_SIZE,
    how_many: int | None = None,
    parse: Parse | None = None,
) -> Cost:
    """Return what `choose` would spend on the same, without asking anybody.

    How long answers are that ``parse`` reads is not known: they are taken to be as long as structured ones.
    """
    calls = -(-len(texts) // batch_size)
    each = tokens_of(told(instructions, how_many), asked(query)) + _MADE_UP_TOKENS + 2 * _ITEM_TOKENS
    return Cost(calls, calls * each + sum(tokens_of(shown(_LABEL, text)) + _ITEM_TOKENS for text in texts))


def _batches(
    query: str, texts: Sequence[str], instructions: str, batch_size: int, how_many: int | None, parse: Parse | None
) -> list[Batch]:
    system = told(instructions, how_many)
    return [
        batch_of(system, query, texts, positions, structured=parse is None)
        for positions in ranges(len(texts), batch_size)
    ]


def _choices(
    batches: Sequence[Batch],
    replies: Sequence[Reply | RetrieverKitError],
    how_many: int | None,
    parse: Parse | None,
) -> Choices:
    chosen: list[Chosen] = []
    failed: list[Failed] = []
    suspect: list[range] = []
    for batch, reply in zip(batches, replies, strict=True):
        try:
            answer = answer_of(batch, _given(reply), parse)
        except RetrieverKitError as error:
            failed.append(Failed(batch.positions, error))
            continue
        chosen += answer.chosen
        if answer.suspect:
            suspect.append(batch.positions)
    _raise_if_nothing(failed, len(batches))
    chosen.sort(key=lambda one: (-one.grade, one.position))
    return Choices(tuple(chosen[:how_many]), tuple(_joined(failed)), tuple(suspect))


def _given(reply: Reply | RetrieverKitError) -> Reply:
    if isinstance(reply, RetrieverKitError):
        raise reply
    return reply


def _raise_if_nothing(failed: Sequence[Failed], batches: int) -> None:
    """Raise where there is no answer, or only a part of one that the caller's budget does not settle for."""
    spent = [error for _, error in failed if isinstance(error, BudgetExceededError)]
    if spent and not budget.settles_for_part():
        raise spent[0]
    if len(failed) == batches and len(spent) < len(failed):
        raise next(error for _, error in failed if not isinstance(error, BudgetExceededError))


def _joined(failed: Sequence[Failed]) -> list[Failed]:
    """Return the failures, those of neighbours by one error as one: a spent budget fails all that come after."""
    joined: list[Failed] = []
    for one in failed:
        last = joined[-1] if joined else None
        if last is not None and last.error is one.error and last.positions.stop == one.positions.start:
            joined[-1] = Failed(range(last.positions.start, one.positions.stop), one.error)
        else:
            joined.append(one)
    return joined
