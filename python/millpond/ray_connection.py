"""To a Ray cluster and away from it again: what a session started it ends, and nothing else."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import socket
import sys
import threading
from typing import Any

from millpond.errors import InvalidArgumentError, MillpondError, UnavailableError, UnsupportedError

_INSTALL = 'pip install "millpond[ray]", here and on every node'
_REACH_SECONDS = 10.0
_CONNECT_SECONDS = 50.0

_lock = threading.Lock()
# Sessions that use a connection of ours; the last one ends it.
_users = 0


def connect(address: str, num_cpus: int | None, runtime_env: dict[str, Any] | None = None) -> bool:
    """Connects this process to Ray, unless it is. True when `disconnect` is to be called at the end.

    `address` is "local" (a Ray of this process's own, with `num_cpus`), "auto" or "host:port"; `runtime_env` Ray's own.
    Unavailable with what to do when there is no cluster; Unsupported when Ray or its version is not right.
    """
    global _users
    ray = _import_ray()
    with _lock:
        if ray.is_initialized():
            if _users:
                _users += 1
            return _users > 0
        _check_reachable(address)
        _init_in_time(ray, address, num_cpus, runtime_env)
        _users = 1
        return True


def disconnect() -> None:
    """Ends the connection, and a Ray that was started for it, once the last session that used it is over."""
    global _users
    import ray

    with _lock:
        _users -= 1
        if _users == 0:
            ray.shutdown()


def _import_ray() -> Any:
    if importlib.util.find_spec("ray") is None:
        raise UnsupportedError("ray_address is set, but the package ray is not installed", hint=_INSTALL)
    import ray

    return ray


def _check_reachable(address: str) -> None:
    if address in ("local", "auto"):
        return
    if "://" in address:
        raise UnsupportedError(
            f"ray_address={address!r}: millpond does not work through Ray's client",
            hint='run the program on a machine of the cluster, with ray_address="auto" or "host:port"',
        )
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal():
        raise InvalidArgumentError(f"ray_address={address!r} is no address", hint='use "local", "auto" or "host:port"')
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise UnavailableError(
            f"no Ray cluster answers at {address}: {error}",
            hint='see "ray status" on the head node; its port is 6379 unless told otherwise',
        ) from None


def _init_in_time(ray: Any, address: str, num_cpus: int | None, runtime_env: dict[str, Any] | None) -> None:
    # Ray's own ways to give up take minutes, hence a thread. It stays: a Ray of our own ends with the thread that
    # started it.
    outcome: list[BaseException | None] = []
    is_done = threading.Event()

    def work() -> None:
        try:
            _init(ray, address, num_cpus, runtime_env)
            outcome.append(None)
        except BaseException as error:
            outcome.append(error)
        is_done.set()
        if address == "local":
            threading.Event().wait()

    threading.Thread(target=work, name="ray-init", daemon=True).start()
    if not is_done.wait(_CONNECT_SECONDS):
        raise UnavailableError(
            f"the Ray cluster at {address} took more than {_CONNECT_SECONDS:.0f} s to let this program in",
            hint='see "ray status" on the head node, and whether this machine may reach all its ports',
        )
    if outcome[0] is not None:
        raise _explained(address, outcome[0]) from None


def _init(ray: Any, address: str, num_cpus: int | None, runtime_env: dict[str, Any] | None) -> None:
    # Without a GPU request Ray hides devices from workers and warns of it at each start.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    options: dict[str, Any] = {"address": address, "log_to_driver": False, "logging_level": "error"}
    if runtime_env:
        options["runtime_env"] = runtime_env
    if address == "local":
        options.update(include_dashboard=False, num_cpus=num_cpus)
    with contextlib.redirect_stderr(sys.stderr):
        ray.init(**options)


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host.strip("[]"), port), timeout=_REACH_SECONDS).close()
    except (OSError, OverflowError):
        return False
    return True


def _explained(address: str, error: BaseException) -> MillpondError:
    name, text = type(error).__name__, str(error)
    first = text.strip().splitlines()[0] if text.strip() else name
    if "ersion mismatch" in text:
        return UnsupportedError(
            f"this program and the Ray cluster at {address} do not fit: {' '.join(text.split())}",
            hint="use the same Python and the same Ray on every node and here",
        )
    if "uthenticat" in name or "oken" in text:
        return UnavailableError(
            f"the Ray cluster at {address} does not let this program in: {first}",
            hint="set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN (or RAY_AUTH_TOKEN_PATH) to the cluster's token",
        )
    # With "auto" it may be what a cluster left behind that is gone.
    found = re.search(r"Failed to connect to Ray cluster at (\S+):(\d+)", text)
    if found and (address != "auto" or _answers(found[1], int(found[2]))):
        return UnavailableError(
            f"something answers at {found[1]}:{found[2]} but does not let this program in as a Ray cluster would",
            hint="set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN (or RAY_AUTH_TOKEN_PATH) to the cluster's token, and "
            "use its version of Ray",
            detail=text,
        )
    hint = 'start one ("ray start --head"), or use ray_address="local"' if address == "auto" else "see its cause above"
    return UnavailableError(f"no Ray cluster could be used at {address}: {first}", hint=hint, detail=text)
