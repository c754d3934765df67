"""The page on the command is made from the command, never typed."""

from cli_reference import PAGE, REGENERATE, page


def test_the_page_is_what_the_commands_say():
    assert PAGE.read_text(encoding="utf-8") == page(), f"write it again: {REGENERATE}"


def test_every_command_and_option_is_explained():
    told = page()
    for command in ("index", "search", "modes", "modes show", "plugins", "doctor", "reindex", "eval"):
        assert f"## `retriever {command}`" in told
    assert "None |" not in told and "|  |" not in told
