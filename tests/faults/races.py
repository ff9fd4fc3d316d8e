"""Several drivers that write to one path at once."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from world import BrokenPromiseError, World, driver, rows_differ

LOSERS = ("already_exists", "conflict")


def run_race(world: World, name: str, mode: str, drivers: int = 2) -> str:
    """Drivers with different rows, started together. Returns how many won."""
    output = world.outputs / name
    signal = world.folder / f"{name}.go"
    with ExitStack() as stack:
        runs = []
        for number in range(drivers):
            settings = world.settings(output, mode=mode, shift=number, wait_for=str(signal), job_id=f"{name}-{number}")
            runs.append(stack.enter_context(driver(settings)))
        signal.touch()
        errors = [process.communicate(timeout=120)[1] for process in runs]
        winners = [number for number, process in enumerate(runs) if process.returncode == 0]
    for number, error in enumerate(errors):
        if number not in winners and not error.startswith(LOSERS):
            raise BrokenPromiseError(f"{name}: a driver failed otherwise: {error}")
    if not winners or (mode == "error" and len(winners) != 1):
        raise BrokenPromiseError(f"{name}: {len(winners)} of {drivers} won: {errors}")
    _check_rows(world, output, mode, winners)
    return f"{len(winners)} of {drivers}"


def _check_rows(world: World, output: Path, mode: str, winners: list[int]) -> None:
    if mode == "append":
        wanted = "(" + " UNION ALL ".join(f"FROM {world.expected(shift)}" for shift in winners) + ")"
        if rows_differ(f"read_parquet('{output}/*.parquet')", wanted) != 0:
            raise BrokenPromiseError(f"{output} does not hold the rows of {winners}, each once")
    elif not any(world.is_right(output, shift) for shift in winners):
        raise BrokenPromiseError(f"{output} holds the rows of no winner, or mixed ones")
    world.check_nothing_beside(output)
