"""Plain text and source code: one document per file."""

from __future__ import annotations

from retrieverkit.reading.decoding import decode
from retrieverkit_core.readers import Parsed, Reader, SourceFile, whole_file

_PROSE = ".txt .text .log .rst .adoc .asciidoc .org .tex .srt .vtt"
_SETTINGS = ".toml .yaml .yml .ini .cfg .conf .properties .xml .svg"
_CODE = (
    ".py .pyi .js .mjs .cjs .jsx .ts .tsx .java .kt .kts .scala .groovy .c .h .cc .cpp .cxx .hpp .cs "
    ".fs .go .rs .zig .swift .m .mm .rb .php .pl .pm .lua .r .jl .hs .ml .mli .ex .exs .erl .clj "
    ".lisp .el .scm .dart .nim .v .vhd .f90 .sh .bash .zsh .fish .ps1 .bat .sql .graphql .proto .css "
    ".scss .less .vue .svelte .tf .cmake .gradle .mk .asm .s"
)
TEXT_SUFFIXES = tuple(f"{_PROSE} {_SETTINGS} {_CODE}".split())


def read_text(file: SourceFile, data: bytes) -> Parsed:
    """Return the file as one document."""
    return Parsed([whole_file(file, decode(data, file.encoding))], [])


reader = Reader(read_text)
