"""Cassettes: the model calls of a run in a file, from which another run has the same answers without any model.

They are recorded and replayed where every call of a model passes, above HTTP: no key and no header can get in.
"""

from retrieverkit.cassettes.cassette import Cassette, CassetteMode, cassette, current

__all__ = ["Cassette", "CassetteMode", "cassette", "current"]
