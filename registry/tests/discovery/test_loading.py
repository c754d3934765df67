"""One broken plugin breaks its own mode and nothing else, and the error names it."""

import subprocess
import sys
import threading

import pytest

from retrieverkit import Document, Index
from retrieverkit.discovery import OBSERVERS, Discovery, mode_plugin
from retrieverkit_core.errors import ConfigError, PluginContractError, PluginLoadError, PluginVersionError


@pytest.fixture
def good(site):
    site.add("good", "good")


def refused(discovery, error, told):
    with pytest.raises(error) as caught:
        discovery.mode("alpha")
    assert told in str(caught.value)
    assert "mode 'alpha' of dist-a 1.0" in caught.value.message
    assert (caught.value.mode, caught.value.distribution) == ("alpha", "dist-a 1.0")
    assert caught.value.fix
    row = next(row for row in discovery.rows() if row.name == "alpha")
    assert (row.status, row.note) == ("broken", caught.value.message)
    assert discovery.failures() == [caught.value]
    assert discovery.mode("good").spec.name == "good"
    return caught.value


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("raise RuntimeError('boom')", RuntimeError),
        ("import sys; sys.exit(3)", SystemExit),
        ("this is no Python", SyntaxError),
        ("def f(): f()\nf()", RecursionError),
        ("raise BaseException('odd')", BaseException),
        ("import not_installed_anywhere", ModuleNotFoundError),
        ("other = 1", AttributeError),
        ("raise GeneratorExit", GeneratorExit),
    ],
)
def test_a_plugin_that_fails_on_import(site, good, discovery, source, cause):
    site.add("dist-a", "alpha", source)
    error = refused(discovery, PluginLoadError, cause.__name__)
    assert type(error.__cause__) is cause


