"""Random kills of a job that writes a Delta or an Iceberg table on S3, under the eyes of readers.

python tests/stores/table_kills.py [--kills 30] [--seed N] [--format delta|iceberg] [--store versitygw|moto]

Each writer replaces all rows of the table by rows of its own number and is killed at a random time; some are run again
under their name, the others removed with `millpond clean`. Readers meanwhile, millpond and the table's own package,
must see one writer's rows and all of them, without any error. In the end each write is in the table once at most, and
once the table's own clean-up has run nothing is left but its log and its last files.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from servers import Store, missing_tool, store
from watching import Watching

ROWS = 4_000
PARTITIONS = 4
#: Seconds for a job of some three, on a machine that does other things, too.
PATIENCE = 900


class Table:
    """The table that is written, of either format."""

    def __init__(self, kind: str, root: str, options: dict[str, str], catalog: str) -> None:
        self.kind = kind
        self.root = f"{root}/table"
        self.options = options
        self.catalog = catalog

    def write(self, frame: Any) -> None:
        """Replaces all rows."""
        if self.kind == "delta":
            frame.write_delta(self.root, mode="overwrite")
        else:
            frame.write_iceberg(self.opened(), mode="overwrite")

    def read(self, session: Any) -> Any:
        """A frame of what is there."""
        return session.read_delta(self.root) if self.kind == "delta" else session.read_iceberg(self.opened())

    def opened(self) -> Any:
        """The table as its own package knows it."""
        from millpond.table_options import delta_options, iceberg_properties

        if self.kind == "delta":
            from deltalake import DeltaTable

            return DeltaTable(self.root, storage_options=delta_options(self.root, self.options))
        from pyiceberg.catalog.sql import SqlCatalog

        properties = iceberg_properties(self.root, self.options)
        return SqlCatalog("kills", uri=f"sqlite:///{self.catalog}", **properties).load_table("n.t")

    def make(self) -> None:
        """The table before the first writer: rows of writer 0."""
        import pyarrow as pa

        rows = pa.table({"writer": pa.array([0] * ROWS, pa.int64()), "x": pa.array(range(ROWS), pa.int64())})
        if self.kind == "delta":
            from deltalake import write_deltalake
            from millpond.table_options import delta_options

            write_deltalake(self.root, rows, storage_options=delta_options(self.root, self.options))
            return
        from millpond.table_options import iceberg_properties
        from pyiceberg.catalog.sql import SqlCatalog

        properties = iceberg_properties(self.root, self.options)
        catalog = SqlCatalog("kills", uri=f"sqlite:///{self.catalog}", **properties)
        catalog.create_namespace("n")
        catalog.create_table("n.t", rows.schema, location=self.root).append(rows)

    def rows_of_theirs(self) -> list[tuple[int, int]]:
        """(writer, rows) by the table's own package."""
        table = self.opened()
        rows = table.to_pyarrow_table() if self.kind == "delta" else table.scan().to_arrow()
        return sorted(Counter(rows["writer"].to_pylist()).items())

    def writes(self) -> list[str]:
        """The names of the writes that its versions carry, the first version's left out."""
        table = self.opened()
        if self.kind == "iceberg":
            snapshots = [snapshot.summary.additional_properties for snapshot in table.snapshots()]
            return [properties["millpond.write"] for properties in snapshots if "millpond.write" in properties]
        from deltalake.fs import DeltaStorageHandler

        log = DeltaStorageHandler.from_table(table._table)
        found = []
        for version in range(1, table.version() + 1):
            content = log.open_input_file(f"_delta_log/{version:020}.json").readall()
            found += [json.loads(line)["txn"]["appId"] for line in content.splitlines() if b'"txn"' in line]
        return found

    def unknown_files(self, place: Store) -> list[str]:
        """What lies in the table's folder and no version of it names, after its own clean-up for Delta."""
        table = self.opened()
        if self.kind == "delta":
            table.vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)
            known = {f"table/{path}" for path in table.get_add_actions()["path"].to_pylist()}
            return [name for name in place.names("table/") if "/_delta_log/" not in name and name not in known]
        # pyiceberg has no clean-up: what killed writers left are data files, and metadata that never was current.
        return [name for name in place.names("table/") if not name.startswith(("table/data/", "table/metadata/"))]


def write(folder: Path, number: int, table: Table) -> None:
    """The job that is killed."""
    import millpond

    with millpond.init(
        data_root=folder,
        job_id=f"writer-{number}",
        threads=2,
        progress=False,
        min_task_bytes=0,
        storage_options=table.options,
    ) as session:
        rows = session.sql(f"SELECT {number}::BIGINT AS writer, range AS x FROM range({ROWS})")
        table.write(rows.repartition(PARTITIONS, by_rows=True))


