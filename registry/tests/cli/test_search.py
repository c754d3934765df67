"""``retriever search`` on real files."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

COMMAND = [sys.executable, "-m", "retrieverkit.cli"]

pytestmark = pytest.mark.searches


def hits(done):
    return [hit["ref_doc_id"] for hit in json.loads(done.stdout)["hits"]]


def test_a_folder_is_searched_and_each_hit_tells_where_it_is_from_and_why(retriever, notes):
    done = retriever("search", "ranking by fusion", notes)
    header, note, *rest = done.stdout.splitlines()
    assert header.startswith("1 hit · ")
    assert note.startswith("mode: ")
    assert any(line.split() == ["1", "notes/fusion.md:3", "Fusion"] for line in rest)
    assert any("bm25 #1 (" in line and "  relative 1.00" in line for line in rest)
    assert any("Reciprocal rank fusion adds up ranks, not scores." in line for line in rest)
    assert "\x1b" not in done.stdout + done.stderr


def test_the_command_as_a_process(process, notes):
    done = process("search", "ranking by fusion", "notes", "--json")
    (hit,) = json.loads(done.stdout)["hits"]
    assert (hit["ref_doc_id"], hit["label"]) == ("notes/fusion.md", "notes/fusion.md")
    assert hit["path"] == str(notes.resolve() / "fusion.md")


def test_lines_that_match_are_shown_in_place_of_a_passage(retriever, tmp_path):
    pytest.importorskip("retrieverkit_keyword")
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.txt").write_text(
        "start\n" + "filler of a line\n" * 40 + "  pump 17 \x1b[31m fails\n" + "pump 3 fails\n" * 9
    )
    done = retriever("search", r"pump \d+", folder, "--mode", "grep(regex=true)")
    told = [line.strip() for line in done.stdout.splitlines()]
    assert told[told.index("42: pump 17 \\x1b[31m fails") :][1:5] == [f"{n}: pump 3 fails" for n in range(43, 47)]
    assert "filler" not in done.stdout


def test_rows_of_a_table_are_named_by_file_row_and_id(retriever, notes):
    done = retriever("search", "landing", notes, "--mode", "bm25")
    assert "notes/moon.jsonl, row 1, id m1" in done.stdout
    assert "    bm25 #1 (" in done.stdout and "relative" not in done.stdout
    (hit,) = json.loads(retriever("search", "landing", notes, "--mode", "bm25", "--json").stdout)["hits"]
    assert (hit["path"], hit["label"]) == (str(notes.resolve() / "moon.jsonl"), "notes/moon.jsonl")


def test_the_title_of_a_row_is_shown_above_its_passage_and_a_heading_is_not_repeated(retriever, tmp_path):
    folder = tmp_path / "cures"
    folder.mkdir()
    record = {"id": "a", "title": "Icing of\n inlets \x1b[31m", "text": "Heating cures it."}
    (folder / "rows.jsonl").write_text(json.dumps(record))
    (folder / "page.md").write_text("# Icing of wings\n\nSpraying cures it.")
    (folder / "plain.txt").write_text("Waiting cures it.")
    lines = retriever("search", "cures", folder, "--mode", "bm25").stdout.splitlines()
    at = lines.index("    Heating cures it.")
    assert lines[at - 1] == "    Icing of inlets \\x1b[31m" and "bm25 #" in lines[at - 2]
    place, page = [line for line in lines if "Icing of wings" in line]
    assert place.endswith("page.md:3  Icing of wings") and lines[lines.index(page) + 1] == "    Spraying cures it."
    assert page == "    # Icing of wings"
    assert not any(line.strip() == "plain.txt" for line in lines)


def test_files_are_named_from_the_current_folder_and_two_never_share_a_name(retriever, tmp_path, monkeypatch):
    for folder in ("a/docs", "b/docs"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "x.md").write_text("coolant")
    retriever("index", "a/docs", "b/docs", "--index", "ix")

    def named(*arguments):
        done = retriever("search", "coolant", "--mode", "bm25", *arguments)
        return sorted(line.split()[1].removesuffix(":1") for line in done.stdout.splitlines() if line.endswith(".md:1"))

    assert named("a/docs", "b/docs") == named("--index", "ix") == ["a/docs/x.md", "b/docs/x.md"]
    monkeypatch.chdir(tmp_path / "a" / "docs")
    assert named(".") == ["x.md"]
    assert named("--index", tmp_path / "ix") == sorted(["x.md", f"{tmp_path.resolve()}/b/docs/x.md"])
    assert sorted(hits(retriever("search", "coolant", "--index", tmp_path / "ix", "--json"))) == [
        "a/docs/x.md",
        "b/docs/x.md",
    ]


def test_the_second_search_reads_only_what_changed(retriever, notes):
    assert "3 files read, 0 unchanged" in retriever("search", "moon", notes).stderr
    assert "nothing changed (0 files read, 3 unchanged)" in retriever("search", "moon", notes).stderr
    (notes / "fusion.md").write_text("All about the moon.\n")
    (notes / "deep" / "bread.txt").unlink()
    done = retriever("search", "moon", notes, "--json")
    assert "1 document changed, 1 document removed (1 file read, 1 unchanged)" in done.stderr
    assert sorted(hits(done)) == sorted(["notes/fusion.md", "m1", "m2"])


def test_what_is_kept_of_searched_files_is_for_the_user_alone(retriever, notes, environment):
    old = os.umask(0)
    try:
        retriever("search", "moon", notes)
    finally:
        os.umask(old)
    kept = os.path.join(environment["XDG_CACHE_HOME"], "retrieverkit", "searched")
    folders = [kept, *(entry.path for entry in os.scandir(kept) if entry.is_dir())]
    assert len(folders) == 2
    assert all(stat.S_IMODE(os.stat(folder).st_mode) == 0o700 for folder in folders)


def test_spelling_and_order_of_the_paths_make_no_difference(retriever, notes, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "sun.txt").write_text("the sun")
    retriever("search", "sun", "notes", "more")
    again = retriever("search", "sun", "more/../more", notes.resolve(), "more")
    assert "0 files read" in again.stderr


def test_two_searches_of_a_new_folder_at_once_are_both_right(notes, environment):
    command = [*COMMAND, "search", "moon", str(notes), "--json"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) for _ in "ab"]
    told = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    found = [[hit["ref_doc_id"] for hit in json.loads(out)["hits"]] for out, _ in told]
    assert sorted(found[0]) == ["m1", "m2"] and found[0] == found[1]
    assert sum(b"3 files read" in err for _, err in told) == 1


def test_a_search_waits_for_another_one_that_reads_the_same_files(retriever, notes, environment):
    retriever("search", "moon", notes)
    kept = Path(environment["XDG_CACHE_HOME"], "retrieverkit", "searched")
    (lock,) = kept.glob("*.lock")
    with FileLock(lock):
        command = [*COMMAND, "search", "moon", str(notes)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        assert process.stderr.readline().startswith(b"waiting for another search")
    out, err = process.communicate()
    assert process.returncode == 0 and out.startswith(b"2 hits"), err


def test_a_damaged_cache_is_read_again(retriever, notes, environment):
    before = hits(retriever("search", "moon", notes, "--json"))
    kept = os.path.join(environment["XDG_CACHE_HOME"], "retrieverkit", "searched")
    (corpus,) = (os.path.join(e.path, "corpus.sqlite") for e in os.scandir(kept) if e.is_dir())
    with open(corpus, "r+b") as file:
        file.write(b"not a database at all")
    done = retriever("search", "moon", notes, "--json")
    assert hits(done) == before
    assert "read again" in done.stderr


def test_an_index_is_searched_with_mode_config_filter_scope_and_top_k(retriever, notes, tmp_path):
    retriever("index", notes, "--index", "ix")
    assert sorted(hits(retriever("search", "moon", "--index", "ix", "--json"))) == ["m1", "m2"]
    assert len(hits(retriever("search", "moon", "--index", "ix", "--json", "--mode", "bm25(top_k=1)"))) == 1
    (tmp_path / "one.toml").write_text('mode = "bm25"\ntop_k = 1\n')
    assert len(hits(retriever("search", "moon", "--index", "ix", "--json", "--config", "one.toml"))) == 1
    assert len(hits(retriever("search", "moon", "--index", "ix", "--json", "--top-k", 1))) == 1
    filtered = retriever("search", "moon", "--index", "ix", "--json", "--filter", "year >= 1960")
    assert hits(filtered) == ["m1"]
    assert hits(retriever("search", "moon", "--index", "ix", "--json", "--scope", "year < 1960")) == ["m2"]
    both = retriever("search", "moon", "--index", "ix", "--json", "--scope", "year < 1960", "--filter", "year > 1960")
    assert hits(both) == []
    later = '{"key": "year", "operator": ">=", "value": 1960}'
    assert hits(retriever("search", "moon", "--index", "ix", "--json", "--filter", later)) == ["m1"]
    neither = f'{{"filters": [{later}], "condition": "not"}}'
    assert hits(retriever("search", "moon", "--index", "ix", "--json", "--scope", neither)) == ["m2"]
    assert hits(retriever("search", "moon", "--index", "ix", "--json", "--filter", ' {"title": "no such"}')) == []


@pytest.mark.parametrize("top_k", ["0", "1000000000", "99999999999999999999999999"])
def test_any_number_of_hits_may_be_asked_for(retriever, notes, top_k):
    done = retriever("search", "moon", notes, "--top-k", top_k)
    assert done.stdout.startswith("nothing found" if top_k == "0" else "2 hits")


@pytest.mark.parametrize("mode", [(), ("--mode", "bm25"), ("--mode", "hybrid(top_k=2)")])
def test_a_misspelt_word_is_replaced_and_that_is_said(retriever, notes, mode):
    done = retriever("search", "recipprocal", notes, *mode)
    assert done.stdout.splitlines()[0].startswith("1 hit")
    assert "'reciproc' was searched for in its place" in done.stdout.splitlines()[1]
    found = json.loads(retriever("search", "recipprocal", notes, "--no-typos", "--json", *mode).stdout)
    assert found["hits"] == []
    assert (
        json.loads(retriever("search", "recipprocal", notes, "--json", "--mode", "bm25(typos=false)").stdout)["hits"]
        == []
    )


def test_nothing_found_is_no_error(retriever, notes):
    assert retriever("search", "zebra", notes).stdout.startswith("nothing found · ")
    assert retriever("search", " ", notes).stdout.startswith("nothing found · ")


def test_the_query_comes_from_stdin_or_behind_a_double_dash(retriever, notes):
    assert retriever("search", "-", notes, stdin=b"moon\n").stdout.startswith("2 hits")
    assert retriever("search", "--", "-moon", notes).stdout.startswith("2 hits")
    assert "behind '--'" in retriever("search", "-zebra", notes, code=2).stderr
    assert "not UTF-8 at byte 0" in retriever("search", "-", notes, stdin=b"\xff", code=1).stderr


def test_a_very_long_query_is_answered(retriever, notes):
    assert retriever("search", "-", notes, stdin=b"moon " * 200_000).stdout.startswith("2 hits")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("notes", "--index", "ix"), 2, "do not go together"),
        (("notes", "--mode", "bm25", "--config", "c.toml"), 2, "do not go together"),
        (("notes", "--top-k", "many"), 2, "--top-k"),
        (("notes", "--top-k", "-1"), 1, "top_k is -1"),
        (("notes", "--timeout", "nan"), 1, "positive number of seconds"),
        (("notes", "--timeout", "inf"), 1, "positive number of seconds"),
        (("notes", "--timeout", "0"), 1, "positive number of seconds"),
        (("nowhere",), 1, "stands in quotes"),
        (("--index", "nowhere"), 1, "there is no index"),
        (("--index", "notes"), 1, "there is no index"),
        (("notes", "--mode", "bm52"), 1, "did you mean 'bm25'?"),
        (("notes", "--mode", "bm25(top=3)"), 1, "did you mean 'top_k'?"),
        (("notes", "--mode", "bm25(top_k='3')"), 1, "top_k"),
        (("notes", "--mode", "bm25(("), 1, "column 6"),
        (("notes", "--filter", "yaer > 1960"), 1, "did you mean 'year'?"),
        (("notes", "--filter", "year > 2024-02-01"), 1, "fix: write '2024-02-01'"),
        (("notes", "--filter", "contains(path, 'md')"), 1, "fix: write text_match(path, 'md')"),
        (("notes", "--filter", "year >"), 1, "fix: a filter looks like"),
        (("notes", "--filter", "year > 'x'"), 1, "year"),
        (("notes", "--scope", "year >"), 1, "fix: a filter looks like"),
        (("notes", "--filter", '{"key": "year", "operator": "=>", "value": 1}'), 1, "did you mean '>='?"),
        (("notes", "--filter", '{"yaer": 1969}'), 1, "did you mean 'year'?"),
        (("notes", "--filter", '{"year": 1969, "year": 1950}'), 1, "'year' stands twice"),
        (("notes", "--filter", '{"year": NaN}'), 1, "NaN is not JSON"),
        (("notes", "--filter", '{"year": 1969'), 1, "is not JSON"),
        (("notes", "--filter", '{"a":' * 20_000), 1, "nested too deeply"),
        (("notes", "--filter", f'{{"a": {"9" * 5_000}}}'), 1, "cannot be read"),
        (("notes", "--scope", "{}"), 1, "fix: write true to match every node"),
        (("notes", "--config", "nowhere.toml"), 1, "fix: check the path"),
        (("notes", "--config", "folder.toml"), 1, "not a regular file"),
        (("notes", "--config", "notes/fusion.md"), 1, "unknown kind of config file"),
    ],
)
def test_what_is_wrong_is_said_with_a_fix(retriever, notes, tmp_path, arguments, code, told):
    (tmp_path / "folder.toml").mkdir()
    done = retriever("search", "moon", *arguments, code=code)
    assert told in done.stderr
    assert done.stderr.count("error: ") == 1
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [(b"\xff", b"notes"), (b"moon", b"notes", b"--filter", b"year == '\xff'")])
def test_arguments_that_are_no_utf8_are_refused(notes, environment, tmp_path, arguments):
    command = [*COMMAND, b"search", *arguments]
    done = subprocess.run(command, capture_output=True, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert b"error: " in done.stderr and b"Traceback" not in done.stderr


def test_a_file_that_cannot_be_read_is_named_and_the_answer_is_partial(retriever, notes):
    (notes / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing else")
    for _ in range(2):
        done = retriever("search", "moon", notes, code=3)
        assert done.stdout.startswith("2 hits")
        assert "not read: " in done.stderr and "broken.pdf" in done.stderr


def test_files_of_kinds_that_nobody_reads_are_left_out_and_counted(retriever, notes):
    for number in range(20):
        (notes / f"{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    done = retriever("search", "moon", notes)
    assert "20 of other kinds left out: .png 20" in done.stderr
    done = retriever("index", notes, "--index", "kept.rk")
    assert "20 of other kinds left out: .png 20" in done.stdout and "not read" not in done.stderr
    retriever("index", notes, "--index", "kept.rk", "--strict", code=3)
    done = retriever("search", "moon", notes / "3.png", code=3)
    assert ".png files are not supported" in done.stderr, "what is named is wanted"


def test_which_files_are_read_can_be_said(retriever, notes):
    (notes / "b.log").write_text("the moon in a log")
    (notes / ".h.txt").write_text("a hidden moon")
    (notes / "c.txt").write_bytes("der Mond über the moon".encode("cp1252"))
    assert "b.log" not in retriever("search", "moon", notes, "--exclude", "*.log", code=3).stdout
    assert "b.log" in retriever("search", "moon", notes, "--glob", "*.log").stdout
    assert ".h.txt" in retriever("search", "moon", notes, "--hidden", "--encoding", "cp1252").stdout
    (notes / ".gitignore").write_text("*.txt")
    assert "c.txt" not in retriever("search", "moon", notes).stdout
    assert "c.txt" in retriever("search", "moon", notes, "--no-ignore", "--encoding", "cp1252").stdout
    assert "not an encoding" in retriever("search", "moon", notes, "--encoding", "base64", code=2).stderr
    retriever("index", notes, "--index", "kept.rk")
    assert "do not go together" in retriever("search", "x", "--index", "kept.rk", "--glob", "*.md", code=2).stderr


def test_nothing_in_a_document_reaches_the_terminal_as_a_command(retriever, tmp_path):
    evil = "moon \x1b[31mred \x1b]0;title\x07 \x9b31m \u202eright to left [bold]kept[/bold]\r\x08\x7f"
    (tmp_path / "evil.jsonl").write_text(json.dumps({"_id": f"i{evil}", "text": evil}) + "\n")
    out = retriever("search", "moon", "evil.jsonl").stdout
    assert out.startswith("1 hit")
    assert "[bold]kept[/bold]" in out
    assert all(character == "\n" or character.isprintable() for character in out)
    assert json.loads(retriever("search", "moon", "evil.jsonl", "--json").stdout)["hits"][0]["text"] == evil


def test_a_closed_pipe_is_no_error(notes, environment):
    for unbuffered in ({}, {"PYTHONUNBUFFERED": "1"}):
        reading, writing = os.pipe()
        os.close(reading)
        command = [*COMMAND, "search", "moon", str(notes)]
        done = subprocess.run(
            command, stdout=writing, stderr=subprocess.PIPE, env={**environment, **unbuffered}, check=False
        )
        os.close(writing)
        assert done.returncode == 141
        assert set(done.stderr.decode().splitlines()[1:]) == set()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_full_disk_behind_stdout_is_told(notes, environment):
    with open("/dev/full", "wb") as full:
        command = [*COMMAND, "search", "moon", str(notes)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment, check=False)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1] == "error: No space left on device"


def test_output_streams_may_be_closed_or_know_ascii_alone(retriever, notes, environment):
    notes.joinpath("fusion.md").write_text("naïve fusion of 检索")
    out = retriever("search", "fusion", notes, PYTHONIOENCODING="ascii").stdout
    assert "na\\xefve fusion" in out
    told = retriever("search", "fusion", notes, "--json", PYTHONIOENCODING="ascii").stdout
    assert json.loads(told)["hits"][0]["text"] == "naïve fusion of 检索"
    command = ["sh", "-c", '"$@" >&-', "sh", *COMMAND, "search", "fusion", str(notes)]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.returncode == 0 and b"Traceback" not in done.stderr


def test_a_cache_that_cannot_be_written_is_told(notes, environment, obey_permissions):
    os.chmod(environment["HOME"], 0o500)
    command = [*COMMAND, "search", "moon", str(notes)]
    done = subprocess.run(command, capture_output=True, env=environment, preexec_fn=obey_permissions, check=False)
    assert done.returncode == 1 and b"retriever index PATH" in done.stderr


def test_what_all_legs_say_is_said_once(retriever, tmp_path):
    (tmp_path / "nothing").mkdir()
    retriever("index", tmp_path / "nothing", "--index", tmp_path / "empty.rk")
    done = retriever("search", "words", "--index", tmp_path / "empty.rk", "--mode", "hybrid")
    assert done.stdout.count("the index holds no documents") == 1
    assert done.stdout.count("embedding: ") == 1


@pytest.mark.needs("retrieverkit_fusion")
def test_a_leg_that_was_not_asked_is_named(retriever, notes):
    told = retriever("search", "moon", notes, "--mode", "fusion(bm25, bm25, bm25, weights=[1, 0, 0])").stdout
    assert "bm25#2: its weight is 0, bm25#3: its weight is 0" in " ".join(told.split())