def test_keyboard_interrupt_passes_through(site, good, discovery):
    site.add("dist-a", "alpha", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        discovery.mode("alpha")
    assert discovery.mode("good").spec.name == "good"


def test_an_import_that_never_ends(site, good, discovery, monkeypatch):
    monkeypatch.setenv("RETRIEVERKIT_LOAD_TIMEOUT", "0.2")
    module = site.add("dist-a", "alpha", "import threading\nthreading.Event().wait()")
    error = refused(discovery, PluginLoadError, "did not end within 0.2 s")
    assert isinstance(error.__cause__, TimeoutError)
    assert "RETRIEVERKIT_BLOCK=dist-a" in error.fix
    threads = [thread for thread in threading.enumerate() if module in thread.name]
    refused(discovery, PluginLoadError, "did not end")
    assert [thread for thread in threading.enumerate() if module in thread.name] == threads


def test_a_slow_import_that_ends_after_all_is_used(site, discovery, monkeypatch):
    monkeypatch.setenv("RETRIEVERKIT_LOAD_TIMEOUT", "0.05")
    gate = threading.Event()
    monkeypatch.setattr(sys, "gate_of_the_test", gate, raising=False)
    module = site.add("dist-a", "alpha", "import sys\nsys.gate_of_the_test.wait()\n" + site.plugin)
    with pytest.raises(PluginLoadError):
        discovery.mode("alpha")
    gate.set()
    for thread in [thread for thread in threading.enumerate() if module in thread.name]:
        thread.join()
    monkeypatch.setenv("RETRIEVERKIT_LOAD_TIMEOUT", "60")
    assert discovery.mode("alpha").spec.name == "alpha"
    assert discovery.failures() == []


def test_a_broken_import_is_tried_again(site, discovery):
    module = site.add("dist-a", "alpha", "raise RuntimeError")
    with pytest.raises(PluginLoadError):
        discovery.mode("alpha")
    (site.folder / f"{module}.py").write_text(site.plugin.replace("MODE", "alpha") + "\n# mended")
    assert discovery.mode("alpha").spec.name == "alpha"
    assert discovery.failures() == []


@pytest.mark.parametrize("written", ["soon", "-1", "nan", "inf"])
def test_a_bad_time_limit(site, good, discovery, monkeypatch, written):
    monkeypatch.setenv("RETRIEVERKIT_LOAD_TIMEOUT", written)
    with pytest.raises(ConfigError, match="RETRIEVERKIT_LOAD_TIMEOUT"):
        discovery.mode("good")


def test_no_time_limit_imports_in_the_calling_thread(site, discovery, monkeypatch):
    monkeypatch.setenv("RETRIEVERKIT_LOAD_TIMEOUT", "0")
    site.add("dist-a", "alpha", "import threading\nthread = threading.current_thread()\n" + site.plugin)
    plugin = discovery.mode("alpha").plugin
    assert sys.modules[type(plugin).__module__].thread is threading.current_thread()


def test_a_missing_dependency_names_the_pip_command(site, good, discovery):
    site.add("dist-a", "alpha", "import not_there.deep", requires=["other", "not-there>=2 ; python_version>'3'"])
    assert refused(discovery, PluginLoadError, "not_there").fix == "pip install 'not-there>=2'"
    site.add("dist-b", "beta", "import not_there")
    discovery.refresh()
    with pytest.raises(PluginLoadError, match="pip install --force-reinstall dist-b"):
        discovery.mode("beta")


def test_no_plugin_object(site, good, discovery):
    site.add("dist-a", "alpha", "plugin = None")
    refused(discovery, PluginLoadError, "is None")


HOOK = "    @hookimpl\n    def make_retriever"
TYPO = "    @hookimpl\n    def on_retreive_start(self, query): pass\n\n"
EXITING = "    @property\n    def spec(self): raise SystemExit(1)\n\n"


@pytest.mark.parametrize(
    ("change", "to", "error", "told"),
    [
        ("plugin = Plugin()", "plugin = 3", PluginContractError, "is int 3, which has no ModeSpec"),
        ('name="MODE"', 'name="other"', PluginContractError, "declares the mode 'other'"),
        ("summary=", "plugin_api=2, summary=", PluginVersionError, "plugin API 2, here is 1"),
        ("summary=", "plugin_api=0, summary=", PluginVersionError, "--upgrade dist-a"),
        ("summary=", "options=dict, summary=", PluginContractError, "not a pydantic model"),
        ("summary=", "options=ModeOptions.__base__, summary=", PluginContractError, 'extra="forbid"'),
        ("    @hookimpl\n", "", PluginContractError, "no make_retriever marked with @hookimpl"),
        ("make_retriever", "make_retreiver", PluginContractError, "no make_retriever"),
        ("options, context):\n        return", "optoins):\n        return", PluginContractError, "optoins"),
        (HOOK, TYPO + HOOK, PluginContractError, "did you mean 'on_retrieve_start'"),
        ("class Plugin:", "class Plugin:\n    __hash__ = None", PluginContractError, "unhashable"),
        (HOOK, EXITING + HOOK, PluginContractError, "raised SystemExit"),
    ],
)
def test_a_plugin_that_breaks_the_contract(site, good, discovery, change, to, error, told):
    site.add("dist-a", "alpha", site.plugin.replace(change, to))
    refused(discovery, error, told)
    assert [name for name, _ in discovery.manager.list_name_plugin()] == ["good:good"]


def test_a_plugin_is_imported_once_by_many_threads(site, discovery):
    counter = "import sys\nsys.imports_of_the_test = getattr(sys, 'imports_of_the_test', 0) + 1\n"
    site.add("dist-a", "alpha", counter + site.plugin)
    site.add("dist-b", "beta")
    barrier, found = threading.Barrier(16), []

    def ask(mode):
        barrier.wait()
        found.append((mode, discovery.mode(mode)))

    threads = [threading.Thread(target=ask, args=(("alpha", "beta")[number % 2],)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sys.imports_of_the_test == 1
    del sys.imports_of_the_test
    assert len(found) == 16
    assert len({mode.plugin for _, mode in found}) == 2
    assert sorted(name for name, _ in discovery.manager.list_name_plugin()) == ["dist-a:alpha", "dist-b:beta"]


@pytest.mark.parametrize("entry_points", [b"\xff\xfe[retrieverkit.modes]\nx = y:z\n", bytes(range(256))])
def test_entry_points_that_are_no_text(site, discovery, entry_points):
    site.add("dist-a", "alpha")
    info = site.add_metadata("dist-b", "")
    (info / "entry_points.txt").write_bytes(entry_points)
    assert discovery.has_mode("alpha") and discovery.mode("alpha").claim.label == "dist-a 1.0"
    assert [name for name, _ in discovery.catalog.unreadable] == ["dist_b"]


@pytest.mark.parametrize(
    ("api", "outcome"), [(1, "refused"), (2, "noted"), (3, "noted"), (4, "silent"), (5, "refused")]
)
def test_a_range_of_plugin_apis_is_spoken(site, discovery, monkeypatch, api, outcome):
    monkeypatch.setattr(mode_plugin, "MIN_PLUGIN_API", 2)
    monkeypatch.setattr(mode_plugin, "PLUGIN_API", 4)
    site.add("dist-a", "alpha", site.plugin.replace('summary="Finds', f'plugin_api={api}, summary="Finds'))
    with Index.from_documents([Document("x")], discovery=discovery) as index:
        if outcome == "refused":
            with pytest.raises(PluginVersionError, match=f"plugin API {api}, here is 2 to 4"):
                index.as_retriever("alpha")
        else:
            notes = index.as_retriever("alpha").notes
            assert [("plugin API" in note, "upgrade dist-a" in note) for note in notes] == (
                [(True, True)] if outcome == "noted" else []
            )


def test_observers_are_loaded_by_their_qualified_names(site, discovery, monkeypatch):
    site.add("dist-a", "trace", "plugin = 'a'", group=OBSERVERS)
    site.add("dist-b", "trace", "plugin = 'b'", group=OBSERVERS)
    site.add("dist-c", "count", "raise RuntimeError", group=OBSERVERS)
    site.add("dist-d", "other", "plugin = 'd'", group=OBSERVERS)
    monkeypatch.setenv("RETRIEVERKIT_BLOCK", "dist-d")
    assert {"dist-a:trace", "dist-b:trace", "dist-c:count"} <= set(discovery.observer_names())
    assert "dist-d:other" not in discovery.observer_names()
    assert discovery.load_observer("dist-a:trace") == "a"
    with pytest.raises(PluginLoadError, match=r"observer 'count' of dist-c 1\.0"):
        discovery.load_observer("dist-c:count")


LISTING = """
import sys
from retrieverkit.discovery import GROUPS, Discovery
found = [row for group in GROUPS for row in Discovery().rows(group)]
unwanted = [name for name in sys.modules if name.startswith(("fake_", "numpy", "tantivy", "retrieverkit_bm25"))]
print(len([row for row in found if row.distribution.startswith("fake-")]), unwanted)
"""


def test_listing_a_hundred_distributions_imports_none_of_them(site):
    for number in range(97):
        site.add(f"fake-{number}", f"mode_{number}")
    site.add("fake-97", "mode_97", "import sys; sys.exit(1)")
    site.add("fake-98", "mode_98", "while True: pass")
    site.add("fake-99", "mode_99", "import numpy, tantivy")
    program = f"import sys\nsys.path.insert(0, {str(site.folder)!r})\n{LISTING}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("100 []\n", "")


def test_among_a_hundred_distributions_one_is_imported(site, discovery):
    modules = [site.add(f"fake-{number}", f"mode_{number}") for number in range(100)]
    assert discovery.mode("mode_42").spec.name == "mode_42"
    assert [name for name in sys.modules if name.startswith("fake_")] == [modules[42]]
    row = next(row for row in discovery.rows() if row.name == "mode_42")
    assert (row.status, row.location) == ("loaded", str(site.folder / f"{modules[42]}.py"))


def test_a_name_is_looked_up_and_never_imported(site, good):
    discovery = Discovery()
    discovery.rows()
    seen, watching = [], True

    def watch(event, arguments):
        if watching and event in ("import", "exec", "os.system", "subprocess.Popen"):
            seen.append((event, arguments))

    hostile = [
        "__import__('os')",
        "../../x",
        "os.path",
        "antigravity",
        "a\0b",
        "x" * 1_000_000,
        "ｂｍ２５",
        "fake_good",
    ]
    refused = 0
    sys.addaudithook(watch)
    try:
        for name in hostile:
            try:
                discovery.catalog.resolve_claim(name)
            except ConfigError as error:
                refused += len(str(error)) < 5_000
    finally:
        watching = False
    assert (seen, refused) == ([], len(hostile))
