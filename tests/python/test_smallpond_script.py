"""A script written for smallpond runs with its import changed."""

from __future__ import annotations

import runpy
import textwrap
from pathlib import Path

import pytest

SCRIPT = textwrap.dedent(
    """
    import MODULE as smallpond

    sp = smallpond.init(job_name="readme", data_root=DATA_ROOT, num_executors=0)
    df = sp.read_parquet(DATA_ROOT + "/prices.parquet")
    df = df.repartition(3, hash_by="ticker", drop_partition_column=True, parquet_compression=None)
    df = sp.partial_sql("SELECT ticker, min(price), max(price) FROM {0} GROUP BY ticker", df, cpu_limit=1)
    df.write_parquet(DATA_ROOT + "/output/")
    result = df.to_pandas()
    rows = df.take_all()
    count = df.count()
    graph = sp.graph().source
    config = sp.config.data_root
    version = smallpond.__version__
    sp.shutdown()
    """
)


@pytest.mark.parametrize("module", ["millpond", "millpond.smallpond"])
def test_readme(tmp_path: Path, module: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    prices = pa.table({"ticker": ["A", "B", "A", "C"], "price": [1.0, 2.0, 3.0, 4.0]})
    pq.write_table(prices, tmp_path / "prices.parquet")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.replace("MODULE", module).replace("DATA_ROOT", repr(str(tmp_path))))
    made = runpy.run_path(str(script))
    assert made["count"] == 3
    assert {row["ticker"]: row["max(price)"] for row in made["rows"]} == {"A": 3.0, "B": 2.0, "C": 4.0}
    assert len(made["result"]) == 3
    assert made["config"] == str(tmp_path)
    assert pq.read_table(tmp_path / "output").num_rows == 3


def test_only_the_compatible_module_appends(tmp_path: Path) -> None:
    import millpond
    import millpond.smallpond

    for init, text in ((millpond.init, "mode"), (millpond.smallpond.init, "")):
        with init(data_root=tmp_path / "data", progress=False) as session:
            out = tmp_path / init.__module__
            session.from_items([1]).write_parquet(out)
            again = session.from_items([2])
            if text:
                with pytest.raises(FileExistsError, match=text):
                    again.write_parquet(out)
            else:
                again.write_parquet(out)
                assert session.read_parquet(out).count() == 2


def test_the_compatible_module_names_wrong_arguments() -> None:
    import millpond.smallpond

    with pytest.raises(TypeError, match="colour"):
        millpond.smallpond.init(colour="red")


def test_only_the_compatible_module_never_looks_for_a_csv_header(tmp_path: Path) -> None:
    import millpond
    import millpond.smallpond

    (tmp_path / "names.csv").write_text("a,b\nx,y\n")
    for init, rows in ((millpond.init, 1), (millpond.smallpond.init, 2)):
        with init(data_root=tmp_path / "data", progress=False) as session:
            df = session.read_csv(tmp_path / "names.csv", schema={"a": "VARCHAR", "b": "VARCHAR"})
            assert df.count() == len(df.take_all()) == rows
