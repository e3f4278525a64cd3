"""Functions have the shape that a reader of this house may count on."""

import ast

import pytest

from tests.architecture.house import Function, modules, public_functions, tree

SPOKEN_FOR = ("core/**/*.py", "resources/**/*.py", "connectors/**/*.py", "*/operations.py", "*/queries.py")
DOORS = ("web/**/*.py", "api/**/*.py")
# Asked before anybody is signed in, or about nobody in particular; each with its reason.
WITHOUT_VIEWER = {
    "postledger.accounts.queries.viewer_of": "makes the viewer",
    "postledger.accounts.queries.viewer_of_token": "makes the viewer",
    "postledger.accounts.queries.user_by_email": "signing in",
    "postledger.accounts.operations.note_token_use": "the token has just been proved",
}


@pytest.mark.parametrize("pattern", SPOKEN_FOR)
def test_public_functions_say_what_they_give(pattern):
    assert [
        str(function) for function in public_functions(pattern) if not ast.get_docstring(function.node)
    ] == []


def test_workflows_say_what_they_do():
    silent = [
        str(function)
        for function in public_functions("workflows/*.py")
        if not ast.get_docstring(function.node)
    ]
    assert silent == []


def test_modules_say_what_they_are_for():
    silent = [
        module
        for module, path in modules("**/*.py")
        if path.name != "__init__.py" and not ast.get_docstring(tree(path))
    ]
    assert silent == []


def test_a_workflow_file_has_one_public_function():
    count: dict[str, int] = {}
    for function in public_functions("workflows/*.py"):
        count[function.module] = count.get(function.module, 0) + 1
    assert [module for module, functions in count.items() if functions > 1] == []


@pytest.mark.parametrize("pattern", ["*/operations.py", "workflows/*.py"])
def test_arguments_are_given_by_name(pattern):
    """Two may stand without one, where their order is plain: the viewer, the thing."""
    astray = [str(function) for function in public_functions(pattern) if len(function.node.args.args) > 2]
    assert astray == []


def test_no_float_comes_near_money():
    found = [
        f"{module}:{node.lineno}"
        for module, path in modules("core/**/*.py", "billing/**/*.py", "ledger/**/*.py", "payments/**/*.py")
        for node in ast.walk(tree(path))
        if is_float(node)
    ]
    assert found == []


def is_float(node: ast.AST) -> bool:
    """True for a float constant or conversion, a float column, and an annotation; asking `isinstance` is no use."""
    match node:
        case (
            ast.Constant(value=float())
            | ast.Attribute(attr="FloatField")
            | ast.Call(func=ast.Name(id="float"))
        ):
            return True
        case ast.arg(annotation=said) | ast.AnnAssign(annotation=said) | ast.FunctionDef(returns=said):
            parts = ast.walk(said) if said else ()
            return any(isinstance(part, ast.Name) and part.id == "float" for part in parts)
    return False


@pytest.mark.parametrize(
    "source", ["x: float = 1", "def f(x: list[float]): ...", "def f() -> float: ...", "float('1')", "1.5"]
)
def test_the_search_for_floats_finds(source):
    assert any(is_float(node) for node in ast.walk(ast.parse(source)))


def test_what_a_door_can_reach_takes_the_viewer_first():
    reachable = {
        f"{function.module}.{function.name}": function
        for function in public_functions("*/operations.py", "*/queries.py", "workflows/*.py")
    }
    astray = sorted(
        f"{door} calls {name}"
        for door, name in calls_of_doors()
        if name in reachable and reachable[name].first_argument != "viewer" and name not in WITHOUT_VIEWER
    )
    assert astray == []


def test_the_list_of_exceptions_is_not_longer_than_needed():
    called = {name for _, name in calls_of_doors()}
    assert [name for name in WITHOUT_VIEWER if called and name not in called] == []


def calls_of_doors():
    """(module of a door, full name it uses) for every attribute of a module of the house that a door mentions."""
    for door, path in modules(*DOORS):
        names = {}
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("postledger"):
                for alias in node.names:
                    names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        for name in names.values():
            yield door, name
        for node in ast.walk(tree(path)):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in names
            ):
                yield door, f"{names[node.value.id]}.{node.attr}"


def test_the_reader_of_functions_sees_the_first_argument():
    (node,) = ast.parse("def f(*, viewer, now): ...").body
    assert Function("m", "f", node).first_argument == "viewer"
