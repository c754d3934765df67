"""A mode plugin cannot pretend to observe."""

import pytest

from retrieverkit.discovery import Discovery
from retrieverkit_core import BaseRetriever, ModeSpec, hookimpl
from retrieverkit_core.errors import PluginContractError


class Watches:
    spec = ModeSpec(name="watches", summary="implements an observer's hook beside its mode")

    @hookimpl
    def make_retriever(self, options, context):
        return BaseRetriever()

    @hookimpl
    def on_retrieve_end(self, query):
        raise AssertionError("never called")


def test_an_observers_hook_on_a_mode_plugin_is_refused():
    discovery = Discovery()
    discovery.register_mode("watches", Watches())
    with pytest.raises(PluginContractError, match=r"on_retrieve_end.*retrieverkit\.observers"):
        discovery.mode("watches")
