"""What is read of each kind of document, and where it is said to be."""

import re
from datetime import date, datetime
from io import BytesIO
from zipfile import ZipFile

import docx
import openpyxl
import pptx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE

from retrieverkit_core.errors import ReadError
from retrieverkit_core.readers import SourceFile, heading_at, sections_of
from retrieverkit_office import readers


def place_of(document, text):
    """Return what the part of a document is called that a text is in, and the headings above."""
    at = document.text.index(text)
    sections = sections_of(document)
    places = [section.place for section in sections if section.place and section.start <= at]
    return (places[-1] if places else {}), heading_at(sections, at)


def add(paragraph, xml):
    paragraph._p.append(parse_xml(xml.replace("<w:", "<w:", 1).replace(">", f" {nsdecls('w')}>", 1)))


def test_a_word_document_is_read_in_order_with_its_headings(read, saved):
    made = docx.Document()
    properties = made.core_properties
    properties.title, properties.author, properties.keywords = "Manual", "Ada", "pump; valve, , seal"
    properties.created = datetime(2026, 1, 2, 3, 4, 5)
    made.add_heading("Pumps", 1)
    first = made.add_paragraph("Close the valve")
    made.add_comment(first.runs, text="Which one?", author="Grace")
    add(first, '<w:ins w:id="1" w:author="a"><w:r><w:t xml:space="preserve"> at once</w:t></w:r></w:ins>')
    add(first, '<w:del w:id="2" w:author="a"><w:r><w:delText>never</w:delText><w:t>never</w:t></w:r></w:del>')
    add(first, "<w:sdt><w:sdtContent><w:r><w:t>, Ada</w:t></w:r></w:sdtContent></w:sdt>")
    add(first, "<w:r><w:tab/><w:t>now</w:t><w:br/><w:t>or later</w:t></w:r>")
    made.add_heading("Torque", 2)
    table = made.add_table(2, 3)
    for at, text in enumerate(("Bolt", "Torque", "Note", "M8", "25\nNm", "")):
        table.cell(at // 3, at % 3).text = text
    made.add_paragraph("Behind the table")
    made.add_heading("Tanks", 1)
    made.add_paragraph("Last")
    made.sections[0].header.paragraphs[0].text = "Confidential"
    made.add_section()
    made.sections[1].header.is_linked_to_previous = False
    made.sections[1].header.paragraphs[0].text = "Confidential"
    document, errors = read("docx", saved(made))
    assert errors == []
    assert document.text.splitlines() == [
        "Pumps",
        "Close the valve at once, Ada\tnow",
        "or later",
        "Grace: Which one?",
        "Torque",
        "Bolt | Torque | Note",
        "M8 | 25 Nm |",
        "Behind the table",
        "Tanks",
        "Last",
        "Confidential",
    ]
    assert place_of(document, "M8") == ({}, ("Pumps", "Torque"))
    assert place_of(document, "Last") == ({}, ("Tanks",))
    assert place_of(document, "Confidential") == ({}, ())
    known = document.metadata
    assert (known["title"], known["author"], known["keywords"]) == ("Manual", "Ada", ["pump", "valve", "seal"])
    assert known["created"] == "2026-01-02T03:04:05+00:00"


def test_text_boxes_and_notes_stand_where_they_are_referred_to(read, saved, remade):
    made = docx.Document()
    paragraph = made.add_paragraph("Before")
    box = "<w:txbxContent><w:p><w:r><w:t>In the box</w:t></w:r></w:p></w:txbxContent>"
    choice = (
        '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f'<mc:Choice Requires="wps">{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent>'
    )
    paragraph._p.append(parse_xml(f'<w:r {nsdecls("w")}>{choice}<w:footnoteReference w:id="2"/></w:r>'))
    made.add_paragraph("After")
    data = saved(made)
    relation = (
        '<Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes" '
        'Target="footnotes.xml"/></Relationships>'
    )
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    with ZipFile(BytesIO(data)) as archive:
        relations = archive.read("word/_rels/document.xml.rels").decode().replace("</Relationships>", relation)
        types = archive.read("[Content_Types].xml").decode()
    types = types.replace("</Types>", f'<Override PartName="/word/footnotes.xml" ContentType="{kind}"/></Types>')
    inner = '<w:footnote w:id="2"><w:p><w:r><w:t>At the foot</w:t></w:r></w:p></w:footnote>'
    notes = f"<w:footnotes {nsdecls('w')}>{inner}</w:footnotes>"
    changed = {"word/_rels/document.xml.rels": relations, "[Content_Types].xml": types, "word/footnotes.xml": notes}
    document, errors = read("docx", remade(data, **changed))
    assert (document.text.splitlines(), errors) == (["Before", "In the box", "At the foot", "After"], [])


def test_rows_cells_and_notes_that_a_tracked_change_removed_are_left_out(read, saved):
    made = docx.Document()
    table = made.add_table(2, 2)
    for at, cell in enumerate(table._cells):
        cell.text = f"cell{at}"
    table.rows[0]._tr.get_or_add_trPr().append(parse_xml(f'<w:del {nsdecls("w")} w:id="1" w:author="x"/>'))
    table.cell(1, 0)._tc.get_or_add_tcPr().append(parse_xml(f'<w:cellDel {nsdecls("w")} w:id="2" w:author="x"/>'))
    paragraph = made.add_paragraph("Close the valve.")
    made.add_comment(paragraph.add_run("soon"), "about what is gone", author="Ada")
    runs = [run for run in paragraph._p if run.tag.endswith("}r")]
    removed = parse_xml(f'<w:del {nsdecls("w")} w:id="3" w:author="x"/>')
    paragraph._p.append(removed)
    removed.extend(runs[1:])
    document, errors = read("docx", saved(made))
    assert (document.text, errors) == ("cell3\nClose the valve.", [])


def test_a_document_with_macros_is_read_as_text(read, saved, remade):
    made = docx.Document()
    made.add_paragraph("Hello")
    data = saved(made)
    with ZipFile(BytesIO(data)) as archive:
        types = archive.read("[Content_Types].xml").decode()
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    types = types.replace(main, "application/vnd.ms-word.document.macroEnabled.main+xml")
    document, _ = read("docm", remade(data, **{"[Content_Types].xml": types, "word/vbaProject.bin": b"\0macro"}))
    assert document.text == "Hello"


def test_every_slide_is_a_part_below_its_title(read, saved):
    made = pptx.Presentation()
    for title, body, notes in (
        ("Pumps", "Close\nit", "Say it slowly"),
        ("", "No title", None),
        ("Tanks", "Fill", None),
    ):
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = title
        slide.shapes[1].text = body
        if notes:
            slide.notes_slide.notes_text_frame.text = notes
    shapes = made.slides[2].shapes
    table = shapes.add_table(2, 2, 0, 0, 9, 9).table
    table.cell(0, 0).text, table.cell(1, 1).text = "Bolt", "25 Nm"
    group = shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, 9, 9).text_frame.text = "In a group"
    chart = CategoryChartData()
    chart.categories = ["East", "West"]
    chart.add_series("Leaks", (1, 2))
    shapes.add_chart(XL_CHART_TYPE.PIE, 0, 0, 9, 9, chart)
    document, errors = read("pptx", saved(made))
    assert errors == []
    assert document.text.splitlines() == [
        *("Pumps", "Close", "it", "Say it slowly", "No title", "Tanks", "Fill", "Bolt |", "| 25 Nm", "In a group"),
        "Leaks | East | West",
    ]
    assert place_of(document, "slowly") == ({"slide": 1}, ("Pumps",))
    assert place_of(document, "No title") == ({"slide": 2}, ())
    assert place_of(document, "West") == ({"slide": 3}, ("Tanks",))
    assert (document.metadata["slides"], document.metadata["title"]) == (3, "Pumps")


CELLS = st.one_of(
    st.none(),
    st.integers(-(10**9), 10**9),
    st.booleans(),
    st.dates(date(1950, 1, 1), date(2100, 1, 1)),
    st.text(st.characters(categories=["L", "N"], max_codepoint=0xFFFF), min_size=1, max_size=8),
)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=4), min_size=1, max_size=12),
    gaps=st.lists(st.sampled_from([0, 0, 1, 19, 20, 21, 500]), min_size=12, max_size=12),
)
def test_every_cell_is_on_the_line_of_its_row(saved, rows, gaps):
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = "Torque"
    written, at = {}, 1
    for row, gap in zip(rows, gaps):
        at += 1 + gap
        for column, value in enumerate(row, 1):
            sheet.cell(at, column).value = value
        if shown := [shown_as(value) for value in row if value is not None]:
            written[at] = shown
    data = saved(made)
    if not written:
        return
    [document] = readers.workbook_reader.read(SourceFile("/a.xlsx", "a.xlsx"), data).documents
    found = {}
    sections = sections_of(document)
    ends = [*(section.start for section in sections[1:]), len(document.text) + 1]
    for section, end in zip(sections, ends):
        for offset, line in enumerate(document.text[section.start : end].removesuffix("\n").split("\n")):
            if line:
                found[section.place["row"] + offset] = [cell.rpartition(": ")[2] for cell in line.split(" | ")]
    assert found == written


