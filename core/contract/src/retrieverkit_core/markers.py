"""The markers that hookspecs and their implementations carry."""

from __future__ import annotations

import pluggy

PROJECT = "retrieverkit"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
