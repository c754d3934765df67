"""The notebooks that people come from: each has a page, and a config that gives what the page shows.

The pages themselves are run by test_docs.py: their commands in an environment of just the packages that they install.
"""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import docs_environment
import docs_runner
import pytest
from docs_pages import DOCS, EXAMPLES, Page

from retrieverkit.discovery import KNOWN_MODES
from retrieverkit_core import RetrieverSpec

CONTENTS = Page(DOCS / "how-to" / "coming-from-a-notebook.md")
ROW = re.compile(
    r"^\| (?P<notebook>[^|]+) \| \[(?P<title>[^]]+)\]\((?P<page>[\w-]+\.md)\) \| `(?P<mode>.+)` \|$", re.MULTILINE
)
ASKED = re.compile(r"""--mode (?:"([^"]+)"|([\w]+))""")
HYBRID = {"bm25", "fusion", "vector"}


@dataclass(frozen=True)
class Scenario:
    """A row of the table."""

    notebook: str
    title: str
    page: Page
    mode: str

    def __str__(self) -> str:
        return self.notebook

    @property
    def commands(self) -> list[tuple[str, str]]:
        """Each command of the page with what is shown for it."""
        blocks = [block for block in self.page.blocks if block.language == "console"]
        return [pair for block in blocks for pair in docs_runner.commands(block)]

    @property
    def extras(self) -> set[str]:
        """The parts of RetrieverKit that the page installs, by their short names."""
        named = set(re.findall(r"[a-z0-9-]+", self.commands[0][0].partition("[")[2].partition("]")[0]))
        return named - {"hybrid"} | (HYBRID if "hybrid" in named else set())

    @property
    def configs(self) -> list[Path]:
        """The files of the page that describe retrievers."""
        files = [EXAMPLES / block.file for block in self.page.blocks if block.file.endswith(".toml")]
        return [file for file in files if file.name != "pyproject.toml"]


SCENARIOS = [
    Scenario(row["notebook"], row["title"], Page(CONTENTS.path.parent / row["page"]), row["mode"])
    for row in ROW.finditer(CONTENTS.text)
]


def sketches(sketch: RetrieverSpec, spec: RetrieverSpec) -> bool:
    """Tell whether a mode string is a config's, but for options that it leaves out."""
    return (
        sketch.mode == spec.mode
        and sketch.options.items() <= spec.options.items()
        and len(sketch.retrievers) == len(spec.retrievers)
        and all(map(sketches, sketch.retrievers, spec.retrievers))
    )


each = pytest.mark.parametrize("scenario", SCENARIOS, ids=str)


@each
def test_a_scenario_has_a_page_that_begins_with_its_mode_string_and_ends_in_python(scenario):
    assert scenario.page.headings[0][1] == scenario.title
    written = RetrieverSpec.parse(scenario.mode)
    assert any(sketches(written, RetrieverSpec.load(config)) for config in scenario.configs)
    installed, *others = [command for command, _ in scenario.commands]
    assert installed.startswith('pip install "retrieverkit[')
    shown = [command for command, output in scenario.commands if "--config" in command and output.strip()]
    assert shown, "no command shows what a config prints"
    assert all(command.startswith("retriever ") for command in others)
    languages = [block.language for block in scenario.page.blocks]
    assert languages.index("toml") < languages.index("python"), "the config comes before the Python"
    assert all(name in "\n".join(others) for name in (config.name for config in scenario.configs))


def test_every_scenario_has_its_row():
    assert len({scenario.notebook for scenario in SCENARIOS}) == len(SCENARIOS) == 16


def modes_of(spec: RetrieverSpec) -> set[str]:
    """Return the modes that a config names, at any depth."""
    return {spec.mode}.union(*map(modes_of, spec.retrievers))


@each
def test_a_page_installs_what_its_configs_name_and_hardly_more(scenario):
    """No client of a model is there: what a model answers comes from a cassette."""
    asked = [found[1] or found[2] for command, _ in scenario.commands for found in ASKED.finditer(command)]
    specs = [*map(RetrieverSpec.load, scenario.configs), *map(RetrieverSpec.parse, asked)]
    modes = set().union(*map(modes_of, specs))
    needed = {KNOWN_MODES[mode].removeprefix("retrieverkit-") for mode in modes & set(KNOWN_MODES)}
    needed |= HYBRID if "hybrid" in modes else set()
    assert needed <= scenario.extras
    assert scenario.extras - needed <= {"vector", "adapt"}, "the embedding lsa, and what learns an adapter"


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The commands of an environment of the registry alone."""
    return docs_environment.make(["retrieverkit"], tmp_path_factory.mktemp("alone"), Path())


def test_a_config_says_which_package_its_mode_lacks(alone, tmp_path):
    """In an environment without plugins each config is refused, with a package of its page to install."""
    configs = {
        str(config): scenario
        for scenario in SCENARIOS
        for config in scenario.configs
        if RetrieverSpec.load(config).mode in KNOWN_MODES
    }
    program = (
        "import json, sys\n"
        "from retrieverkit import Document, Index, RetrieverSpec\n"
        "from retrieverkit_core.errors import UnknownModeError\n"
        "index, fixes = Index.from_documents([Document('x')]), {}\n"
        "for config in sys.argv[1:]:\n"
        "    try:\n"
        "        index.as_retriever(RetrieverSpec.load(config))\n"
        "    except UnknownModeError as error:\n"
        "        fixes[config] = error.fix\n"
        "print(json.dumps(fixes))\n"
    )
    environment = {**docs_runner.environment(tmp_path), "PYTHONPATH": ""}
    command = [str(alone / "python"), "-c", program, *configs]
    fixes = json.loads(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert set(fixes) == set(configs)
    for config, fix in fixes.items():
        assert re.search(r"pip install retrieverkit-([a-z0-9-]+)", fix)[1] in configs[config].extras, config