class Readers(Watching):
    """Read the table again and again, by millpond and by its own package."""

    def __init__(self, folder: Path, table: Table) -> None:
        super().__init__(self._ours, self._theirs)
        self._folder = folder
        self._table = table

    def _ours(self) -> None:
        import millpond

        with millpond.init(
            data_root=self._folder, threads=1, progress=False, storage_options=self._table.options
        ) as session:
            while not self.stopped.is_set():
                frame = self._table.read(session)
                rows = frame.partial_sql("SELECT writer, count(*) AS n FROM {0} GROUP BY writer").take_all()
                self._note([(row["writer"], row["n"]) for row in rows], "millpond")

    def _theirs(self) -> None:
        while not self.stopped.is_set():
            self._note(self._table.rows_of_theirs(), "the table's own package")

    def _note(self, rows: list[tuple[int, int]], who: str) -> None:
        if len(rows) == 1 and rows[0][1] == ROWS:
            self.seen[rows[0][0]] += 1
        else:
            self.wrong.append(f"{who} saw {rows}")


def start(folder: Path, number: int, table: Table) -> subprocess.Popen[bytes]:
    """A writer as a process of its own."""
    command = [sys.executable, __file__, "--format", table.kind, "--write", str(folder), str(number)]
    told = json.dumps([table.root.rpartition("/")[0], table.options, table.catalog])
    return subprocess.Popen(command, env={**os.environ, "MILLPOND_TEST_TABLE": told})


def clean(folder: Path, number: int, place: Store) -> None:
    """`millpond clean` of a writer."""
    command = [sys.executable, "-m", "millpond.cli", "clean", "--data-root", str(folder), f"writer-{number}"]
    subprocess.run(command, env=place.environment(), check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE)


def campaign(kills: int, seed: int, folder: Path, place: Store, table: Table) -> list[str]:
    """What was wrong."""
    rng = random.Random(seed)
    jobs = folder / "jobs"
    wrong: list[str] = []
    table.make()
    assert start(jobs, 1, table).wait(PATIENCE) == 0
    # The first run of a program is slow; kills come over the whole of a later one.
    begin = time.monotonic()
    assert start(jobs, 2, table).wait(PATIENCE) == 0
    usual = time.monotonic() - begin
    done = 2
    killed = 0
    number = 2
    with Readers(folder / "reader", table) as readers:
        while killed < kills:
            number += 1
            writer = start(jobs, number, table)
            # Mostly in the second half, where the files are written and the table's version is made.
            time.sleep(usual * rng.uniform(0.3, 1.1))
            writer.send_signal(signal.SIGKILL)
            if writer.wait() == 0:
                done += 1
                continue
            killed += 1
            if rng.random() < 0.5:
                if start(jobs, number, table).wait(PATIENCE) != 0:
                    wrong.append(f"writer {number} did not go on after a kill")
                done += 1
            elif (jobs / f"writer-{number}").exists():
                clean(jobs, number, place)
        assert start(jobs, number + 1, table).wait(PATIENCE) == 0
        done += 1
        time.sleep(1)
    wrong += readers.wrong
    writes = table.writes()
    if len(set(writes)) != len(writes):
        wrong.append(f"a write is in the table twice: {writes}")
    # A writer may be killed after its version was made.
    if not done <= len(writes) <= done + killed:
        wrong.append(f"{len(writes)} writes are in the table, and {done} were done")
    if (last := table.rows_of_theirs()) != [(number + 1, ROWS)]:
        wrong.append(f"in the end the table holds {last}")
    if left := [name for name in place.names() if "/." in f"/{name}" and "/_delta_log/." not in name] + place.uploads():
        wrong.append(f"left behind: {left}")
    if left := table.unknown_files(place):
        wrong.append(f"after the table's own clean-up there is {left}")
    print(
        f"{table.kind}: {killed} kills of {number - 2} writers, {usual:.1f} s each; "
        f"{sum(readers.seen.values())} readings of {len(readers.seen)} versions of {len(writes) + 1}; "
        f"{len(wrong)} wrong",
        flush=True,
    )
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--format", default="delta", choices=["delta", "iceberg"])
    parser.add_argument("--store", default="versitygw", choices=["versitygw", "moto"])
    parser.add_argument("--write", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write(
            Path(options.write[0]),
            int(options.write[1]),
            Table(options.format, *json.loads(os.environ["MILLPOND_TEST_TABLE"])),
        )
        return 0
    if (tool := missing_tool(options.store)) is not None:
        print(f"kills on {options.store} NOT TESTED: {tool} is missing on this machine", file=sys.stderr)
        return 0
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder, store(options.store, Path(folder)) as place:
        table = Table(options.format, place.root, place.options, f"{folder}/catalog.db")
        wrong = campaign(options.kills, options.seed, Path(folder), place, table)
    for line in wrong[:20]:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