def shown_as(value):
    if isinstance(value, bool):
        return str(value).upper()
    return value.isoformat() if isinstance(value, date) else str(value)


def test_cells_are_named_by_a_header_above_values(read, saved):
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.append(["Bolts of the plant"])
    sheet.append(["Bolt", "Torque", "Since"])
    sheet.append(["M8", 25.5, datetime(2026, 1, 2)])
    sheet["B3"].comment = Comment("Check it", "Ada")
    glossary = made.create_sheet("Words")
    glossary.append(["seal", "what keeps water in"])
    glossary.append(["valve", "what opens and closes"])
    made.create_sheet("Nothing")
    document, errors = read("xlsx", saved(made))
    assert errors == []
    assert document.text.splitlines() == [
        "Bolts of the plant",
        "Bolt | Torque | Since",
        "Bolt: M8 | Torque: 25.5 | Since: 2026-01-02",
        "B3: Check it",
        "seal | what keeps water in",
        "valve | what opens and closes",
    ]
    assert place_of(document, "Check it")[0] == {"sheet": "Sheet"}
    assert place_of(document, "valve")[0] == {"sheet": "Words", "row": 1}
    assert document.metadata["sheets"] == ["Sheet", "Words", "Nothing"]


def test_formulas_that_nobody_computed_are_told(saved, remade):
    made = openpyxl.Workbook()
    made.active.append(["bolt", "torque", "share"])
    made.active.append(["M8", "=2*3", 0.15])
    made.active.append(["M9", "=2*4", 0.285])
    made.active["C2"].number_format, made.active["C3"].number_format = "0%", "0.0 %"
    data = saved(made)
    parsed = readers.workbook_reader.read(SourceFile("/a.xlsx", "a.xlsx"), data)
    assert parsed.documents[0].text == "bolt | torque | share\nbolt: M8 | share: 15%\nbolt: M9 | share: 28.5%"
    assert parsed.errors == []
    assert parsed.notes == (
        "a.xlsx: 2 formulas have no saved value; to have them read, open it in a spreadsheet program and save it",
    )
    name = "xl/worksheets/sheet1.xml"
    with ZipFile(BytesIO(data)) as archive:
        sheet = archive.read(name).decode()
    computed = sheet.replace("<f>2*3</f><v></v>", "<f>2*3</f><v>6</v>")
    computed = computed.replace('<c r="B3"><f>2*4</f>', '<c r="B3" t="str"><f>""</f>')
    assert computed.count("<v>6</v>") == computed.count('t="str"') == 1
    parsed = readers.workbook_reader.read(SourceFile("/a.xlsx", "a.xlsx"), remade(data, **{name: computed}))
    assert "torque: 6" in parsed.documents[0].text
    assert parsed.notes == ()
    made = openpyxl.Workbook()
    made.active["A1"] = "=1+1"
    with pytest.raises(ReadError, match="1 formula has no saved value"):
        readers.workbook_reader.read(SourceFile("/a.xlsx", "a.xlsx"), saved(made))


