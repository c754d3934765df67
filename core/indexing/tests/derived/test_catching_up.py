import threading

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from retrieverkit_core import BaseRetriever
from retrieverkit_core.errors import BuildPostponedError, DerivedIndexError, EndpointError
from retrieverkit_indexing.derived import RebuildRequired, answer


def test_a_reader_has_every_change_committed_before_it(corpus, tmp_path, kit):
    index = kit.WordIndex(corpus, tmp_path / "s")
    assert index.find("blue") == kit.expected(corpus, "blue") != []
    corpus.add(new="blue")
    assert index.find("blue") == kit.expected(corpus, "blue")
    corpus.delete("n1", "n3")
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert (index.built, index.updated) == (1, 2)
    assert index.reader() is index.reader()


def test_another_instance_uses_what_is_stored(corpus, tmp_path, kit):
    kit.WordIndex(corpus, tmp_path / "s").reader()
    again = kit.WordIndex(corpus, tmp_path / "s")
    assert again.find("green") == kit.expected(corpus, "green")
    assert again.built == again.updated == 0


def test_another_configuration_is_another_index(corpus, tmp_path, kit):
    one = kit.WordIndex(corpus, tmp_path / "s", language="en")
    two = kit.WordIndex(corpus, tmp_path / "s", language="de")
    one.reader(), two.reader()
    assert one.status().folder != two.status().folder
    assert two.built == 1


def test_many_changes_are_not_applied_one_by_one(corpus, tmp_path, kit):
    index = kit.WordIndex(corpus, tmp_path / "s")
    index.reader()
    corpus.add(**{f"m{i}": "blue" for i in range(50)})
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert (index.built, index.updated) == (2, 0)
    assert index.status().rebuilds == 0  # a matter of course, not a misfit


def test_an_update_may_ask_for_a_build(corpus, tmp_path, kit):
    class Picky(kit.WordIndex):
        def update(self, folder, removed, added):
            raise RebuildRequired("I cannot delete")

    index = Picky(corpus, tmp_path / "s")
    index.reader()
    corpus.delete("n1")
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert index.built == 2 and index.status().rebuilds == 0


def test_an_update_that_fails_is_replaced_by_a_build_and_told(corpus, tmp_path, kit, caplog):
    class Broken(kit.WordIndex):
        def update(self, folder, removed, added):
            (folder / "half").write_text("half")
            raise ZeroDivisionError

    index = Broken(corpus, tmp_path / "s")
    index.reader()
    corpus.delete("n1")
    assert index.find("blue") == kit.expected(corpus, "blue")
    assert index.status().rebuilds == 1
    assert "ZeroDivisionError" in index.status().last_rebuild_reason
    assert "is rebuilt" in caplog.text
    assert index.check() == []


def test_an_update_that_writes_in_place_is_caught(corpus, tmp_path, kit):
    class Careless(kit.WordIndex):
        def update(self, folder, removed, added):
            path = folder / "parts" / "0.json"
            path.chmod(0o644)  # what is published may only be read, but by root
            with path.open("r+") as file:
                file.write("X")

    index = Careless(corpus, tmp_path / "s")
    index.reader()
    corpus.delete("n1")
    with pytest.raises(DerivedIndexError, match=r"0\.json") as caught:
        index.reader()
    assert "shutil.copy2" in caught.value.fix
    assert kit.WordIndex(corpus, tmp_path / "s").find("blue") == kit.expected(corpus, "blue")


class FlakyModel:
    """A model that raises what it is told to, and how often it was asked."""

    error = None
    calls = 0

    def __call__(self):
        self.calls += 1
        if self.error:
            raise self.error


@pytest.fixture
def flaky(corpus, tmp_path, kit):
    class Flaky(kit.WordIndex):
        model = FlakyModel()

        def build(self, folder, nodes):
            self.model()
            super().build(folder, nodes)

    return Flaky(corpus, tmp_path / "s")


def test_a_build_that_fails_says_so_and_is_not_tried_again_at_once(flaky, corpus, tmp_path, kit):
    flaky.model.error = EndpointError("the model is away", retryable=True)
    with pytest.raises(EndpointError):
        flaky.reader()
    again = type(flaky)
    del flaky  # each query may make an index of its own
    for _ in range(4):
        with pytest.raises(
            BuildPostponedError, match=r"EndpointError: the model is away; it is tried again in \d+ s"
        ) as e:
            again(corpus, tmp_path / "s").reader()
        assert 0 < e.value.retry_after <= again.retry_pause
    corpus.add(more="blue")
    with pytest.raises(BuildPostponedError):
        again(corpus, tmp_path / "s").reader()  # a model that is away is not nearer for that
    assert again.model.calls == 1
    assert [entry.name for entry in (tmp_path / "s").rglob("*") if entry.name.startswith(("tmp", "gen"))] == []
    again.model.error = None
    index = again(corpus, tmp_path / "s")
    index.rebuild("somebody wants it now")
    assert index.find("blue") == kit.expected(corpus, "blue")


