"""What a plugin's code can do to the program around it: nothing."""

import asyncio
import threading

import pytest

from retrieverkit_core import BaseRetriever, IndexNode, MetadataFilters, Node, NodeWithScore, QueryBundle, deadline
from retrieverkit_core.errors import DeadlineExceededError, PluginContractError, RetrievalError
from retrieverkit_core.threads import WorkerThreads


class PanicException(BaseException):
    """As engines written in Rust raise it."""


def raising(error, sync=True):
    class Raises(BaseRetriever):
        if sync:

            def _retrieve(self, query_bundle):
                raise error

        else:

            async def _aretrieve(self, query_bundle):
                raise error

    return Raises()


def within(seconds, call):
    """Return what the call raises; fails if it does not end."""
    caught = []

    def run():
        try:
            call()
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "the call hangs"
    return caught[0] if caught else None


@pytest.mark.parametrize("sync", [True, False], ids=["sync author", "async author"])
@pytest.mark.parametrize("how", ["retrieve", "aretrieve", "retrieve_many"])
@pytest.mark.parametrize("error", [StopIteration(1), SystemExit(3), PanicException("out of bounds"), KeyError("k")])
def test_whatever_a_plugin_raises_is_its_failure_and_hangs_nobody(sync, how, error):
    retriever = raising(error, sync)
    calls = {
        "retrieve": lambda: retriever.retrieve("q"),
        "aretrieve": lambda: asyncio.run(retriever.aretrieve("q")),
        "retrieve_many": lambda: retriever.retrieve_many(["q"]),
    }
    caught = within(60, calls[how])
    assert isinstance(caught, RetrievalError)
    assert isinstance(within(60, lambda: raising(KeyError("next"), sync=False).retrieve("q")), RetrievalError)


@pytest.mark.parametrize("what", ["can_push", "known_fields", "score_spec"])
@pytest.mark.parametrize("how", ["retrieve", "aretrieve", "retrieve_many"])
@pytest.mark.parametrize("error", [SystemExit(3), PanicException("out of bounds"), KeyError("k")])
@pytest.mark.parametrize("way", ["_retrieve", "_aretrieve", "_retrieve_many"])
def test_what_a_declaration_raises_is_its_failure(what, how, error, way):
    class Raises(BaseRetriever):
        def _retrieve(self, query_bundle):
            return []

    async def answered(self, query_bundle):
        return []

    def failing(self, *given):
        raise error

    written = {"_aretrieve": answered, "_retrieve_many": lambda self, queries: [[] for _ in queries]}
    if way in written:
        setattr(Raises, way, written[way])
    Raises.__init_subclass__()
    setattr(Raises, what, property(failing) if what == "score_spec" else failing)
    query = QueryBundle("q", filters=MetadataFilters.parse("year > 1960"))
    calls = {
        "retrieve": lambda: Raises().retrieve(query),
        "aretrieve": lambda: asyncio.run(Raises().aretrieve(query)),
        "retrieve_many": lambda: Raises().retrieve_many([query]),
    }
    caught = within(60, calls[how])
    assert isinstance(getattr(caught, "errors", {0: caught})[0], RetrievalError)
    assert caught.__cause__ is error or caught.errors[0].__cause__ is error


@pytest.mark.parametrize("how", ["retrieve", "aretrieve", "retrieve_many"])
def test_a_deadline_holds_where_the_legs_cannot_be_named(how):
    gate = threading.Event()

    class Hangs(BaseRetriever):
        def _retrieve(self, query_bundle):
            gate.wait(60)
            return []

        def _retrieve_many(self, query_bundles):
            gate.wait(60)
            return [[] for _ in query_bundles]

        @property
        def sub_retrievers(self):
            raise SystemExit

    query = QueryBundle("q", timeout=0.01)
    calls = {
        "retrieve": lambda: Hangs().retrieve(query),
        "aretrieve": lambda: asyncio.run(Hangs().aretrieve(query)),
        "retrieve_many": lambda: Hangs().retrieve_many([query]),
    }
    caught = within(50, calls[how])
    gate.set()
    assert isinstance(getattr(caught, "errors", {0: caught})[0], DeadlineExceededError)