DIAGRAM = (
    '<d:dataModel xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/diagram" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><a:p><a:r><a:t>Close, then wait</a:t></a:r></a:p>'
    "</d:dataModel>"
)
RELATION = (
    '<Relationship Id="{}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{}" '
    'Target="{}"/></Relationships>'
)


def test_diagrams_of_a_word_document_are_read_below_no_heading(read, saved, remade):
    made = docx.Document()
    made.add_heading("Valves", 1)
    made.sections[0].header.paragraphs[0].text = "Plant 7"
    data = saved(made)
    name = "word/_rels/document.xml.rels"
    with ZipFile(BytesIO(data)) as archive:
        relations = archive.read(name).decode()
    relations = relations.replace("</Relationships>", RELATION.format("d1", "diagramData", "diagrams/data1.xml"))
    document, errors = read("docx", remade(data, **{name: relations, "word/diagrams/data1.xml": DIAGRAM}))
    assert (document.text, errors) == ("Valves\nClose, then wait\nPlant 7", [])
    assert place_of(document, "Close")[1] == ()


def test_text_boxes_and_charts_of_a_sheet_are_read(read, saved, remade):
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = "Torque"
    sheet.append(["M8", 25])
    chart = BarChart()
    chart.title = "Torque by bolt"
    chart.add_data(Reference(sheet, min_col=2, min_row=1))
    sheet.add_chart(chart, "E1")
    data = saved(made)
    name = "xl/drawings/drawing1.xml"
    with ZipFile(BytesIO(data)) as archive:
        drawing = archive.read(name).decode()
    box = DIAGRAM.replace("Close, then wait", "Wear gloves")
    end = drawing.rindex("</")
    document, errors = read("xlsx", remade(data, **{name: drawing[:end] + box + drawing[end:]}))
    assert (document.text.splitlines(), errors) == (["M8 | 25", "Wear gloves", "Torque by bolt"], [])
    assert place_of(document, "Wear gloves")[0] == {"sheet": "Torque"}
    document, errors = read("xlsx", remade(data, **{name: "<a>"}))
    assert document.text == "M8 | 25"
    assert errors[0].startswith("damaged: xl/drawings/drawing1.xml")


