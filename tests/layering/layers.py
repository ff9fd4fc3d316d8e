"""The layers of the C++ tree and what each may include, and a check of the #include lines against them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

# A module may include its own headers, the public ones, and those of the modules named here. docs/implementation.md
# shows the same table to people, and a test compares the two.
MAY_INCLUDE: dict[str, set[str]] = {
    "base": set(),
    "data": {"base"},
    "storage": {"base"},
    "exchange": {"base", "data", "storage"},
    "plan": {"base", "data"},
    "task": {"base", "data"},
    "optimize": {"base", "data", "plan"},
    "sql": {"base", "data", "exchange", "storage", "task"},
    "stage": {"base", "data", "plan", "sql", "task"},
    "schedule": {"base", "data", "task"},
    "runner": {"base", "data", "schedule", "task"},
    "job": {"base", "data", "plan", "runner", "schedule", "sql", "stage", "storage", "task"},
    "api": {"base", "data", "job", "optimize", "plan", "runner", "schedule", "sql", "stage", "storage", "task"},
}

# Third-party headers, and the modules that may see them.
THIRD_PARTY: dict[str, set[str]] = {
    "duckdb": {"sql"},
    "yyjson": {"base"},
    "xxhash": {"base", "exchange", "sql"},
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.MULTILINE)
SOURCE_SUFFIXES = {".h", ".cc"}


@dataclass(frozen=True)
class Violation:
    """One #include line that breaks a rule."""

    file: Path
    header: str
    rule: str

    def __str__(self) -> str:
        return f"{self.file} includes {self.header}: {self.rule}"


def includes(file: Path) -> list[tuple[str, bool]]:
    """The headers a file includes, each with whether it stands in quotes."""
    return [(header, bracket == '"') for bracket, header in INCLUDE.findall(file.read_text())]


def sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in SOURCE_SUFFIXES)


def third_party(header: str) -> str | None:
    """Which third-party library a header belongs to, if it is one that modules are told apart by."""
    return next((name for name in THIRD_PARTY if re.match(rf"{name}(/|\.h|$)", header)), None)


def is_python(header: str) -> bool:
    return header.startswith(("Python.h", "nanobind", "pybind11"))


def is_posix(header: str) -> bool:
    return header.endswith(".h") and "/" not in header.removeprefix("sys/").removeprefix("linux/")


def check_public(root: Path) -> list[Violation]:
    """Public headers stand on the C++ standard library and each other alone."""
    found = []
    for file in sources(root / "include"):
        for header, quoted in includes(file):
            if quoted and not header.startswith("millpond/"):
                found.append(Violation(file, header, "a public header includes only public headers"))
            if not quoted and ("/" in header or "." in header):
                found.append(Violation(file, header, "a public header includes only the C++ standard library"))
    return found


def check_module(root: Path, module: str) -> list[Violation]:
    """A module includes what the table lets it."""
    allowed = MAY_INCLUDE[module] | {module, "millpond"}
    found = []
    for file in sources(root / "src" / module):
        for header, quoted in includes(file):
            library = third_party(header)
            if is_python(header):
                found.append(Violation(file, header, "nothing below src/ knows Python"))
            elif library is not None:
                if module not in THIRD_PARTY[library]:
                    found.append(Violation(file, header, f"only {sorted(THIRD_PARTY[library])} may see {library}"))
            elif quoted and header.split("/")[0] not in allowed:
                found.append(Violation(file, header, f"{module}/ may include only {sorted(MAY_INCLUDE[module])}"))
            elif not quoted and "/" in header and not is_posix(header):
                found.append(Violation(file, header, "angle brackets are for the system's headers"))
    return found


def check_outside(root: Path) -> list[Violation]:
    """The bindings and the stranger's project see the library from outside."""
    found = []
    for file in sources(root / "python" / "bindings"):
        for header, _ in includes(file):
            if third_party(header) == "duckdb":
                found.append(Violation(file, header, "only src/sql sees DuckDB"))
    for file in sources(root / "tests" / "consume"):
        for header, quoted in includes(file):
            if header.startswith("millpond/"):
                continue
            if quoted or "/" in header or "." in header:
                found.append(Violation(file, header, "a stranger has only the installed headers"))
    return found


def check(root: Path) -> list[Violation]:
    """Every violation in the tree at `root`."""
    found = check_public(root) + check_outside(root)
    for folder in sorted((root / "src").iterdir()):
        if folder.is_dir() and folder.name not in MAY_INCLUDE:
            found.append(Violation(folder, "", "a module without a line in the table of layers"))
        elif folder.is_dir():
            found += check_module(root, folder.name)
    return found
