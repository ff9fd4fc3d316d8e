"""Whether the nodes of a Ray cluster can run a session, and what would stop one: `millpond cluster check`."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from millpond.doctor import FEW_FILES, LITTLE_MEMORY, LITTLE_SPACE, Finding
from millpond.errors import MillpondError
from millpond.node_facts import NodeFacts, gather, versions
from millpond.sizes import format_size

_NODE_SECONDS = 60.0
_NAMES = 3

#: What was found, and the nodes where it is so.
_Groups = dict[Finding, list[str]]


def examine_cluster(address: str, data_root: Path, paths: list[str]) -> Iterator[Finding]:
    """Looks at each node as a session at `address` with this `data_root` would use it. `paths` are input, local or
    `s3://`, that every node must be able to read. What nodes have in common is one finding.

    Starts one task of Ray's a node and leaves nothing behind. Takes a few seconds; a node that does not answer within a
    minute is an error.
    """
    from millpond.ray_connection import connect, disconnect

    try:
        is_ours = connect(address, None)
    except MillpondError as error:
        yield Finding("cluster", "error", error.message, error.hint)
        return
    try:
        yield from _authentication()
        yield from _nodes(data_root, paths)
    finally:
        if is_ours:
            disconnect()


def _authentication() -> Iterator[Finding]:
    from ray._private.authentication.authentication_utils import is_token_auth_enabled

    if is_token_auth_enabled():
        yield Finding("access", "ok", "a token is asked for")
    else:
        advice = "start Ray with RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH on every node, and here"
        yield Finding("access", "warning", "no token: who reaches its ports can run programs on every node", advice)


def _nodes(data_root: Path, paths: list[str]) -> Iterator[Finding]:
    import ray

    nodes = sorted((node for node in ray.nodes() if node["Alive"]), key=address_order)
    cpus = sum(node["Resources"].get("CPU", 0) for node in nodes)
    yield Finding("cluster", "ok", f"{len(nodes)} node{'s' if len(nodes) > 1 else ''} with {cpus:g} CPUs")
    data_root.mkdir(mode=0o700, parents=True, exist_ok=True)
    probe = data_root / f".check-{uuid.uuid4().hex}"
    probe.touch()
    try:
        answers = [(node, _asked(node, str(data_root), probe.name, paths)) for node in nodes]
        groups: _Groups = {}
        shares = []
        for node, answer in answers:
            name = node["NodeManagerAddress"]
            try:
                facts: NodeFacts = ray.get(answer, timeout=_NODE_SECONDS)
            except (ray.exceptions.RayError, ray.exceptions.GetTimeoutError) as error:
                groups.setdefault(_no_answer(error), []).append(name)
                continue
            shares.append((name, facts.sees_probe))
            for finding in judged(node["Resources"], facts, data_root):
                groups.setdefault(finding, []).append(name)
    finally:
        probe.unlink()
    groups |= _sharing(shares, data_root)
    for finding, names in sorted(groups.items(), key=lambda item: item[0].name):
        where = "every node" if len(names) == len(nodes) else _some(names)
        yield Finding(finding.name, finding.status, f"{finding.text} ({where})", finding.advice)


def address_order(node: dict[str, Any]) -> tuple[int, int, str]:
    """Nodes by number of their address, 10.0.0.9 before 10.0.0.10, and by name what has none (Ray has no order)."""
    address = node["NodeManagerAddress"]
    try:
        return (0, int(ipaddress.ip_address(address)), address)
    except ValueError:
        return (1, 0, address)


def _asked(node: dict[str, Any], data_root: str, probe: str, paths: list[str]) -> Any:
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    strategy = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
    task = ray.remote(gather).options(num_cpus=0, max_retries=0, scheduling_strategy=strategy)
    return task.remote(data_root, probe, paths)


def _no_answer(error: Exception) -> Finding:
    text = str(error).strip()
    if "No module named" in text:
        advice = 'pip install "millpond[ray]" there, for the Python that Ray runs on'
        return Finding("versions", "error", text.splitlines()[-1], advice)
    last = text.splitlines()[-1] if text else f"no answer within {_NODE_SECONDS:.0f} s"
    return Finding("answer", "error", last, 'see "ray status", and that node\'s logs in /tmp/ray/session_latest/logs')


def judged(resources: dict[str, float], facts: NodeFacts, data_root: Path) -> Iterator[Finding]:
    """What the facts of a node mean, whose Ray counts these resources."""
    ours = versions()
    others = {name: version for name, version in facts.versions.items() if version != ours[name]}
    if others:
        text = ", ".join(f"{name} {version} where this machine has {ours[name]}" for name, version in others.items())
        yield Finding("versions", "error", text, "install the same versions on every node and here")
    else:
        yield Finding("versions", "ok", ", ".join(f"{name} {version}" for name, version in ours.items()))
    if facts.data_root_error:
        advice = "choose a data_root that every node can make, for example below /tmp"
        yield Finding("data_root", "error", facts.data_root_error, advice)
    else:
        yield _space("free space", f"free in {data_root}", facts.data_root_free)
    yield _space("spilling", "free in /tmp, where Ray spills", facts.spill_free)
    yield _memory(int(resources.get("memory", 0)), facts.memory)
    if facts.open_files < FEW_FILES:
        advice = f"raise the limit before ray start, such as: ulimit -n {FEW_FILES}"
        yield Finding("open files", "warning", f"{facts.open_files} at once", advice)
    else:
        yield Finding("open files", "ok", f"at least {FEW_FILES} at once")
    keys = facts.credentials or "none but the machine's role, if it has one"
    yield Finding("keys for S3", "ok", keys)
    for path, error in facts.paths.items():
        if error:
            yield Finding("input", "error", f"{path}: {error}", "every node must see input under the same path")
        else:
            yield Finding("input", "ok", path)


def _space(name: str, where: str, free: int) -> Finding:
    if free < LITTLE_SPACE:
        advice = "jobs that move or sort data need about its size; choose another folder, or free some"
        return Finding(name, "warning", f"{format_size(free)} {where}", advice)
    return Finding(name, "ok", f"at least {format_size(LITTLE_SPACE)} {where}")


def _memory(given: int, machine: int) -> Finding:
    text = f"{format_size(given)} for tasks, of {format_size(machine)}"
    if given > machine:
        advice = "Ray counts more than there is; start it with --memory, or in the container that it is to run in"
        return Finding("memory", "error", text, advice)
    if given < LITTLE_MEMORY:
        return Finding("memory", "warning", text, "jobs will spill to disk early; give Ray more with --memory")
    return Finding("memory", "ok", text)


def _sharing(shares: list[tuple[str, bool]], data_root: Path) -> _Groups:
    groups: _Groups = {}
    is_shared = all(sees for _, sees in shares)
    for name, sees in shares:
        if is_shared:
            text = f"{data_root} is shared: data between tasks goes through it"
        elif sees:
            text = f"sees this machine's {data_root}, which others do not"
        else:
            text = f"has a {data_root} of its own: data between tasks stays there, copies go through Ray"
        groups.setdefault(Finding("exchange", "ok", text), []).append(name)
    return groups


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return f"{', '.join(names[:_NAMES])}{more}"
