"""A .test file as a value. README.md beside this file tells how one is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PARTITIONS = (1, 3, 16)


@dataclass(frozen=True)
class Block:
    """One paragraph of a file: its first line as words, the rest as text."""

    word: str
    arguments: tuple[str, ...]
    text: str
    line: int


@dataclass(frozen=True)
class Case:
    """A file: the tables it needs, then steps that run in order."""

    path: Path
    tables: tuple[Block, ...]
    steps: tuple[Block, ...]
    #: Partition counts it runs with.
    partitions: tuple[int, ...]


_TAKES_TEXT = {
    "table": True,
    "python": True,
    "frame": True,
    "oracle": True,
    "error": True,
    "check": True,
    "only": False,
}


def read_case(path: Path) -> Case:
    """Reads a file. ValueError, with file and line, for one that is not well formed."""
    blocks = list(_blocks(path))
    partitions = PARTITIONS
    steps = []
    previous = ""
    for block in blocks:
        if block.word in ("oracle", "error") and previous not in ("frame", "oracle"):
            raise ValueError(f"{path}:{block.line}: {block.word} needs a frame before it")
        if previous == "frame" and block.word not in ("oracle", "error"):
            raise ValueError(f"{path}:{block.line}: a frame needs an oracle or an error behind it")
        previous = block.word
        if block.word == "only":
            partitions = tuple(int(number) for number in block.arguments)
        elif block.word != "table":
            steps.append(block)
    if previous == "frame":
        raise ValueError(f"{path}: the last frame has neither an oracle nor an error")
    return Case(path, tuple(block for block in blocks if block.word == "table"), tuple(steps), partitions)


def _blocks(path: Path) -> list[Block]:
    blocks = []
    for match in re.finditer(r"(?:^[^\n]*\S[^\n]*(?:\n|\Z))+", path.read_text(encoding="utf-8"), re.MULTILINE):
        line = match.string.count("\n", 0, match.start()) + 1
        lines = match.group().rstrip("\n").split("\n")
        while lines and lines[0].startswith("#"):
            lines.pop(0)
            line += 1
        if not lines:
            continue
        word, *arguments = lines[0].split()
        if word not in _TAKES_TEXT:
            raise ValueError(f"{path}:{line}: {word!r} is no block; known: {', '.join(_TAKES_TEXT)}")
        if _TAKES_TEXT[word] != (len(lines) > 1):
            raise ValueError(f"{path}:{line}: {word} {'needs text below it' if _TAKES_TEXT[word] else 'takes no text'}")
        blocks.append(Block(word, tuple(arguments), "\n".join(lines[1:]), line))
    return blocks
