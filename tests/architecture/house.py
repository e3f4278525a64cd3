"""The house as text: its floors and the functions in its files, read without running them."""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "postledger"


@cache
def floors() -> dict[str, int]:
    """Name of a package in the house → its height; what shares a floor has the same."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = next(
        contract["layers"]
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    return {
        name.strip(): height for height, layer in enumerate(reversed(layers)) for name in layer.split("|")
    }


@cache
def contexts() -> tuple[str, ...]:
    """The packages that keep tables."""
    return tuple(sorted(path.parent.name for path in SOURCE.glob("*/migrations")))


@dataclass(frozen=True)
class Function:
    """A function at the top of a module."""

    module: str  # "postledger.billing.operations"
    name: str
    node: ast.FunctionDef

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def first_argument(self) -> str | None:
        arguments = [*self.node.args.posonlyargs, *self.node.args.args, *self.node.args.kwonlyargs]
        return arguments[0].arg if arguments else None


@cache
def tree(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def modules(*patterns: str) -> Iterator[tuple[str, Path]]:
    """Dotted name and path of the modules that fit a pattern below src/postledger, migrations left out."""
    for pattern in patterns:
        for path in sorted(SOURCE.glob(pattern)):
            if "migrations" not in path.parts:
                parts = path.relative_to(SOURCE.parent).with_suffix("").parts
                yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def public_functions(*patterns: str) -> Iterator[Function]:
    """The functions without a leading underscore at the top of modules without one."""
    for module, path in modules(*patterns):
        if path.stem.startswith("_") and path.stem != "__init__":
            continue
        for node in tree(path).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield Function(module, node.name, node)
