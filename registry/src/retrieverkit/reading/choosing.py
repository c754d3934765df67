"""Which reader a file goes to: that of the installed package that claims its suffix."""

from __future__ import annotations

from typing import Any, NamedTuple

from retrieverkit.discovery import READERS, Claim, Selection, shared_discovery
from retrieverkit.reading.plain import TEXT_SUFFIXES
from retrieverkit.reading.plain import reader as text_reader
from retrieverkit_core.errors import PluginContractError
from retrieverkit_core.readers import Reader, SourceFile

OWN = "retrieverkit"
"""The distribution whose readers are taken where no other package has one; no setting switches them off."""

_OFFICE_SUFFIXES = "docm docx dotx epub odp ods odt ppsx pptm pptx xlsm xlsx"
KNOWN_READERS: dict[str, str] = dict.fromkeys(_OFFICE_SUFFIXES.split(), "retrieverkit-office")
"""Which distribution reads files of a suffix, so that one that is not installed can be named with its pip command."""


class Chosen(NamedTuple):
    """A reader, and the distribution that it is of."""

    reader: Reader
    distribution: str = OWN

    @property
    def identity(self) -> str:
        """What another reader of the same bytes does not have, nor another version of this one."""
        return f"{self.distribution} {self.reader.version}"


TEXT = Chosen(text_reader)
"""What reads files of no known kind that are text."""


def reader_for(file: SourceFile) -> Chosen | None:
    """Return the reader of a file, or None where nobody claims its suffix.

    Raises:
        ConfigError: Several packages claim the suffix.
        PluginError: The reader is broken.
    """
    suffix = file.suffix.removeprefix(".")
    claims = shared_discovery().catalog.claims(READERS).get(suffix, ())
    selection = Selection.from_environment()
    others = [claim for claim in claims if claim.distribution != OWN and not selection.why_blocked(claim)]
    if others:
        provider = others[0].distribution if len(others) == 1 else None
        return _checked(others[0], shared_discovery().load(READERS, suffix, provider))
    own = next((claim for claim in claims if claim.distribution == OWN), None)
    if own is not None:
        return _checked(own, own.entry_point.load())
    return TEXT if file.suffix in TEXT_SUFFIXES else None


def _checked(claim: Claim, found: Any) -> Chosen:
    if not isinstance(found, Reader):
        told = f"{claim.described} is {type(found).__name__}, not a Reader"
        raise PluginContractError(told, mode=claim.name, distribution=claim.label)
    return Chosen(found, claim.distribution)


def unsupported(file: SourceFile) -> tuple[str, str]:
    """Return what to say of a file that no reader takes, and what would help."""
    kind = f"{file.suffix} files" if file.suffix else "binary files without a suffix"
    missing = KNOWN_READERS.get(file.suffix.removeprefix("."))
    return f"{kind} are not supported", f"pip install {missing}" if missing else ""
