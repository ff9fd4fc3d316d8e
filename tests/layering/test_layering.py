"""Includes go one way through the modules, and each check finds a planted violation."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import layers

ROOT = Path(__file__).parents[2]


def test_the_tree_keeps_its_layers() -> None:
    assert [str(violation) for violation in layers.check(ROOT)] == []


def test_the_table_has_no_cycle() -> None:
    done: set[str] = set()
    while len(done) < len(layers.MAY_INCLUDE):
        ready = {name for name, below in layers.MAY_INCLUDE.items() if below <= done} - done
        assert ready, f"a cycle among {sorted(set(layers.MAY_INCLUDE) - done)}"
        done |= ready


def test_the_page_for_people_says_the_same() -> None:
    page = (ROOT / "docs" / "implementation.md").read_text()
    rows = re.findall(r"^\| `src/(\w+)/` \|[^|]*\| ([^|]*) \|", page, re.MULTILINE)
    table = {name: set(re.findall(r"`(\w+)`", below)) for name, below in rows}
    assert table == layers.MAY_INCLUDE


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("src/base/x.cc", '#include "data/schema.h"'),
        ("src/plan/x.h", '#include "sql/engine.h"'),
        ("src/schedule/x.cc", '  #  include "runner/runner.h"'),
        ("src/exchange/x.cc", '#include "duckdb.hpp"'),
        ("src/stage/x.cc", "#include <duckdb/main/connection.hpp>"),
        ("src/optimize/x.cc", '#include "yyjson.h"'),
        ("src/api/x.cc", "#include <Python.h>"),
        ("src/sql/x.cc", "#include <nanobind/nanobind.h>"),
        ("src/extra/x.cc", "#include <vector>"),
        ("include/millpond/x.h", '#include "base/json.h"'),
        ("include/millpond/x.h", "#include <unistd.h>"),
        ("python/bindings/x.cc", '#include "duckdb.hpp"'),
        ("tests/consume/x.cc", '#include "api/session_impl.h"'),
    ],
)
def test_a_planted_violation_is_found(tmp_path: Path, file: str, line: str) -> None:
    for folder in ("include", "src", "python/bindings", "tests/consume"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("build"))
    planted = tmp_path / file
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(f"{line}\n")
    assert [v for v in layers.check(tmp_path) if planted == v.file or planted.parent == v.file]
