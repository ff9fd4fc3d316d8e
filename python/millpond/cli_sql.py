"""The command `millpond sql`: one query over files, printed or written."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Any

from millpond.errors import InvalidArgumentError
from millpond.sql_text import literal, quote_name

if TYPE_CHECKING:
    from millpond.dataframe import DataFrame
    from millpond.session import Session

_WRITERS = {".parquet": "write_parquet", ".csv": "write_csv", ".json": "write_json", ".jsonl": "write_json"}

#: Types that CSV files hold as they are.
_IN_CSV = re.compile(r"(BOOLEAN|U?(TINY|SMALL|BIG)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)|VARCHAR|DATE)$")


def add_sql_command(commands: Any) -> None:
    """Adds the command to the command line's subparsers."""
    sql = commands.add_parser(
        "sql",
        help="run a query over files",
        description="Runs one SELECT over files and prints or writes its rows.",
        epilog="example: millpond sql \"SELECT ticker, max(price) FROM 'prices/*.parquet' GROUP BY ticker\"",
    )
    sql.add_argument("query", help="the query; - reads it from standard input")
    sql.add_argument(
        "--view", action="append", default=[], metavar="NAME=PATH", help="a name for files in the query; repeatable"
    )
    sql.add_argument("--format", choices=["table", "csv", "json"], default="table", help="how rows are printed")
    sql.add_argument(
        "--limit", type=int, default=40, metavar="N", help="rows of a printed table (default: %(default)s)"
    )
    sql.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        help="write to a .parquet, .csv or .json file, or to a folder of Parquet files",
    )
    sql.add_argument("--overwrite", action="store_true", help="replace an output that exists")
    sql.add_argument("--distribute", choices=["auto", "always", "never"], default="auto", help="spread over partitions")
    sql.add_argument("--partitions", type=int, metavar="N", help="how many, when it is spread")
    sql.add_argument("--explain", action="store_true", help="print the plan and its stages instead of running it")
    sql.add_argument(
        "--analyze", action="store_true", help="run it, and print the plan and what each stage read, wrote and took"
    )
    sql.add_argument("--runner", choices=["threads", "inline", "processes"], help="what carries out tasks")
    sql.add_argument("--threads", type=int, metavar="N", help="cores to use")
    sql.add_argument("--memory-limit", metavar="SIZE", help="memory to use, such as 4GB")
    sql.add_argument("--data-root", metavar="FOLDER", help="where the job keeps its state")
    sql.set_defaults(run=run_sql)


def run_sql(options: argparse.Namespace) -> int:
    """Runs the command. Returns the exit code."""
    import millpond

    query = sys.stdin.read() if options.query == "-" else options.query
    with millpond.init(
        data_root=options.data_root,
        runner=options.runner,
        threads=options.threads,
        memory_limit=options.memory_limit,
        progress=sys.stderr.isatty(),
    ) as session:
        frame = session.sql(
            query, distribute=options.distribute, partitions=options.partitions, **_views(session, options.view)
        )
        if options.explain or options.analyze:
            print(frame.explain(analyze=options.analyze))
        elif options.output is not None:
            _write(frame, options.output, "overwrite" if options.overwrite else "error")
        elif options.format == "table":
            frame.show(options.limit)
        else:
            _print_rows(frame, options.format)
    return 0


def _views(session: Session, texts: list[str]) -> dict[str, Any]:
    views = {}
    for text in texts:
        name, mark, path = text.partition("=")
        if not (name and mark and path):
            raise InvalidArgumentError(f"--view is NAME=PATH, not {text!r}")
        views[name] = session.sql(f"FROM {literal(path)}")
    return views


def _write(frame: DataFrame, path: str, mode: str) -> None:
    writer = next((name for ending, name in _WRITERS.items() if path.lower().endswith(ending)), None)
    if writer is None:
        frame.write_parquet(path, mode=mode)
    else:
        getattr(frame, writer)(path, mode=mode, single_file=True)


def _print_rows(frame: DataFrame, kind: str) -> None:
    """Prints all rows batch by batch, so that their number does not matter. DuckDB writes the values as text."""
    import pyarrow as pa

    reader = pa.RecordBatchReader.from_stream(_as_lines(frame) if kind == "json" else _as_cells(frame))
    if kind == "csv":
        from pyarrow import csv

        sys.stdout.flush()
        with csv.CSVWriter(sys.stdout.buffer, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
        return
    for batch in reader:
        for line in batch.column(0).to_pylist():
            print(line)


def _as_lines(frame: DataFrame) -> DataFrame:
    """Each row as one JSON object."""
    row = "row"
    while row in (name.lower() for name in frame.columns):
        row += "_"
    return frame._session.partial_sql(f"SELECT to_json({quote_name(row)}) FROM {{0}} AS {quote_name(row)}", frame)


def _as_cells(frame: DataFrame) -> DataFrame:
    """Values that a CSV file has no form of its own for (lists, structs, blobs, intervals …) as text."""
    cells = [
        quote_name(name) if _IN_CSV.match(kind) else f"{quote_name(name)}::VARCHAR AS {quote_name(name)}"
        for name, kind in frame.schema.items()
    ]
    return frame._session.partial_sql(f"SELECT {', '.join(cells)} FROM {{0}}", frame)
