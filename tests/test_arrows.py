"""Who may import whom: plugins -> indexing -> contract <- registry, and nothing that is not declared."""

import ast
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest
from workspace import PACKAGES, Package, normalise

PROVIDERS = {"pydantic_ai": {"pydantic-ai-slim"}}  # of an extra that is not installed for development
PROVIDERS |= {module: {normalise(name) for name in names} for module, names in packages_distributions().items()}
OWNERS = {package.module: package for package in PACKAGES}
MAY_IMPORT = {
    "contract": set(),
    "indexing": {"contract"},
    "registry": {"contract", "indexing"},
    "plugins": {"contract", "indexing"},
    "contrib": {"contract", "indexing", "registry", "plugins", "contrib"},
}


def imports(package: Package):
    """Yield (top-level module, place, whether it ever runs) of each import; what is for type checkers does not."""
    for file, tree in package.sources.items():
        stack = [(node, True) for node in tree.body]
        while stack:
            node, runs = stack.pop()
            place = f"{file.relative_to(package.folder)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.name.partition(".")[0], place, runs
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield node.module.partition(".")[0], place, runs
            runs = runs and not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
            stack += [(child, runs) for child in ast.iter_child_nodes(node)]


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_every_import_is_declared(package):
    undeclared = []
    allowed = package.dependencies | package.optional
    for module, where, runs in imports(package):
        if module in sys.stdlib_module_names or module == package.module or not runs:
            continue
        providers = PROVIDERS.get(module, {normalise(module)})
        if not providers & allowed:
            undeclared.append(f"{where} imports {module}, which comes from {' or '.join(sorted(providers))}")
    assert undeclared == []


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_a_package_can_be_imported_without_its_extras(package):
    extras = package.optional - package.dependencies
    missing = {module: None for module, providers in PROVIDERS.items() if providers <= extras}
    program = f"import sys\nsys.modules.update({missing!r})\nimport {package.module}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_imports_follow_the_arrow(package):
    against = [
        f"{where} imports {module}"
        for module, where, _ in imports(package)
        if module in OWNERS and module != package.module and OWNERS[module].kind not in MAY_IMPORT[package.kind]
    ]
    assert against == []


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_dependencies_follow_the_arrow(package):
    owners = {normalise(owner.name): owner for owner in PACKAGES}
    kinds = {owners[name].kind for name in package.dependencies if name in owners}
    assert kinds <= MAY_IMPORT[package.kind]


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_one_import_package_of_its_own_and_no_name_space(package):
    assert [child.name for child in (package.folder / "src").iterdir() if child.name != "__pycache__"] == [
        package.module
    ]
    folders = {file.parent for file in package.sources}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []
