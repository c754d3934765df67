"""Messages are decoded, by the standard library's own writer where it can write them."""

import mailbox
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieverkit.reading.mail import read_mailbox, read_message
from retrieverkit_core.errors import ReadError
from retrieverkit_core.readers import SourceFile

FILE = SourceFile("/post/m.eml", "m.eml")


def written(text="The coolant arrives tömorrow.", subject="Über pumps", **headers):
    message = EmailMessage()
    message["Subject"] = subject
    for name, value in headers.items():
        message[name] = value
    message.set_content(text)
    return message


def only(data):
    (document,), errors, _ = read_message(FILE, data)
    return document, [error.message for error in errors]


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "cp1252"])
def test_a_text_is_decoded(encoding, charset):
    message = EmailMessage()
    message["Subject"] = "Über pumps"
    message.set_content("The coolant arrives tömorrow.", charset=charset, cte=encoding)
    document, errors = only(message.as_bytes())
    assert (document.text, document.metadata["title"], errors) == ("The coolant arrives tömorrow.", "Über pumps", [])


def test_headers_are_metadata():
    message = written(
        From="Ada Lovelace <ada@home.example>",
        To="b@home.example, C <c@home.example>",
        Date="Mon, 02 Feb 2026 10:00:00 +0100",
        **{"Message-ID": "<1@home.example>"},
    )
    message.add_attachment(b"\0\1", maintype="application", subtype="pdf", filename="plan.pdf")
    document, errors = only(message.as_bytes())
    assert errors == [] and document.text == "The coolant arrives tömorrow."
    assert document.metadata == {
        "path": "m.eml",
        "title": "Über pumps",
        "sender": "ada@home.example",
        "sender_name": "Ada Lovelace",
        "to": ["b@home.example", "c@home.example"],
        "date": "2026-02-02T10:00:00+01:00",
        "message_id": "<1@home.example>",
        "attachments": ["plan.pdf"],
    }
    assert set(document.excluded_embed_metadata_keys) == document.metadata.keys() - {"title"}


def test_a_page_is_read_where_there_is_no_plain_text():
    message = EmailMessage()
    message["Subject"] = "s"
    message.set_content("<p>one <b>two</b></p><script>x</script>", subtype="html")
    assert only(message.as_bytes())[0].text == "one two"
    message = written("plain")
    message.add_alternative("<p>html", subtype="html")
    assert only(message.as_bytes())[0].text == "plain"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"Subject: s\nContent-Type: text/plain; charset=none-such\n\nx", "unknown encoding: none-such"),
        (b"Subject: s\nContent-Type: text/plain; charset=utf-8\n\n\xff", "can't decode"),
        (b"Subject: s\nContent-Transfer-Encoding: base64\n\nYWJjZA=", "InvalidBase64PaddingDefect"),
    ],
)
def test_what_cannot_be_decoded_is_told(data, told):
    _, errors = only(data)
    assert len(errors) == 1 and told in errors[0]


@pytest.mark.parametrize("data", [b"", b"no header at all", b"\n\nbody alone", b"X-Nothing: 1\n\n"])
def test_what_is_no_message_is_refused(data):
    with pytest.raises(ReadError):
        read_message(FILE, data)


def test_a_date_that_is_none_is_kept_as_it_is_written():
    assert only(b"Subject: s\nDate: tomorrow\n\nx")[0].metadata["date_as_written"] == "tomorrow"


@pytest.mark.timeout(200)
def test_parts_within_parts_end():
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3_000))
    with pytest.raises(ReadError):
        read_message(FILE, b"Subject: \n" + nested)


@settings(max_examples=50)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1), min_size=1, max_size=5))
def test_a_mailbox_gives_every_message_that_was_put_in(texts):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "box")
        box = mailbox.mbox(path)
        for number, text in enumerate(texts):
            message = EmailMessage()
            message["Subject"] = f"s{number}"
            message.set_content(f"From here\n{text}", cte="base64" if number % 2 else "8bit")
            box.add(message)
        box.flush()
        box.close()
        documents, errors, _ = read_mailbox(FILE, path.read_bytes())
    assert errors == []
    assert [document.metadata["title"] for document in documents] == [f"s{number}" for number in range(len(texts))]
    assert [document.id for document in documents] == [f"m.eml#message={n + 1}" for n in range(len(texts))]
    assert [document.text.splitlines()[0] for document in documents] == ["From here"] * len(texts)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_an_error(data):
    for read in (read_message, read_mailbox):
        try:
            documents, _ = read(FILE, data)
        except ReadError:
            continue
        for document in documents:
            f"{document.text}{document.metadata}".encode()


PLAIN, FOOTER, HTML = (
    "Content-Type: text/plain\n\nFirst.\n",
    "Content-Type: text/plain\n\nLast.\n",
    "Content-Type: text/html\n\n<p>The page.</p>\n",
)
BLANK = "Content-Type: text/plain\n\n \n"
ATTACHED = "Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nnot this\n"


def parts(kind, *inner):
    mark = f"m{len(''.join(inner))}"
    body = "".join(f"--{mark}\n{part}\n" for part in inner)
    return f'Content-Type: multipart/{kind}; boundary="{mark}"\n\n{body}--{mark}--\n'


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (parts("mixed", PLAIN, ATTACHED, FOOTER), "First.\n\nLast."),
        (parts("mixed", HTML, FOOTER), "The page.\n\nLast."),
        (parts("mixed", parts("alternative", PLAIN, HTML), ATTACHED, FOOTER), "First.\n\nLast."),
        (parts("alternative", BLANK, HTML), "The page."),
        (parts("alternative", BLANK, parts("related", HTML, ATTACHED)), "The page."),
        (parts("signed", parts("mixed", PLAIN), ATTACHED), "First."),
    ],
)
def test_all_that_a_reader_of_the_mail_sees_is_read(message, text):
    parsed = read_message(FILE, f"Subject: s\n{message}".encode())
    assert (parsed.documents[0].text, parsed.errors) == (text, [])


def test_a_header_that_is_too_long_is_read_in_part_and_told():
    to = ", ".join(f"ada{n}@plant.example" for n in range(10_000))
    parsed = read_message(FILE, f"Subject: s\nTo: {to}\n\ntext".encode())
    assert parsed.documents[0].metadata["to"] == [f"ada{n}@plant.example" for n in range(1_000)]
    assert "the header to is read in part" in str(parsed.errors[0])


def test_the_names_of_a_thousand_attachments_are_read():
    message = written("Dear all")
    for number in range(1_003):
        message.add_attachment(b"x", maintype="application", subtype="pdf", filename=f"{number}.pdf")
    document, errors = only(message.as_bytes())
    assert (document.text, len(document.metadata["attachments"])) == ("Dear all", 1_000)
    assert errors == ["/post/m.eml: the names of 1,003 attachments are read in part"]
