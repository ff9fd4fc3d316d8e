"""Which queries bring rows of a fact table to one task before they are reduced.

    python tests/tpc/gathers.py DATA

Reads the stages that `explain` shows for each query, spread over four partitions. A stage reduces its rows when it
aggregates, limits or makes them distinct. Exit code 1 when a TPC-H query gathers, or more than ten of TPC-DS.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import millpond

FACTS = {
    "tpch": re.compile(r"\b(l|o|ps)_[a-z]+"),
    "tpcds": re.compile(r"\b(ss|sr|cs|cr|ws|wr|inv)_[a-z]+"),
}
REDUCES = re.compile(r"GROUP BY|LIMIT|DISTINCT|\b(sum|count|min|max|avg|any_value|first)\(")
MOST = {"tpch": 0, "tpcds": 10}


@dataclass
class Stage:
    """One stage as explain shows it."""

    inputs: list[tuple[int, str]] = field(default_factory=list)  # (stage, how it is read)
    query: str = ""


def parse(text: str) -> list[Stage]:
    """The stages of an explained frame."""
    stages: list[Stage] = []
    for line in text.splitlines():
        if re.match(r"-- stage \d+: ", line):
            stages.append(Stage())
        elif match := re.match(r"--   in\d+ = stage (\d+), (.*)", line):
            stages[-1].inputs.append((int(match[1]), match[2]))
        elif stages and not line.startswith("--"):
            stages[-1].query += line + "\n"
    return stages


def carries_facts(stages: list[Stage], number: int, facts: re.Pattern[str]) -> bool:
    """Whether a stage's rows are a fact table's, not reduced on the way."""
    stage = stages[number]
    if REDUCES.search(stage.query):
        return False
    if facts.search(stage.query):
        return True
    # A broadcast side is not what the rows are.
    return any(carries_facts(stages, source, facts) for source, how in stage.inputs if "broadcast" not in how)


def gathers(text: str, facts: re.Pattern[str]) -> list[int]:
    """The stages of one task that read a fact table's rows as they are."""
    stages = parse(text)
    return [
        number
        for number, stage in enumerate(stages)
        if any(
            "gathered" in how and "broadcast" not in how and carries_facts(stages, source, facts)
            for source, how in stage.inputs
        )
    ]


def main(data: Path) -> int:
    """Looks at both suites. Returns the exit code."""
    failed = False
    with tempfile.TemporaryDirectory() as folder, millpond.init(data_root=folder, progress=False) as session:
        for suite, facts in FACTS.items():
            files = sorted((data / suite).glob("*.parquet"))
            tables = {file.stem: session.read_parquet(str(file)) for file in files}
            found = {}
            for number, query in enumerate(json.loads((data / suite / "queries.json").read_text()), 1):
                with warnings.catch_warnings():
                    warnings.simplefilter("error", millpond.MillpondWarning)
                    frame = session.sql(query, distribute="always", partitions=4, **tables)
                text = frame.explain()
                if gathers(text, facts):
                    reasons = re.findall(r"sql: ([^\[]+) \[1 by consolidate\]", text)
                    found[number] = ", ".join(sorted(set(reasons)))
            print(f"{suite}: {len(found)} queries gather a fact table")
            for number, reason in found.items():
                print(f"  {number}: {reason}")
            failed = failed or len(found) > MOST[suite]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