def test_a_build_that_failed_on_the_documents_is_tried_again_when_they_have_changed(flaky, corpus, kit):
    flaky.model.error = RuntimeError("odd")
    with pytest.raises(DerivedIndexError, match="odd"):
        flaky.reader()
    with pytest.raises(BuildPostponedError, match="odd"):
        flaky.reader()
    flaky.model.error = None
    corpus.delete("n1")
    assert flaky.find("blue") == kit.expected(corpus, "blue")
    assert flaky.model.calls == 2


def test_a_build_that_failed_is_tried_again_after_a_pause(flaky, corpus, kit):
    flaky.retry_pause = 0.0
    flaky.model.error = EndpointError("the model is away", retryable=True)
    for _ in range(3):
        with pytest.raises(EndpointError):
            flaky.reader()
    flaky.model.error = None
    assert flaky.find("blue") == kit.expected(corpus, "blue")


def test_an_error_that_is_its_own_cause_is_raised(flaky):
    error = OSError("odd")
    error.__cause__ = error
    flaky.model.error = error
    with pytest.raises(DerivedIndexError, match="odd"):
        flaky.reader()


def test_status_tells_how_far_it_is(corpus, tmp_path, kit):
    index = kit.WordIndex(corpus, tmp_path / "s")
    assert index.status().generation is None
    index.reader()
    corpus.add(a="x", b="y")
    status = index.status()
    assert (status.behind, status.nodes, status.problems) == (2, 20, ())
    assert status.size > 100


def test_dropping_loses_nothing(corpus, tmp_path, kit):
    index = kit.WordIndex(corpus, tmp_path / "s")
    index.reader()
    index.drop()
    assert list((tmp_path / "s").iterdir()) == []
    assert index.status().generation is None
    assert index.find("red") == kit.expected(corpus, "red")
    assert index.built == 2


def test_threads_share_one_catch_up(corpus, tmp_path, kit):
    index = kit.WordIndex(corpus, tmp_path / "s")
    start = threading.Barrier(16)
    found = []

    def ask():
        start.wait()
        found.append(index.find("blue"))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert found == [kit.expected(corpus, "blue")] * 16
    assert index.built == 1


def searching(found):
    class Searches(BaseRetriever):
        def _retrieve(self, query_bundle):
            return found()

    return Searches()


def test_answers_never_hold_a_node_that_is_gone(corpus, tmp_path, kit):
    index = kit.WordIndex(corpus, tmp_path / "s")
    searched = []

    def search(reader):
        hits = [(ordinal, 1.0) for ordinal, words in sorted(reader.items()) if "blue" in words]
        if len(searched) < 3:  # a writer is quicker than this reader
            corpus.delete(f"n{1 + 2 * len(searched)}")
        searched.append(len(hits))
        return hits

    hits = searching(lambda: answer(index, search)).retrieve("q")
    assert [hit.node.id for hit in hits] == [f"n{i}" for i in (7, 9, 11, 13, 15, 17, 19)]
    assert searched == [10, 9, 8, 7]


def test_an_index_that_names_unknown_nodes_is_rebuilt_then_refused(corpus, tmp_path, kit):
    index = kit.WordIndex(corpus, tmp_path / "s")
    with pytest.raises(DerivedIndexError, match="not hold"):
        searching(lambda: answer(index, lambda reader: [(999, 1.0)])).retrieve("q")
    assert index.status().rebuilds == 1


WORDS = st.sampled_from(["red", "green", "blue"])
IDS = st.sampled_from([f"n{i}" for i in range(8)])


@pytest.fixture
def machine(tmp_path_factory, kit):
    class Machine(RuleBasedStateMachine):
        indexes = Bundle("indexes")

        def __init__(self):
            super().__init__()
            self.folder = tmp_path_factory.mktemp("machine")
            self.corpus = kit.LogCorpus(self.folder / "corpus.log")
            self.opened = [kit.WordIndex(self.corpus, self.folder / "s")]

        @rule(texts=st.dictionaries(IDS, st.lists(WORDS, min_size=1).map(" ".join), min_size=1))
        def add(self, texts):
            self.corpus.add(**texts)

        @rule(ids=st.sets(IDS, min_size=1))
        def delete(self, ids):
            self.corpus.delete(*ids)

        @rule(n=st.integers(1, 6), texts=st.dictionaries(IDS, WORDS, max_size=4))
        def roll_back_and_go_on(self, n, texts):
            self.corpus.forget_last(n)
            self.corpus.add(**texts)

        @rule()
        def open_another(self):
            self.opened = [*self.opened[-2:], kit.WordIndex(self.corpus, self.folder / "s")]

        @rule()
        def drop(self):
            self.opened[-1].drop()

        @rule(word=WORDS, which=st.integers(0, 2))
        def find(self, word, which):
            index = self.opened[which % len(self.opened)]
            assert index.find(word) == kit.expected(self.corpus, word)

        @invariant()
        def intact(self):
            assert self.opened[-1].status().rebuilds == 0 or "history" in self.opened[-1].status().last_rebuild_reason

    return Machine


def test_every_instance_equals_the_corpus_whatever_happens(machine):
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=settings.default.max_examples // 2,
            stateful_step_count=25,
            suppress_health_check=list(HealthCheck),
        ),
    )
