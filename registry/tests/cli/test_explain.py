"""``search --explain``, its report, and ``why-not``."""

import json
import zipfile

import pytest

pytestmark = pytest.mark.searches

MODE = ("--mode", "bm25(top_k=1)")


def searched(retriever, notes, *more, **how):
    return retriever("search", "moon landing", notes, *MODE, *more, **how)


def test_the_tree_is_beneath_the_hits_and_80_columns_wide(retriever, notes):
    done = searched(retriever, notes, "--explain")
    plain = searched(retriever, notes)
    assert done.stdout.splitlines()[3:5] == plain.stdout.splitlines()[3:5]
    tree = done.stdout[done.stdout.index("bm25  1 found") :]
    assert "├── search  1 found" in tree
    assert "next: notes/moon.jsonl#m2" in tree or "next:" in tree
    assert max(map(len, tree.splitlines())) <= 80


def test_json_has_the_explanation(retriever, notes):
    told = json.loads(searched(retriever, notes, "--explain", "--json").stdout)
    [hit] = told["explanation"]["hits"]
    assert (hit["node_id"], hit["score"]["value"]) == (told["hits"][0]["node_id"], told["hits"][0]["score"])
    assert told["explanation"]["stages"]["stages"][0]["name"] == "search"
    assert "explanation" not in json.loads(searched(retriever, notes, "--json").stdout)


def test_a_report_leaves_ids_and_texts_out(retriever, notes, tmp_path):
    done = searched(retriever, notes, "--explain", "--json", "--bundle", "out.zip", "--filter", "year == 1969")
    node_id = json.loads(done.stdout)["hits"][0]["node_id"]
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    assert sorted(files) == ["explanation.json", "settings.json", "timings.json", "versions.json"]
    for word in (node_id, "moon", "landing", "1969", "year", str(tmp_path)):
        assert word not in "".join(files.values())
    assert json.loads(files["settings.json"])["mode"] == "bm25(top_k=1)"
    assert json.loads(files["explanation.json"])["hits"][0]["score"]["value"] > 0
    assert "retrieverkit-core" in json.loads(files["versions.json"])
    assert "bm25/search" in json.loads(files["timings.json"])["stages"]


def test_a_report_has_no_texts_of_options_but_their_choices(retriever, notes, tmp_path):
    inner = "router(bm25(top_k=2), grep, rules=[['moon'], ['landing']])"
    mode = f"""pinned(exclude({inner}, what="year == 1900"), ids=['secret'], when=['moon'])"""
    retriever("search", "moon", notes, "--mode", mode, "--explain", "--bundle", "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        told = json.loads(archive.read("settings.json"))["mode"]
    assert "bm25(top_k=2)" in told
    assert not any(text in told for text in ("moon", "landing", "secret", "year", "1900"))
    choice = "fusion(bm25, grep, method='relative_score')"
    retriever("search", "moon", notes, "--mode", choice, "--explain", "--bundle", "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert "relative_score" in json.loads(archive.read("settings.json"))["mode"]


def test_with_texts_leaves_nothing_out(retriever, notes, tmp_path):
    searched(retriever, notes, "--explain", "--bundle", "out.zip", "--with-texts")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert json.loads(archive.read("settings.json"))["query"] == "moon landing"
        assert json.loads(archive.read("result.json"))["hits"][0]["text"] == "a moon landing"


@pytest.mark.parametrize(
    "wrong",
    [
        ("--bundle", "out.zip"),
        ("--with-texts",),
        ("--explain", "--with-texts"),
        ("--explain", "--plan"),
        ("--explain", "--bundle", "no/such/folder/out.zip"),
    ],
)
def test_what_does_not_go_together_is_said(retriever, notes, wrong):
    assert "fix:" in searched(retriever, notes, *wrong, code=2).stderr


def test_why_not(retriever, notes):
    rows = json.loads(retriever("search", "moon", notes, "--mode", "bm25", "--json").stdout)["hits"]
    ids = {row["metadata"]["year"]: row["node_id"] for row in rows}

    def why(node_id, *more):
        return retriever("why-not", node_id, "moon landing", notes, *MODE, *more).stdout

    assert why(ids[1969]) == "returned: it is hit 1\n"
    assert why(ids[1645]).startswith("cut_by_top_k: rank 2 in bm25, top_k 1; enters at top_k >= 2\n")
    assert why(ids[1645], "--filter", "year > 1900").startswith("filtered: the filters exclude it: year > 1900")
    assert why("nowhere", "--scope", "year > 1900").replace("nowhere", "X") == why(
        ids[1645], "--scope", "year > 1900"
    ).replace(ids[1645], "X")
    told = json.loads(why(ids[1645], "--json"))
    assert (told["code"], told["would"][0]["top_k"]) == ("cut_by_top_k", 2)


def test_a_file_that_has_changed_since_is_said(retriever, notes):
    retriever("index", notes, "--index", "notes.rk")
    asked = ("notes.rk", "--mode", "bm25(top_k=1)")
    rows = json.loads(retriever("search", "moon", "--index", "notes.rk", "--mode", "bm25", "--json").stdout)["hits"]
    node_id = next(row["node_id"] for row in rows if row["metadata"]["year"] == 1645)
    ask = ("why-not", node_id, "moon landing", "--index", *asked)
    assert retriever(*ask).stdout.startswith("cut_by_top_k")
    (notes / "moon.jsonl").write_text('{"_id": "m2", "text": "a moon landing, a moon landing"}\n')
    assert retriever(*ask).stdout.startswith("stale: ")
    assert "has changed since it was read" in retriever(*ask).stdout


def test_why_not_takes_a_line_of_a_file_and_says_what_it_cannot_take(retriever, tmp_path):
    (tmp_path / "long.md").write_text("# Moon\n\n" + "A moon landing of long ago.\n" * 200)
    (tmp_path / "short.md").write_text("Another landing.\n")
    retriever("index", "long.md", "short.md", "-i", "ix")

    def why(named, query="moon landing", **how):
        return retriever("why-not", named, query, "-i", "ix", "-m", "bm25(top_k=9)", **how)

    assert why("short.md").stdout == why("short.md:1").stdout
    assert why("short.md").stdout.startswith("returned: it is hit ")
    assert why("long.md:150").stdout.startswith("returned: it is hit ")
    assert "name a line, such as long.md:1" in why("long.md", code=2).stderr
    assert "write the id first" in why("moon landing", "short.md", code=2).stderr
    assert why("moon landing", "long.md", code=2).stderr.startswith("error: 'moon landing' is not in the index")
    assert why("nothing").stdout.startswith("not_indexed")
