"""Which claim a name means: conflicts, preferences, blocking, near matches."""

import tomllib
from pathlib import Path

import pytest

from retrieverkit.discovery import EMBEDDINGS, KNOWN_MODES, MODES
from retrieverkit_core.errors import (
    ConfigError,
    ModeConflictError,
    PluginBlockedError,
    PluginContractError,
    UnknownModeError,
)


@pytest.fixture
def two(site):
    site.add("dist-a", "alpha", version="1.0")
    site.add("dist-b", "alpha", version="2.0")
    site.add("dist-c", "gamma")


def rows(discovery):
    return {(row.name, row.distribution): row for row in discovery.rows()}


def test_two_distributions_with_one_mode(two, discovery, monkeypatch):
    with pytest.raises(ModeConflictError) as caught:
        discovery.mode("alpha")
    assert sorted(caught.value.distributions) == ["dist-a 1.0", "dist-b 2.0"]
    for way in ("'dist-", "prefer={'alpha': ", "RETRIEVERKIT_PREFER=alpha=dist-"):
        assert way in caught.value.fix
    assert rows(discovery)["alpha", "dist-a"].status == "conflict"
    assert discovery.mode("gamma").claim.label == "dist-c 1.0"

    assert discovery.mode("alpha", provider="Dist_A").claim.label == "dist-a 1.0"
    assert discovery.mode("alpha", prefer={"alpha": "dist-b"}).claim.label == "dist-b 2.0"
    monkeypatch.setenv("RETRIEVERKIT_PREFER", "gamma=dist-c, alpha=dist-a")
    assert discovery.mode("alpha").claim.label == "dist-a 1.0"
    assert discovery.mode("alpha", prefer={"alpha": "dist-b"}).claim.label == "dist-b 2.0"
    assert discovery.mode("alpha", provider="dist-b", prefer={"alpha": "dist-a"}).claim.label == "dist-b 2.0"
    assert rows(discovery)["alpha", "dist-a"].note == "chosen by RETRIEVERKIT_PREFER"
    assert rows(discovery)["alpha", "dist-b"].note == "only as dist-b:alpha"


def test_blocking_one_of_two_leaves_the_other(two, discovery, monkeypatch):
    monkeypatch.setenv("RETRIEVERKIT_BLOCK", "DIST_A")
    assert discovery.mode("alpha").claim.label == "dist-b 2.0"
    with pytest.raises(PluginBlockedError, match="dist-a 1.0 is switched off: RETRIEVERKIT_BLOCK names dist-a"):
        discovery.mode("alpha", provider="dist-a")
    assert [rows(discovery)["alpha", name].status for name in ("dist-a", "dist-b")] == ["blocked", "loaded"]


def test_blocking_a_mode(two, discovery, monkeypatch):
    monkeypatch.setenv("RETRIEVERKIT_BLOCK", "mode:gamma")
    with pytest.raises(PluginBlockedError, match="mode:gamma"):
        discovery.mode("gamma")
    assert rows(discovery)["gamma", "dist-c"].status == "blocked"
    monkeypatch.delenv("RETRIEVERKIT_BLOCK")
    assert discovery.mode("gamma").spec.name == "gamma"


@pytest.mark.parametrize(("only", "allowed"), [("", []), ("dist-c", ["gamma"]), ("dist-a,dist-c", ["alpha", "gamma"])])
def test_only_the_named_distributions(two, discovery, monkeypatch, only, allowed):
    monkeypatch.setenv("RETRIEVERKIT_PLUGINS", only)
    for mode in ("alpha", "gamma"):
        if mode in allowed:
            assert discovery.mode(mode).spec.name == mode
        else:
            with pytest.raises(PluginBlockedError, match="RETRIEVERKIT_PLUGINS does not name it"):
                discovery.mode(mode)


@pytest.mark.parametrize(
    ("variable", "written"),
    [("PREFER", "alpha"), ("PREFER", "Al pha=x"), ("BLOCK", "kind:x"), ("BLOCK", "mode:"), ("PLUGINS", "a b")],
)
def test_a_variable_that_cannot_be_read_is_named(two, discovery, monkeypatch, variable, written):
    monkeypatch.setenv(f"RETRIEVERKIT_{variable}", written)
    with pytest.raises(ConfigError, match=f"RETRIEVERKIT_{variable}"):
        discovery.mode("gamma")


def test_a_preference_for_what_is_not_installed_is_no_licence_for_another(two, discovery, monkeypatch):
    with pytest.raises(UnknownModeError, match="prefer asks for a distribution that does not provide it"):
        discovery.mode("gamma", prefer={"gamma": "dist-d"})
    monkeypatch.setenv("RETRIEVERKIT_PREFER", "gamma=dist-d")
    with pytest.raises(UnknownModeError, match="RETRIEVERKIT_PREFER"):
        discovery.mode("gamma")
    with pytest.raises(UnknownModeError, match="did you mean 'dist-c:gamma'"):
        discovery.mode("gamma", provider="dist-cc")


