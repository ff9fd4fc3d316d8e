"""Kills and races against whole jobs. Without arguments it is the long form; run_short.sh is the one that CI runs.

Prints the seed, a line for each job and, last, how many passed. Exit code 1 when one failed; its folder is kept.
"""

from __future__ import annotations

import argparse
import functools
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import driver_kills
import races
import worker_kills
from world import World


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--driver-kills", type=int, default=30, help="kill -9 of the driver, in all (default: 30)")
    parser.add_argument("--kills-a-job", type=int, default=3, help="at most so many of them in one job (default: 3)")
    parser.add_argument("--worker-jobs", type=int, default=10, help="jobs whose workers are killed (default: 10)")
    parser.add_argument("--races", type=int, default=10, help="races in each write mode (default: 10)")
    parser.add_argument("--seed", type=int, default=None, help="repeats the moments of an earlier run")
    return parser.parse_args(arguments)


class Campaign:
    """Runs one case after the other and counts."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.passed = 0
        self.failed = 0

    def case(self, what: str, run: Callable[[], object]) -> object:
        """One case; a failure is printed and the campaign goes on."""
        begin = time.monotonic()
        try:
            result = run()
        except Exception as error:
            self.failed += 1
            print(f"FAILED {what}: {type(error).__name__}: {error}", flush=True)
            return None
        self.passed += 1
        print(f"ok {what}: {result} ({time.monotonic() - begin:.1f} s)", flush=True)
        return result


def main(arguments: list[str]) -> int:
    """Runs what the arguments ask for."""
    options = parse(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="millpond-faults-"))
    print(f"seed {seed}, folder {folder}", flush=True)
    campaign = Campaign(World(folder))
    _kill_drivers(campaign, options.driver_kills, options.kills_a_job, chance)
    for number in range(options.worker_jobs):
        name = f"workers-{number}"
        job = functools.partial(worker_kills.run_job, campaign.world, name, chance)
        campaign.case(f"{name}, workers killed", job)
    for mode in ("error", "overwrite", "append"):
        for number in range(options.races):
            name = f"race-{mode}-{number}"
            campaign.case(f"{name}, won", functools.partial(races.run_race, campaign.world, name, mode))
    campaign.case("clean", lambda: campaign.world.clean() or "nothing left")
    print(f"faults: {campaign.passed} passed, {campaign.failed} failed")
    if campaign.failed == 0:
        _remove(folder)
    return 1 if campaign.failed else 0


def _kill_drivers(campaign: Campaign, kills: int, kills_a_job: int, chance: random.Random) -> None:
    left, number = kills, 0
    while left > 0 and number < 2 * kills:
        name = f"driver-{number}"
        runner = ("threads", "processes", "inline")[number % 3]
        mode = ("error", "overwrite")[number % 2]
        wanted = min(left, kills_a_job)
        job = functools.partial(driver_kills.run_job, campaign.world, name, runner, mode, wanted, chance)
        killed = campaign.case(f"{name} ({runner}, {mode}), times killed", job)
        left -= killed if isinstance(killed, int) else wanted
        number += 1


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
