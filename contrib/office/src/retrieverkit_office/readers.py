"""The readers, by what they read. The libraries that parse are imported with the first file."""

from __future__ import annotations

from retrieverkit_core.readers import Reader
from retrieverkit_office.book import read_book
from retrieverkit_office.open_document import read_open_document
from retrieverkit_office.slides import read_slides
from retrieverkit_office.word import read_word
from retrieverkit_office.workbook import read_workbook

word_reader = Reader(read_word, version=2, apart=True)
slides_reader = Reader(read_slides, apart=True)
workbook_reader = Reader(read_workbook, version=2, apart=True)
open_document_reader = Reader(read_open_document, version=2, apart=True)
book_reader = Reader(read_book, version=2, apart=True)
