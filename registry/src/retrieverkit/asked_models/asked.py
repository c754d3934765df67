"""What every asked model is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from retrieverkit.cassettes import current


class Asked:
    """What an asked model is: the spec that names it, and the model itself, made when it is first needed.

    Args:
        spec: The spec, or what an object calls itself.
        make: Returns the model.
    """

    def __init__(self, spec: str, make: Callable[[], Any]) -> None:
        self._spec = spec
        self._make = make
        self._made: Any = None

    @property
    def _model(self) -> Any:
        if self._made is None:
            self._made = self._make()
        return self._made

    def _known(self, kind: str) -> dict[str, Any] | None:
        """Return what the cassette that is played knows of the model."""
        tape = current()
        return None if tape is None else tape.model(kind, self._spec)

    def note(self) -> None:
        """Put what is known of the model on the cassette that is recorded."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or self._made is None:
            raise AttributeError(name)
        return getattr(self._made, name)

    def __repr__(self) -> str:
        return repr(self._made) if self._made is not None else f"<{self._spec}>"
