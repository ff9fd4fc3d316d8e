"""The code on the documentation's pages runs as it stands there, page by page, in an empty folder."""

import contextlib
import io
import re
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SNIPPET = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def snippets(page: Path) -> list[str]:
    return SNIPPET.findall(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", [page for page in PAGES if snippets(page)], ids=lambda page: page.name)
def test_snippets_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILLPOND_DATA_ROOT", str(tmp_path / "root"))
    (tmp_path / "prices").mkdir()
    if page.name == "README.md":
        duckdb.sql("SELECT 'T' || i % 3 AS ticker, i::DOUBLE AS price FROM range(1, 100) r(i)").write_parquet(
            str(tmp_path / "prices" / "a.parquet")
        )
    else:
        (tmp_path / "prices").rmdir()
    code = "".join(snippets(page))
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, str(page), "exec"), {"__name__": "snippet"})
