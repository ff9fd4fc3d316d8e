"""Amounts of what machines have and tasks ask for: gpus, and others by name."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from millpond.errors import InvalidArgumentError


def amount_of(name: str, value: Any) -> float:
    """The number, which is not negative. InvalidArgumentError names the argument."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise InvalidArgumentError(f"{name}={value!r} is no amount", hint="give a number, 0 or more")
    return float(value)


def amounts_of(name: str, value: Any) -> dict[str, float]:
    """Amounts by name; none for None. What has an argument of its own may not be among them."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidArgumentError(f"{name}={value!r} is no mapping", hint='write it like {"tpu": 1}')
    for key in value:
        if not isinstance(key, str) or key.upper() in ("CPU", "GPU", "MEMORY"):
            hint = "say num_cpus, num_gpus and memory for these"
            raise InvalidArgumentError(f"{name} has {key!r}, which is no name for a custom resource", hint=hint)
    return {key: amount_of(f"{name}[{key!r}]", amount) for key, amount in value.items()}


def local_gpus() -> float:
    """Gpus of this machine, as far as the driver of NVIDIA tells."""
    with contextlib.suppress(OSError):
        return float(len(list(Path("/proc/driver/nvidia/gpus").iterdir())))
    return 0.0
