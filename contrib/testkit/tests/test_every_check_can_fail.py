"""For each check there is something that it must find wrong, and it does."""

import threading

import kit_bad_indexes
import kit_bad_modes
import kit_bad_more
import kit_bad_plain
import pytest
from kit_good import EVERYTHING

from retrieverkit.discovery import Discovery
from retrieverkit_testkit import Outcome, check_retriever, for_mode
from retrieverkit_testkit.checking import all_checks

PACKAGED = {
    "nothing_is_unpickled_or_evaluated": {
        "source": "from kit_modes import WordsPlugin\nclass Plugin(WordsPlugin):\n    def odd(self):\n"
        "        return eval('1')\nplugin = Plugin()\n"
    },
    "another_process_reads_the_same": {
        "source": "from kit_bad_modes import OneOwner\nfrom kit_modes import WordsPlugin\n"
        "plugin = WordsPlugin(OneOwner)\n"
    },
    "another_process_sees_changes": {
        "source": "from kit_bad_indexes import KeepsItsPast\nfrom kit_modes import WordsPlugin\n"
        "plugin = WordsPlugin(KeepsItsPast)\n"
    },
    "what_another_process_deletes_is_gone": {
        "source": "from kit_bad_indexes import KeepsWhatItRead\nfrom kit_modes import WordsPlugin\n"
        "plugin = WordsPlugin(KeepsWhatItRead)\n"
    },
    "importing_it_is_quiet": {
        "source": "from kit_modes import WordsPlugin\nprint('welcome')\nplugin = WordsPlugin()\n"
    },
    "its_requirements_leave_room": {"requires": "retrieverkit-core==0.1.0"},
    "it_can_be_asked_for_by_distribution": {
        "source": "from kit_bad_modes import EachIsAnother\nfrom kit_modes import WordsPlugin\n"
        "plugin = WordsPlugin(EachIsAnother)\n"
    },
}
"""How the distribution is made that must fail each check."""

PLAIN = {**kit_bad_plain.BAD, **kit_bad_more.BAD}
MODES = {**kit_bad_modes.BAD, **kit_bad_indexes.BAD}


@pytest.fixture(autouse=True)
def at_the_same_pace(monkeypatch):
    """However slow the machine is, the kit tries as many examples as on a quick one; for what is left it waits less."""

    def measured(work):
        work()
        return 0.001

    monkeypatch.setattr("retrieverkit_testkit.subjects._seconds", measured)
    monkeypatch.setattr("retrieverkit_testkit.checks.cancelling._PATIENCE", 1.0)
    kit_bad_plain.LeavesThreads.test_ended = threading.Event()
    yield
    kit_bad_plain.LeavesThreads.test_ended.set()


def the_result(subject, name):
    (result,) = check_retriever(subject, capabilities=EVERYTHING, only=[name])
    return result


def must_fail(result):
    assert result.outcome is Outcome.FAILED, result
    assert result.reason


def test_each_check_is_shown_to_fail():
    shown = [*PLAIN, *MODES, *PACKAGED, "listing_modes_does_not_import_it"]
    assert sorted(shown) == sorted(check.name for check in all_checks())


@pytest.mark.parametrize("name", PLAIN)
def test_a_bad_retriever_fails(name, tmp_path, monkeypatch):
    (tmp_path / "naughty_strings.jsonl").write_text('{"_id": 0, "text": "[["}\n')
    monkeypatch.setenv("RETRIEVERKIT_DATA", str(tmp_path))
    bad = PLAIN[name]
    factory = (lambda documents: bad(documents)) if isinstance(bad, type) else bad
    must_fail(the_result(factory, name))


@pytest.mark.parametrize("name", MODES)
def test_a_bad_mode_fails(name):
    discovery = Discovery()
    discovery.register_mode("words", MODES[name]())
    must_fail(the_result(for_mode("words", discovery=discovery), name))


@pytest.mark.parametrize("name", PACKAGED)
def test_a_bad_distribution_fails(name, site):
    site.add(**PACKAGED[name])
    must_fail(the_result(for_mode("words", discovery=Discovery()), name))


def test_a_distribution_that_is_imported_with_python_fails(site):
    module = site.add()
    (site.folder / "sitecustomize.py").write_text(f"import {module}\n")
    must_fail(the_result(for_mode("words", discovery=Discovery()), "listing_modes_does_not_import_it"))


def test_files_that_are_left_open_fail():
    must_fail(the_result(lambda documents: kit_bad_plain.LeavesFiles(documents), "calls_leave_no_thread_and_no_file"))
