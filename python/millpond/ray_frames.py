"""What a driver and a worker say to each other, as far as those need to know it who carry it: frames of JSON."""

from __future__ import annotations

import json
import struct
from pathlib import PurePosixPath
from typing import Any

_LENGTH = struct.Struct("<I")


class FrameReader:
    """Cuts a byte stream into frames: four bytes of length, little-endian, then JSON."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def add(self, data: bytes) -> list[bytes]:
        """The frames that are whole now, each with its length before it."""
        self._buffer += data
        frames = []
        while len(self._buffer) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
            if len(self._buffer) < end:
                break
            frames.append(bytes(self._buffer[:end]))
            del self._buffer[:end]
        return frames


def message_of(frame: bytes, kind: str) -> dict[str, Any] | None:
    """The message in a frame if it is of that type."""
    # The type stands first; most frames are heartbeats.
    if f'"type":"{kind}"'.encode() not in frame[: _LENGTH.size + 40]:
        return None
    message: dict[str, Any] = json.loads(frame[_LENGTH.size :])
    return message


def input_paths(task: dict[str, Any], directory: str) -> list[str]:
    """The files below `directory` that a task reads, each once."""
    paths = {part["path"]: None for one in task["inputs"] for part in one["slices"]}
    if call := task.get("call"):
        paths[call["function_path"]] = None
    return [path for path in paths if path.startswith(directory + "/")]


def user_files(task: dict[str, Any], directory: str) -> list[str]:
    """The files elsewhere that a task reads."""
    paths = {part["path"]: None for one in task["inputs"] for part in one["slices"]}
    return [path for path in paths if "://" not in path and not path.startswith(directory + "/")]


def staging_folder(task: dict[str, Any]) -> str | None:
    """Where a task that writes files for the user stages them: made by the driver, so there for all who share it."""
    if not task["output"].get("files"):
        return None
    return str(PurePosixPath(task["output"]["directory"]).parent.parent)


def made_files(result: dict[str, Any], directory: str) -> dict[str, int]:
    """Paths and sizes of what a finished task made below `directory`; what is elsewhere, all nodes see."""
    if not result["directory"].startswith(directory + "/"):
        return {}
    return {f"{result['directory']}/{file['path']}": file["num_bytes"] for file in result["files"]}


def failure(task: dict[str, Any], code: str, message: str, hint: str = "", file: str = "") -> bytes:
    """The frame of a worker whose task failed so."""
    status = {"code": code, "message": message, "hint": hint, "file": file}
    metrics = dict.fromkeys(("rows_in", "rows_out", "bytes_out", "peak_memory_bytes", "spill_bytes"), 0)
    result = {
        "version": task["version"],
        "task": task["id"],
        "attempt": task["attempt"],
        "status": {key: value for key, value in status.items() if value},
        "schema": [],
        "directory": task["output"]["directory"],
        "files": [],
        "metrics": {"seconds": 0.0, "worker": "", **metrics},
    }
    payload = json.dumps({"type": "result", "attempt": task["attempt"], "result": result}).encode()
    return _LENGTH.pack(len(payload)) + payload
