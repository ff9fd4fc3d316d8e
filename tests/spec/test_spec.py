"""Every .test file below this folder, with 1, 3 and 16 partitions under every runner, against plain DuckDB."""

from __future__ import annotations

import functools
import itertools
import os
import warnings
from pathlib import Path
from typing import Any

import millpond
import pytest
from comparison import difference
from oracle import Oracle
from shared_work import Oracles, Sessions
from spec_case import Block, Case, read_case

HERE = Path(__file__).parent
RUNNERS = ("inline", "threads", "processes", "ray")
# Cases that run on Ray too, with 3 partitions; all do when it is asked for by name. A task takes longer there.
ON_RAY = ("actions/", "functions/", "repartition/")
CASES = {str(path.relative_to(HERE)): read_case(path) for path in sorted(HERE.rglob("*.test"))}


def marks(runner: str, n: int) -> list[pytest.MarkDecorator]:
    """Quick: all numbers of partitions in this process, and one with each other runner."""
    return [] if runner == "inline" or n == 3 else [pytest.mark.long]


RUNS = [
    pytest.param(case, runner, n, id=f"{name}-{runner}-{n}", marks=marks(runner, n))
    for runner in os.environ.get("MILLPOND_SPEC_RUNNERS", ",".join(RUNNERS)).split(",")
    for name, case in CASES.items()
    for n in case.partitions
    if runner != "ray" or (name.startswith(ON_RAY) and n == 3) or "MILLPOND_SPEC_RUNNERS" in os.environ
]

_numbers = itertools.count()


class Run:
    """One case in one session with one number of partitions."""

    def __init__(self, case: Case, session: millpond.Session, oracle: Oracle, n: int) -> None:
        self.session = session
        self.oracle = oracle
        self.n = n
        self._output = oracle.folder / f"out{next(_numbers)}"
        self.names: dict[str, Any] = {
            "__name__": "spec_case",
            "millpond": millpond,
            "session": session,
            "n": n,
            "files": functools.partial(Path.joinpath, oracle.folder),
            "out": self.out,
            "written": self.written,
        }
        for block in case.tables:
            self.names[block.arguments[0]] = self._frame_over(block)

    def _frame_over(self, block: Block) -> millpond.DataFrame:
        name, *how = block.arguments
        if "sql" in how:
            return self.session.partial_sql(block.text)
        if "arrow" in how:
            return self.session.from_arrow(self.oracle.arrow(name))
        return self.session.read_parquet(self.oracle.parquet(name))

    def out(self, name: str = "out") -> Path:
        """A path of this run's own, where nothing is yet."""
        self._output.mkdir(exist_ok=True)
        return self._output / name

    def written(self, frame: millpond.DataFrame, format: str = "parquet", **options: Any) -> millpond.DataFrame:  # noqa: A002
        """The frame written to a new folder and read again; `read` holds the reader's keywords."""
        suffix = f".{format}.gz" if options.get("compression") == "gzip" else f".{format}"
        path = self.out(f"written{next(_numbers)}{suffix}")
        read = options.pop("read", {})
        getattr(frame, f"write_{format}")(path, **options)
        return getattr(self.session, f"read_{format}")(path, **read)  # type: ignore[no-any-return]

    def step(self, block: Block, expected: list[Block]) -> None:
        """Runs one step; `expected` are the blocks that say what a frame must give."""
        if block.word == "python":
            exec(compile("\n" * block.line + block.text, "case", "exec"), self.names)
        elif block.word == "check":
            assert eval(block.text, self.names), f"line {block.line}: {block.text}"
        elif expected[0].word == "error":
            self._fails(block, expected[0])
        else:
            self._equals(block, expected)

    def _fails(self, block: Block, expected: Block) -> None:
        try:
            frame = eval(block.text, self.names)
            rows = frame.to_arrow() if isinstance(frame, millpond.DataFrame) else frame
        except millpond.MillpondError as error:
            assert error.code == expected.arguments[0], f"line {block.line}: {error.code}: {error}"
            for text in expected.text.replace("$n", str(self.n)).split("\n"):
                assert text in str(error), f"line {expected.line}: {text!r} is not in:\n{error}"
        else:
            raise AssertionError(f"line {block.line}: no error, but {rows}")

    def _equals(self, block: Block, expected: list[Block]) -> None:
        frame = eval(block.text, self.names)
        found = frame.to_arrow()
        (answer,) = expected
        schema, rows = self.oracle.answer(answer.text.replace("$n", str(self.n)))
        assert frame.schema.to_columns() == schema, f"line {block.line}: other columns or types"
        what = difference(found, rows, "ordered" in block.arguments)
        assert not what, f"line {block.line}: {what}"
        assert frame.count() == rows.num_rows, f"line {block.line}: count()"


@pytest.mark.parametrize(("case", "runner", "n"), RUNS)
def test_case(case: Case, runner: str, n: int, sessions: Sessions, oracles: Oracles) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", millpond.MillpondWarning)
        run = Run(case, sessions[runner], oracles[case], n)
        for number, block in enumerate(case.steps):
            if block.word not in ("oracle", "error"):
                later = list(itertools.takewhile(lambda b: b.word in ("oracle", "error"), case.steps[number + 1 :]))
                run.step(block, later)


def test_there_are_cases() -> None:
    assert len(CASES) > 100
