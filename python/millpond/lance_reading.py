"""Fragments of Lance datasets, by the package pylance."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from millpond.errors import InvalidArgumentError, NotFoundError
from millpond.mounted_path import mounted_path
from millpond.optional_package import needed

if TYPE_CHECKING:
    import pyarrow as pa


class FragmentReader:
    """Makes of tables of fragments' numbers tables of their rows. Runs in workers."""

    def __init__(self, path: str, version: int, columns: list[str] | None, condition: str | None) -> None:
        self._path = path
        self._version = version
        self._columns = columns
        self._condition = condition

    def __call__(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """The rows of each fragment that the column `fragment` names, without deleted ones."""
        import pyarrow as pa

        dataset = open_lance(self._path, self._version)
        for table in tables:
            for number in table["fragment"].to_pylist():
                if number < 0:  # There are none.
                    continue
                scanner = dataset.scanner(
                    columns=self._columns, filter=self._condition, fragments=[dataset.get_fragment(number)]
                )
                for batch in scanner.to_batches():
                    yield pa.Table.from_batches([batch])

    def schema(self, dataset: Any) -> pa.Schema:
        """The columns that are read. InvalidArgumentError when Lance does not know one, or not the condition."""
        try:
            return dataset.scanner(columns=self._columns, filter=self._condition).projected_schema
        except (ValueError, OSError, KeyError) as error:
            raise InvalidArgumentError(
                f'the Lance dataset at "{self._path}" can\'t be read so: {error}',
                hint="check columns= and filter=, which is SQL as Lance knows it",
            ) from None


def open_lance(path: str, version: int | str | None) -> Any:
    """The dataset at a version or tag, the last one when none is told. NotFoundError where there is none."""
    lance = needed("lance", f'"{path}"', "lance")
    try:
        return lance.dataset(path, version=version)
    except (ValueError, OSError, FileNotFoundError) as error:
        which = "" if version is None else f" at version {version}"
        raise NotFoundError(
            f'there is no Lance dataset at "{path}"{which}: {error}',
            hint="lance.dataset(path).versions() tells its versions",
        ) from None


def describe_fragments(dataset: Any) -> list[dict[str, Any]]:
    """A row a fragment. Its files' names, which are never used again, tell one dataset from another at its path."""
    described = []
    for fragment in dataset.get_fragments():
        files = " ".join(file.path for file in fragment.data_files())
        described.append({"fragment": fragment.fragment_id, "files": files})
    return described or [{"fragment": -1, "files": ""}]


def whole_path(path: str | os.PathLike[str]) -> str:
    """A path that means the same in every worker."""
    text = mounted_path(path)
    return text if "://" in text else os.path.abspath(text)  # noqa: PTH100 (follows no links)
