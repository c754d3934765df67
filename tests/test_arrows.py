"""Who may import whom: plugins -> core <- registry, and nothing that is not declared."""

import ast
import sys
from importlib.metadata import packages_distributions

import pytest
from workspace import PACKAGES, Package, normalise

PROVIDERS = {
    module: {normalise(name) for name in names} for module, names in packages_distributions().items()
}
OWNERS = {package.module: package for package in PACKAGES}
MAY_IMPORT = {
    "core": set(),
    "registry": {"core"},
    "plugins": {"core"},
    "contrib": {"core", "registry", "plugins", "contrib"},
}


def imports(package: Package):
    """Yield (top-level module, place, when it runs: "load", "call" or, for type checkers, "never")."""
    for file, tree in package.sources.items():
        stack = [(node, "load") for node in tree.body]
        while stack:
            node, when = stack.pop()
            place = f"{file.relative_to(package.folder)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.name.partition(".")[0], place, when
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield node.module.partition(".")[0], place, when
            stack += [(child, later(node, when)) for child in ast.iter_child_nodes(node)]


def later(node: ast.AST, when: str) -> str:
    """Tell when the imports inside a block run, given when the block itself does."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
        return "never"
    optional = isinstance(node, ast.Try) and any("ImportError" in ast.dump(h) for h in node.handlers)
    if when == "load" and (optional or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
        return "call"
    return when


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_every_import_is_declared(package):
    undeclared = []
    for module, where, when in imports(package):
        if module in sys.stdlib_module_names or module == package.module or when == "never":
            continue
        allowed = package.dependencies | (package.optional if when == "call" else set())
        providers = PROVIDERS.get(module, {normalise(module)})
        if not providers & allowed:
            undeclared.append(f"{where} imports {module}, which comes from {' or '.join(sorted(providers))}")
    assert undeclared == []


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_imports_follow_the_arrow(package):
    against = [
        f"{where} imports {module}"
        for module, where, _ in imports(package)
        if module in OWNERS
        and module != package.module
        and OWNERS[module].kind not in MAY_IMPORT[package.kind]
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
