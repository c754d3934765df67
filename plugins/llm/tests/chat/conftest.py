"""A server of models, models that ask it, and both ways to ask."""

import asyncio
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict

from retrieverkit_core.services import Prompt
from retrieverkit_llm.chat.habits import MEMORY
from retrieverkit_llm.chat.model import OpenAIModel
from retrieverkit_llm.chat.provider import OpenAIModelOptions
from retrieverkit_testkit.model_server import ModelServer


class Choice(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: Literal["abcd", "efgh"]
    grade: int


@pytest.fixture(autouse=True)
def nothing_is_learnt():
    MEMORY.forget()
    yield
    MEMORY.forget()


@pytest.fixture
def choosing():
    return Prompt("Choose.", ("query: ice", "abcd: frozen inlet"), Choice)


@pytest.fixture
def telling():
    return Prompt("Tell.", ("frozen inlet",))


@pytest.fixture
def chosen():
    return {"label": "abcd", "grade": 3}


@pytest.fixture
def serve(key):
    """Starts servers; they end with the test."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield lambda *arguments, **options: stack.enter_context(ModelServer(*arguments, **options))


@pytest.fixture
def model_of():
    """Makes models of a server that wait no time between attempts."""
    made = []

    def make(server, **options):
        options = {"model": "m", "base_url": server.url, "api_key_env": "TEST_KEY"} | options
        made.append(OpenAIModel(OpenAIModelOptions(**options), first_wait=0.0))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(params=["sync", "async"])
def ask(request):
    """Asks a model, in one way and the other."""

    def ask(model, prompt):
        return model.ask(prompt) if request.param == "sync" else asyncio.run(model.aask(prompt))

    return ask
