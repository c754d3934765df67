"""Explanations tell what happened, and change nothing of it."""

from __future__ import annotations

import json

from retrieverkit_core.errors import shorten
from retrieverkit_core.explain import Code
from retrieverkit_testkit.answers import ensure_same, ids, nodes, scored
from retrieverkit_testkit.asking import in_loop
from retrieverkit_testkit.capabilities import Capability
from retrieverkit_testkit.checking import check
from retrieverkit_testkit.checks.scope import canaries, scope_of
from retrieverkit_testkit.library import SHARED
from retrieverkit_testkit.subjects import Subject
from retrieverkit_testkit.verdicts import ensure


@check(Capability.DETERMINISTIC)
def check_explaining_changes_nothing(subject: Subject) -> None:
    """A query that is to be explained has the hits, scores and order that it has otherwise.

    To mend: record what you do (`explain.stage`); do nothing else where somebody asks for it.
    """
    with subject.shelf() as trial:
        for k in (1, 3, 20):
            expected = trial.scored(SHARED, top_k=k)
            ensure_same(scored(trial.ask(SHARED, top_k=k, explain=True)), expected, "explained, the answer")
            awaited = in_loop(trial.retriever.aretrieve(SHARED, top_k=k, explain=True))
            ensure_same(scored(awaited), expected, "explained and awaited, the answer")


@check()
def check_explained_scores_recombine(subject: Subject) -> None:
    """An explanation has each hit with its score, and the parts of the score come to it.

    To mend: give `stage.scored` the very numbers that you scored with.
    """
    with subject.shelf() as trial:
        result = trial.ask(SHARED, top_k=5, explain=True)
        told = result.explain()
        ensure([hit.node_id for hit in told.hits] == nodes(result), "the explanation is of other hits")
        for hit, explained in zip(result, told.hits, strict=True):
            ensure(explained.score.value == hit.score, f"the score {hit.score} is explained as {explained.score.value}")
            wrong = [each for each in explained.score.walk() if not each.recombines]
            ensure(not wrong, f"the parts do not come to the score: {shorten(wrong[:1], 200)}")
        for stage in told.root.walk():
            ensure(stage.n_out >= 0 and stage.n_lost >= len(stage.lost), f"{stage.name}: the counts are wrong")


@check()
def check_explanations_keep_to_the_scope(subject: Subject) -> None:
    """Under a scope an explanation names nothing outside of it, and `why_not` does not know what is there.

    To mend: put nothing into a note or the name of a stage that you did not read within ``query_bundle.scope``.
    """
    with subject.over(canaries()) as trial:
        scope = scope_of("ant")
        told = trial.ask("secret plans canary", top_k=3, scope=scope, explain=True).explain()
        text = json.dumps(told.as_dict()) + str(told)
        for other in ("bee", "cat", "dog"):
            ensure(other not in text, f"the scope ant is told of {other}")
        whole = nodes(trial.ask("secret plans canary", top_k=100))
        theirs = next((node_id for node_id in whole if node_id.startswith("bee")), None)
        if theirs is None:
            return
        answers = [
            repr(trial.retriever.why_not("secret plans canary", node_id, scope=scope)).replace(node_id, "ID")
            for node_id in (theirs, "no-such-node")
        ]
        ensure(answers[0] == answers[1], f"why_not tells a node outside of the scope from none: {answers[0]}")


@check(Capability.DETERMINISTIC)
def check_why_not_is_right(subject: Subject) -> None:
    """`why_not` says of hits that they are returned, of others that they are not, and what it names brings them in.

    To mend: answer the same query in the same way each time, and a larger ``top_k`` with what a smaller one has.
    """
    with subject.shelf() as trial:
        whole = trial.ask(SHARED, top_k=20)
        if not whole:
            return
        first = nodes(trial.ask(SHARED, top_k=1))
        for node_id in (nodes(whole)[0], nodes(whole)[-1]):
            told = trial.retriever.why_not(SHARED, node_id, top_k=1)
            returned = node_id in first
            ensure((told.code is Code.RETURNED) == returned, f"{node_id} is {'' if returned else 'not '}a hit: {told}")
            for change in told.would:
                if change.top_k is not None and not change.options:
                    found = trial.ask(SHARED, top_k=change.top_k)
                    ensure(node_id in nodes(found), f"{change.text} does not bring {node_id} in, but {ids(found)}")