def test_an_unknown_mode(two, discovery, monkeypatch):
    monkeypatch.setitem(KNOWN_MODES, "shipped_apart", "retrieverkit-apart")
    with pytest.raises(UnknownModeError, match="did you mean 'gamma'"):
        discovery.mode("gama")
    with pytest.raises(UnknownModeError, match="pip install retrieverkit-apart"):
        discovery.mode("shipped-apart")
    with pytest.raises(UnknownModeError, match="'shipped_apart' looks like it and is not installed"):
        discovery.mode("shiped_apart")
    with pytest.raises(UnknownModeError) as caught:
        discovery.mode("x\0" * 500_000)
    assert len(str(caught.value)) < 2_000


def test_the_other_groups_have_names_of_their_own(two, site, discovery):
    site.add("dist-e", "sentence-transformers", "plugin = object", group=EMBEDDINGS)
    assert discovery.load(EMBEDDINGS, "sentence-transformers") is object
    with pytest.raises(ConfigError, match="embedding 'sentence-transformer'.*\n.*did you mean 'sentence-transformers'"):
        discovery.load(EMBEDDINGS, "sentence-transformer")
    site.add("dist-f", "sentence-transformers", "plugin = object", group=EMBEDDINGS)
    discovery.refresh()
    with pytest.raises(ConfigError, match=r"claimed by dist-. 1\.0 and by dist-. 1\.0"):
        discovery.load(EMBEDDINGS, "sentence-transformers")
    assert discovery.load(EMBEDDINGS, "sentence-transformers", "dist-e") is object


def test_one_distribution_that_claims_a_mode_twice(site, discovery):
    site.add("dist-a", "alpha")
    info = site.folder / "dist_a-1.0.dist-info" / "entry_points.txt"
    info.write_text("[retrieverkit.modes]\nalpha = one:plugin\nalpha = two:plugin\n")
    with pytest.raises(PluginContractError, match="declared twice: one:plugin and two:plugin"):
        discovery.mode("alpha")


def test_a_damaged_distribution_hides_no_other(two, site, discovery):
    broken = site.add_metadata("dist-d", "")
    (broken / "entry_points.txt").write_bytes(b"\xff\xfe[retrieverkit.modes]")
    nameless = site.add_metadata("dist-e", "[retrieverkit.modes]\nepsilon = nowhere:plugin\n")
    (nameless / "METADATA").write_bytes(b"\xff\xff")
    site.add_metadata("dist-f", "[retrieverkit.modes]\nBad Name = nowhere:plugin\nno equals sign\n")
    site.add_metadata("dist-g", "[retrieverkit.modes]\nBad Name = nowhere:plugin\n")
    found = rows(discovery)
    assert found["gamma", "dist-c"].status == "available"
    assert found["epsilon", "dist_e"].status == "available"
    assert found["Bad Name", "dist-g"].status == "invalid"
    assert "dist_d" in dict(discovery.catalog.unreadable)
    with pytest.raises(UnknownModeError):
        discovery.mode("Bad Name")


def test_a_shadowed_distribution_claims_nothing(site, discovery, tmp_path, monkeypatch):
    site.add("dist-a", "alpha", version="1.0")
    newer = tmp_path / "newer"
    newer.mkdir()
    monkeypatch.syspath_prepend(str(newer))
    type(site)(newer).add_metadata("Dist.A", "", version="2.0")
    with pytest.raises(UnknownModeError):
        discovery.mode("alpha")


def test_refresh_sees_what_was_installed_meanwhile(two, site, discovery):
    with pytest.raises(UnknownModeError):
        discovery.mode("delta")
    site.add("dist-d", "delta")
    with pytest.raises(UnknownModeError):
        discovery.mode("delta")
    discovery.refresh()
    assert discovery.mode("delta").spec.name == "delta"


def test_known_modes_are_those_of_the_plugins_and_no_name_that_anybody_could_register():
    assert list(KNOWN_MODES) == sorted(KNOWN_MODES)
    shipped = {}
    for file in (Path(__file__).parents[3] / "plugins").glob("*/pyproject.toml"):
        project = tomllib.loads(file.read_text())["project"]
        shipped |= dict.fromkeys(project.get("entry-points", {}).get(MODES, {}), project["name"])
    assert shipped == KNOWN_MODES


@pytest.mark.parametrize(("name", "ours"), [("embedding", "vector"), ("default", "hybrid"), ("sparse", "bm25")])
def test_what_others_call_a_mode(discovery, name, ours):
    with pytest.raises(UnknownModeError, match=f"it is called '{ours}' here"):
        discovery.mode(name)
