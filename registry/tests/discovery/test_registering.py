"""Modes that a program adds while it runs."""

import sys
import types

import pytest

from retrieverkit.discovery import shared_discovery
from retrieverkit_core.errors import ConfigError, ModeStringError, PluginLoadError
from retrieverkit_core.plugin import BuildContext
from retrieverkit_core.spec import RetrieverSpec


@pytest.fixture
def plugin(site):
    return made(site, "dist-x", "alpha")


def made(site, name, mode):
    """Return a plugin object that no entry point names."""
    module = site.add(name, mode, group="other")
    return __import__(module).plugin


def test_an_object(plugin, discovery):
    discovery.register_mode("alpha", plugin)
    built = discovery.build(RetrieverSpec.parse("alpha(top_k=3)"), BuildContext(mode=""))
    assert built.options.top_k == 3
    assert (built.context.mode, built.context.distribution) == ("alpha", "runtime")
    assert discovery.mode("alpha", provider="runtime").plugin is plugin
    row = next(row for row in discovery.rows() if row.name == "alpha")
    assert (row.distribution, row.status) == ("runtime", "loaded")


def test_a_path_is_imported_at_first_use(site, discovery):
    module = site.add("dist-x", "alpha", group="other")
    discovery.register_mode("alpha", f"{module}:plugin")
    assert module not in sys.modules
    assert discovery.mode("alpha").plugin is sys.modules[module].plugin


def test_the_same_again_is_nothing_new_and_another_is_refused(site, plugin, discovery):
    other = made(site, "dist-y", "alpha")
    discovery.register_mode("alpha", plugin)
    discovery.register_mode("alpha", plugin)
    with pytest.raises(ConfigError, match="mode 'alpha' is provided by runtime already"):
        discovery.register_mode("alpha", other)
    assert discovery.mode("alpha").plugin is plugin
    discovery.register_mode("alpha", other, override=True)
    assert discovery.mode("alpha").plugin is other
    assert [name for name, _ in discovery.manager.list_name_plugin()] == ["runtime:alpha"]


def test_an_installed_mode_is_replaced_only_when_that_is_said(site, plugin, discovery):
    site.add("dist-a", "alpha")
    with pytest.raises(ConfigError, match=r"dist-a 1\.0 already"):
        discovery.register_mode("alpha", plugin)
    assert discovery.mode("alpha").claim.distribution == "dist-a"
    discovery.register_mode("alpha", plugin, override=True)
    assert discovery.mode("alpha").plugin is plugin
    discovery.refresh()
    assert discovery.mode("alpha").plugin is plugin


@pytest.mark.parametrize(("name", "path"), [("Alpha", "a:b"), ("a b", "a:b"), ("../x", "a:b")])
def test_a_name_that_no_mode_can_have(discovery, name, path):
    with pytest.raises(ModeStringError):
        discovery.register_mode(name, path)


@pytest.mark.parametrize("path", ["module", "a:b:c", "a b:c", "../x:y", ":", ""])
def test_a_path_that_names_no_object(discovery, path):
    with pytest.raises(ConfigError, match="names no object"):
        discovery.register_mode("alpha", path)


def test_a_path_to_what_is_not_there(discovery):
    discovery.register_mode("alpha", "not_installed_anywhere:plugin")
    with pytest.raises(PluginLoadError, match="mode 'alpha' of runtime does not load: ModuleNotFoundError"):
        discovery.mode("alpha")


def test_one_discovery_for_the_process():
    assert isinstance(shared_discovery().register_mode, types.MethodType)
    assert shared_discovery() is shared_discovery()
