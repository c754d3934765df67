"""An index that is kept elsewhere catches up with a corpus without any files."""

import copy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieverkit_core.errors import EndpointError
from retrieverkit_indexing.derived import Kind, RebuildRequired, catch_up

KIND = Kind("server", 1, "{}")


class Server:
    """A server with transactions: what is written together is there together, or not at all."""

    def __init__(self):
        self.rows, self.says, self.down_after = {}, None, None
        self.builds = 0

    def applied(self):
        return self.says

    def verify(self):
        pass

    def update(self, removed, added, applied):
        if len(removed) > 3:
            raise RebuildRequired("more than is worth it")
        self.commit({o: t for o, t in self.rows.items() if o not in removed}, added, applied)

    def build(self, nodes, applied):
        self.builds += 1
        self.commit({}, nodes, applied)

    def commit(self, rows, nodes, applied):
        for done, (ordinal, node) in enumerate(nodes):
            if done == self.down_after:
                raise EndpointError("the server is away", retryable=True)
            rows[ordinal] = node.text
        self.rows, self.says = rows, applied

    def serve(self):
        return copy.copy(self.rows)


STEPS = st.one_of(
    st.tuples(st.just("add"), st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["x", "y"]), min_size=1)),
    st.tuples(st.just("delete"), st.sets(st.sampled_from("abcdef"), min_size=1)),
    st.tuples(st.just("roll back"), st.integers(1, 4)),
    st.tuples(st.just("fail"), st.integers(0, 3)),
    st.tuples(st.just("ask"), st.none()),
)


@given(steps=st.lists(STEPS, max_size=15))
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_it_holds_what_the_corpus_holds(steps, kit, tmp_path_factory):
    corpus, server = kit.LogCorpus(tmp_path_factory.mktemp("c") / "corpus.log"), Server()
    for what, given_ in [*steps, ("ask", None)]:
        if what == "add":
            corpus.add(**given_)
        elif what == "delete":
            corpus.delete(*given_)
        elif what == "roll back":
            corpus.forget_last(given_)
            corpus.add(z="z")
        elif what == "fail":
            server.down_after = given_
            try:
                catch_up(corpus, KIND, server)
            except EndpointError:
                pass
            server.down_after = None
        else:
            with corpus.snapshot() as view:
                there = {ordinal: node.text for ordinal, node in view.nodes()}
            assert catch_up(corpus, KIND, server) == there
            assert (server.says.cursor, server.says.nodes) == (corpus.head(), len(there))


def test_small_changes_are_applied(corpus):
    server = Server()
    catch_up(corpus, KIND, server)
    corpus.delete("n1")
    corpus.add(more="blue")
    catch_up(corpus, KIND, server)
    assert server.builds == 1 and server.says.rebuilds == 0
    catch_up(corpus, Kind("server", 2, "{}"), server)
    assert server.builds == 2 and server.says.rebuild_reason == "it is an index 'server' of version 1"
