"""No file that comes from outside is ever run: by pickle, by YAML's tags, or as Python."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted([*ROOT.glob("twind/**/*.py"), *ROOT.glob("plugins/**/*.py")])

UNSAFE_MODULES = {
    *("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml"),
    # What its processes send each other is pickled. Nobody else writes to their pipes, but twind's
    # own speak JSON.
    "multiprocessing",
    "concurrent.futures.process",
}
UNSAFE_NAMES = {"eval", "exec", "compile", "__import__"}
UNSAFE_CALLS = {
    *("torch.load", "torch.jit.load", "numpy.load", "np.load", "pd.read_pickle", "os.system"),
    *("DataFrame.to_pickle", "pandas.read_pickle", "PPO.load", "importlib.reload"),
}
ALLOWED: dict[str, str] = {}
""""twind/…py: what": why it is safe. There is none, and each new one needs a reason."""


def used(tree: ast.AST):
    """Yield what of the unsafe a module uses."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (one.name for one in names if one.name in UNSAFE_MODULES)
            case ast.ImportFrom(module=str(module)):
                if module in UNSAFE_MODULES or module.partition(".")[0] in UNSAFE_MODULES:
                    yield module
            case ast.Call(func=ast.Name(id=name)) if name in UNSAFE_NAMES:
                yield name
            case ast.Call(func=ast.Attribute() as called) if ast.unparse(called) in UNSAFE_CALLS:
                yield ast.unparse(called)
            case ast.keyword(arg="allow_pickle" | "shell"):
                yield node.arg


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pickle", ["pickle"]),
        ("from yaml import load", ["yaml"]),
        ("from multiprocessing.connection import Client", ["multiprocessing.connection"]),
        ("eval(text)", ["eval"]),
        ("policy.eval()", []),
        ("re.compile('a')", []),
        ("torch.load(path)", ["torch.load"]),
        ("np.load(path, allow_pickle=True)", ["np.load", "allow_pickle"]),
        ("subprocess.run(line, shell=True)", ["shell"]),
    ],
)
def test_what_is_looked_for_is_found(source, found):
    assert sorted(used(ast.parse(source))) == sorted(found)


def test_nothing_from_outside_is_unpickled_or_run():
    assert FILES
    found = {
        f"{path.relative_to(ROOT)}: {what}"
        for path in FILES
        for what in used(ast.parse(path.read_text()))
    }
    assert found == set(ALLOWED)