def test_a_chapter_is_known_by_its_kind_too(read, book, remade):
    data = book("<p>Close the valve.</p>")
    with ZipFile(BytesIO(data)) as archive:
        package = (
            archive.read("O/p.opf")
            .decode()
            .replace('href="page%200.xhtml"', 'href="one" media-type="application/xhtml+xml"')
        )
        page = archive.read("O/page 0.xhtml")
    document, errors = read("epub", remade(data, **{"O/p.opf": package, "O/one": page}))
    assert (document.text, errors) == ("Close the valve.", [])


def test_open_documents(read, open_document):
    text = (
        '<office:text><text:h text:outline-level="1">Pumps</text:h><text:p>Close<text:s text:c="2"/>it.<text:note>'
        "<text:note-citation>1</text:note-citation><text:note-body><text:p>A note</text:p></text:note-body></text:note>"
        " Then<text:line-break/>wait</text:p><text:list><text:list-item><text:p>one</text:p></text:list-item>"
        "</text:list>"
        '<text:h text:outline-level="2">Bolts</text:h><table:table><table:table-row><table:table-cell><text:p>M8'
        "</text:p></table:table-cell><table:table-cell><text:p>25 Nm</text:p></table:table-cell></table:table-row>"
        "</table:table><text:tracked-changes><text:p>gone</text:p></text:tracked-changes></office:text>"
    )
    meta = "<dc:title>Manual</dc:title><meta:keyword>a</meta:keyword><dc:date>2026-01-02T03:04:05</dc:date>"
    document, errors = read("odt", open_document(text, meta, "<style:header><text:p>Secret</text:p></style:header>"))
    assert errors == []
    assert document.text.splitlines() == [
        *("Pumps", "Close  it. Then", "wait", "A note", "one", "Bolts", "M8 | 25 Nm", "Secret"),
    ]
    assert place_of(document, "M8") == ({}, ("Pumps", "Bolts"))
    known = document.metadata
    assert (known["title"], known["keywords"], known["saved"]) == ("Manual", ["a"], "2026-01-02T03:04:05")

    blank = '<table:table-row table:number-rows-repeated="{}"><table:table-cell/></table:table-row>'
    row = "<table:table-row>{}</table:table-row>"
    cell = '<table:table-cell office:value-type="{}"><text:p>{}</text:p></table:table-cell>'
    sheet = '<office:spreadsheet><table:table table:name="Torque">{}</table:table></office:spreadsheet>'
    header = row.format(cell.format("string", "Bolt") + cell.format("string", "Nm"))
    values = row.format(cell.format("string", "M8") + cell.format("float", "25"))
    document, _ = read("ods", open_document(sheet.format(header + blank.format(3) + values + blank.format(1048571))))
    assert document.text == "Bolt | Nm\n\n\n\nBolt: M8 | Nm: 25"
    assert place_of(document, "M8")[0] == {"sheet": "Torque", "row": 1}

    frame = "<draw:frame{}><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame>"
    title = frame.format(' presentation:class="title"', "Pumps")
    notes = f"<presentation:notes>{frame.format('', 'Say it')}</presentation:notes>"
    pages = f"<draw:page>{title}{notes}</draw:page><draw:page>{frame.format('', 'two')}</draw:page>"
    document, _ = read("odp", open_document(f"<office:presentation>{pages}</office:presentation>"))
    assert place_of(document, "Say it") == ({"slide": 1}, ("Pumps",))
    assert place_of(document, "two") == ({"slide": 2}, ())


