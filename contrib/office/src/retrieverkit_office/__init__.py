"""Readers of office documents and books, found by the entry-point group ``retrieverkit.readers``."""

from retrieverkit_office.readers import book_reader, open_document_reader, slides_reader, word_reader, workbook_reader

__all__ = ["book_reader", "open_document_reader", "slides_reader", "word_reader", "workbook_reader"]
