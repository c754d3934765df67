"""Many prompts side by side: every answer in its place, at most so many at once, and never more than the budget."""

import asyncio
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieverkit_core import Budget, Prompt, Reply, budget
from retrieverkit_core.asking import aask_all, ask_all
from retrieverkit_core.errors import BudgetExceededError, ServiceError


class Model:
    """Answers with the prompt, fails where it says so, and remembers how many asked at once."""

    name = "model"

    def __init__(self):
        self.guard = threading.Lock()
        self.running = self.most = 0

    def ask(self, prompt):
        budget.spend(llm_calls=1)
        with self.guard:
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            time.sleep(0)  # lets another thread in
            if prompt.system.startswith("fail"):
                raise ServiceError(prompt.system)
            return Reply(prompt.system)
        finally:
            with self.guard:
                self.running -= 1

    async def aask(self, prompt):
        await asyncio.sleep(0)
        return self.ask(prompt)


def asked(how, model, prompts, **kwargs):
    return ask_all(model, prompts, **kwargs) if how == "sync" else asyncio.run(aask_all(model, prompts, **kwargs))


@pytest.mark.parametrize("how", ["sync", "async"])
@given(fails=st.lists(st.booleans(), max_size=12), allowed=st.none() | st.integers(0, 14), limit=st.integers(1, 4))
def test_each_prompt_has_its_answer_or_its_error(how, fails, allowed, limit):
    model = Model()
    prompts = [Prompt(f"{'fail' if each else 'answer'} {at}") for at, each in enumerate(fails)]
    with budget.limited(Budget(llm_calls=allowed)) as account:
        answers = asked(how, model, prompts, concurrency=limit)
    assert len(answers) == len(prompts)
    assert model.most <= limit
    for prompt, answer in zip(prompts, answers, strict=True):
        if not isinstance(answer, BudgetExceededError):
            assert (answer.text if isinstance(answer, Reply) else answer.message) == prompt.system
    asked_of = [not isinstance(answer, BudgetExceededError) for answer in answers]
    assert asked_of == sorted(asked_of, reverse=True), "those that the budget allows are the first"
    refused = asked_of.count(False)
    assert refused == (0 if allowed is None else max(0, len(prompts) - allowed))
    assert account.spent.llm_calls == len(prompts) - refused


def test_the_first_prompts_are_asked_whichever_is_quicker():
    class LaterIsQuicker(Model):
        async def aask(self, prompt):
            for _ in range(9 - int(prompt.system)):
                await asyncio.sleep(0)
            return self.ask(prompt)

    with budget.limited(Budget(llm_calls=3)):
        answers = asyncio.run(aask_all(LaterIsQuicker(), [Prompt(str(at)) for at in range(9)]))
    assert [isinstance(answer, Reply) for answer in answers] == [True] * 3 + [False] * 6


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_defect_of_the_model_is_raised(how):
    class Broken(Model):
        def ask(self, prompt):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asked(how, Broken(), [Prompt("a"), Prompt("b")])


@given(st.lists(st.sampled_from(["a", "b", "fail", "unfit"]), max_size=9))
def test_each_reply_is_kept_once_and_what_keeping_says_stands_in_its_place(said):
    def keep(prompt, reply):
        kept.append(prompt.system)
        if prompt.system.startswith("unfit"):
            raise ServiceError("not to be kept")
        return Reply(reply.text.upper())

    prompts = [Prompt(f"{text}{at}") for at, text in enumerate(said)]
    for answers in (
        lambda: ask_all(Model(), prompts, keep=keep),
        lambda: asyncio.run(aask_all(Model(), prompts, keep=keep)),
    ):
        kept = []
        shown = [reply.text if isinstance(reply, Reply) else str(reply) for reply in answers()]
        assert shown == [
            text if text.startswith("fail") else "not to be kept" if text.startswith("unfit") else text.upper()
            for text in (prompt.system for prompt in prompts)
        ]
        assert sorted(kept) == sorted(prompt.system for prompt in prompts if not prompt.system.startswith("fail"))