def test_sheets_of_open_document_have_values_and_comments_but_nothing_replaced(read, open_document):
    body = (
        "<office:spreadsheet><table:tracked-changes><table:cell-content-change><table:previous>"
        "<table:change-track-table-cell><text:p>old</text:p></table:change-track-table-cell></table:previous>"
        '</table:cell-content-change></table:tracked-changes><table:table table:name="Torque"><table:table-row>'
        "<table:table-cell><office:annotation><text:p>Check it</text:p></office:annotation><text:p>bolt</text:p>"
        "</table:table-cell><table:table-cell><text:p>torque</text:p></table:table-cell></table:table-row>"
        "<table:table-row><table:table-cell><text:p>M8</text:p></table:table-cell><table:table-cell"
        ' office:value-type="float" office:value="25"/><table:table-cell table:formula="of:=1+1"/></table:table-row>'
        "<table:shapes><draw:text-box><text:p>Wear gloves</text:p></draw:text-box></table:shapes>"
        "</table:table></office:spreadsheet>"
    )
    file, data = SourceFile("/a.ods", "a.ods"), open_document(body)
    parsed = readers.open_document_reader.read(file, data)
    assert parsed.documents[0].text.splitlines() == [
        "bolt | torque",
        "bolt: M8 | torque: 25",
        "Check it",
        "Wear gloves",
    ]
    assert [note.partition(";")[0] for note in parsed.notes] == ["a.ods: 1 formula has no saved value"]


def test_a_book_is_its_chapters(read, book):
    first = (
        "<h1>First</h1><p>Close&nbsp;the <b>val</b>ve &amp; wait.</p><script>no()</script><h2>Care</h2>"
        "<table><tr><th>M8</th><td>25&#160;Nm</td></tr></table><ul><li>x</li><li>y</li></ul>"
    )
    ncx = (
        '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>The End</text></navLabel>'
        '<content src="page%201.xhtml#a"/></navPoint></navMap></ncx>'
    )
    data = book(first, "more<br/>text", extra={"O/toc.ncx": ncx})
    document, errors = read("epub", data)
    assert errors == []
    assert document.text.splitlines() == [
        *("First", "Close\xa0the valve & wait.", "Care", "M8 | 25 Nm", "x", "y", "more", "text"),
    ]
    assert place_of(document, "M8") == ({"chapter": 1}, ("First", "Care"))
    assert place_of(document, "more")[0] == {"chapter": 2}
    assert (document.metadata["title"], document.metadata["author"]) == ("Pumps", "Ada, Grace")


def test_a_damaged_chapter_is_told_and_the_others_are_read(read, book, remade):
    data = remade(book("<p>one</p>", "<p>two</p>", "<p>three</p>"), **{"O/page 1.xhtml": None})
    document, errors = read("epub", data)
    assert (document.text, errors) == ("one\nthree", ["chapter 2: damaged: O/page 1.xhtml is missing from it"])
    document, errors = read("epub", book("<p>one</b>", "<p>two</p>"))
    assert "one" in document.text and "two" in document.text
    assert re.fullmatch("chapter 1: read in part: O/page 0.xhtml is damaged", errors[0])


@pytest.mark.needs("retrieverkit_bm25")
def test_a_hit_names_the_part_of_the_file(saved, tmp_path, capsys, monkeypatch):
    from retrieverkit.cli import main

    made = openpyxl.Workbook()
    made.active.title = "Torque"
    for row in range(1, 200):
        made.active.append([f"Bolt {row}", "steel" * 10, row])
    made.active.append(["gasket", 25])
    (tmp_path / "bolts.xlsx").write_bytes(saved(made))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    assert main(["search", "gasket", "bolts.xlsx", "--mode", "bm25"]) == 0
    assert ' 1  bolts.xlsx, sheet "Torque", row 200' in capsys.readouterr().out
