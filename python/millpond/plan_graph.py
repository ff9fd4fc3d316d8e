"""The plan of a session's frames as a picture."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from millpond.errors import UnsupportedError


class PlanGraph:
    """Graphviz text of a plan, in `source`. Drawn by the graphviz package where that is installed."""

    def __init__(self, source: str) -> None:
        self.source = source

    def save(self, path: str | os.PathLike[str]) -> str:
        """Writes the text to a file; returns its path."""
        Path(path).write_text(self.source, encoding="utf-8")
        return os.fspath(path)

    def render(self, path: str | os.PathLike[str], format: str = "svg") -> str:  # noqa: A002 - graphviz's word
        """Draws to `path` + "." + format; returns that path. Needs the graphviz package and program."""
        rendered: str = self._drawing().render(outfile=f"{os.fspath(path)}.{format}")
        return rendered

    def _drawing(self) -> Any:
        try:
            import graphviz
        except ImportError:
            raise UnsupportedError(
                "drawing a plan needs the graphviz package",
                hint="pip install graphviz, and the program dot; or use the text in .source",
            ) from None
        return graphviz.Source(self.source)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            return {"image/svg+xml": self._drawing().pipe(format="svg", encoding="utf-8")}
        except Exception:  # Not installed, or the program dot is missing: the text is the answer.
            return {"text/plain": self.source}

    def __str__(self) -> str:
        return self.source

    def __repr__(self) -> str:
        return f"PlanGraph({len(self.source)} characters)"