def test_an_error_of_ours_is_not_its_own_cause():
    from retrieverkit_core.errors import StorageFullError

    for how in (lambda r: r.retrieve("q"), lambda r: asyncio.run(r.aretrieve("q"))):
        with pytest.raises(StorageFullError) as caught:
            how(raising(StorageFullError("full")))
        assert caught.value.__cause__ is not caught.value


def test_async_authors_that_ask_each_other_by_the_sync_method_do_not_wait_for_each_other():
    class Asks(BaseRetriever):
        def __init__(self, inner=None):
            super().__init__()
            self.inner = inner

        async def _aretrieve(self, query_bundle):
            await asyncio.sleep(0)
            if self.inner is None:
                return [NodeWithScore(Node(id="end"), 1.0)]
            return self.inner.retrieve(query_bundle)

    chain = Asks(Asks(Asks(Asks(Asks()))))
    found = []
    assert within(60, lambda: found.extend(chain.retrieve("q"))) is None
    assert [hit.node_id for hit in found] == ["end"]


def test_the_deadline_of_a_sync_caller_cancels_an_async_author():
    cancelled = threading.Event()

    class Waits(BaseRetriever):
        async def _aretrieve(self, query_bundle):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise

    with pytest.raises(DeadlineExceededError):
        Waits().retrieve(QueryBundle("q", timeout=0.1))
    assert cancelled.wait(30)


def test_an_enclosing_deadline_that_has_passed_is_told_as_such():
    class Inner(BaseRetriever):
        def _retrieve(self, query_bundle):
            return []

    with deadline.limited(1e-9):
        while deadline.remaining():
            pass
        for ask in (lambda: Inner().retrieve("q"), lambda: asyncio.run(Inner().aretrieve("q"))):
            with pytest.raises(DeadlineExceededError, match="before Inner was asked") as caught:
                ask()
            assert caught.value.timeout is None


def test_a_thread_that_cannot_be_started_is_not_counted(monkeypatch):
    pool = WorkerThreads(limit=2)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", lambda self: (_ for _ in ()).throw(RuntimeError("no more threads")))
        for _ in range(5):
            with pytest.raises(RuntimeError, match="no more threads"):
                pool.submit(int)
    assert pool.submit(int).result(30) == 0


NAN = NodeWithScore(Node(id="a"), float("nan"))


@pytest.mark.parametrize("reply", ["text", None, [None], [NAN], [NodeWithScore(None, 1.0)]])
def test_what_an_index_node_leads_to_is_checked_like_a_plugin(reply):
    class Foreign:
        def retrieve(self, query):
            return reply

    class Root(BaseRetriever):
        def _retrieve(self, query_bundle):
            return [NodeWithScore(IndexNode(id="i", index_id="i", obj=Foreign()), 1.0)]

    for ask in (lambda: Root().retrieve("q"), lambda: asyncio.run(Root().aretrieve("q"))):
        with pytest.raises(PluginContractError, match="Foreign"):
            ask()


@pytest.mark.parametrize("node_id", [None, "", 3])
def test_two_nodes_without_an_id_are_not_merged_but_refused(node_id):
    class Nameless(BaseRetriever):
        def _retrieve(self, query_bundle):
            return [NodeWithScore(Node(id=node_id, text="a"), 1.0), NodeWithScore(Node(id=node_id, text="b"), 1.0)]

    with pytest.raises(PluginContractError, match="id"):
        Nameless().retrieve("q")


def test_a_score_or_number_beyond_floats_is_refused_in_words():
    from retrieverkit_core.errors import QueryError

    class Huge(BaseRetriever):
        def _retrieve(self, query_bundle):
            return [NodeWithScore(Node(id="a"), 10**400)]

    with pytest.raises(PluginContractError, match="score"):
        Huge().retrieve("q")
    with pytest.raises(QueryError, match="embedding"):
        QueryBundle("q", embedding=[10**400])
