"""Writing an Iceberg table: tasks write the files, one commit of the driver names them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from millpond.errors import ConflictError, InvalidArgumentError, UnsupportedError
from millpond.iceberg_reading import iceberg_type, local_path, open_iceberg
from millpond.sql_text import quote_name
from millpond.table_files import WrittenFile, conformed, written_files
from millpond.table_identity import write_identity
from millpond.table_options import iceberg_properties

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.partitioning import PartitionField
    from pyiceberg.table import Table
    from pyiceberg.typedef import Record
    from pyiceberg.types import IcebergType

    from millpond.dataframe import DataFrame

MODES = ("append", "overwrite", "overwrite_partitions")
#: What a snapshot's summary calls the write that made it, and by what it was computed.
WRITE_PROPERTY = "millpond.write"
PLAN_PROPERTY = "millpond.plan"
_COMMIT_TRIES = 20


class IcebergWrite:
    """One write of a frame to an Iceberg table."""

    def __init__(self, frame: DataFrame, table: Table, mode: str) -> None:
        """Checks what can be before any work is done."""
        if mode not in MODES:
            raise InvalidArgumentError(f"mode={mode!r} is not known", hint=f"choose one of {', '.join(MODES)}")
        self._stores = frame.session._stores
        self._table = open_iceberg(table, self._stores)
        self._table.refresh()
        self._mode = mode
        self._frame = frame
        root = local_path(self._table.location())
        iceberg_properties(root, self._stores.options_of(root))  # An error for a store that it can't lie on.
        self._fields = self._table.spec().fields
        if mode == "overwrite_partitions" and not self._fields:
            raise InvalidArgumentError("the table has no partitions to overwrite", hint='use mode="overwrite"')
        if mode == "overwrite_partitions" and any(spec.spec_id != self._table.spec().spec_id for spec in self._specs()):
            raise UnsupportedError("the table was partitioned otherwise once", hint='use mode="overwrite"')
        self._identity = write_identity(frame, root, mode)
        self._folder = f"{root.rstrip('/')}/data/{self._identity.id}"
        # The names of the partition's columns in the folders: no column of the table may be called so.
        self._folders = [f"millpond_partition_{i}" for i in range(len(self._fields))]

    def _specs(self) -> list[Any]:
        return [self._table.specs()[file["spec_id"]] for file in self._table.inspect.data_files().to_pylist()]

    def run(self, settings: dict[str, Any]) -> None:
        """Writes and commits; nothing when this very write is in the table already."""
        core = self._frame.session._core
        if self._is_committed():
            core.finish_table_write(self._folder)  # The run that committed may have died before it could.
            return
        schema = self._table.schema()
        columns = [(field.name, iceberg_type(field.field_type)) for field in schema.fields]
        extra = [
            f"{transformed(field, schema)} AS {name}" for field, name in zip(self._fields, self._folders, strict=True)
        ]
        self._check_required()
        core.note_table_write(self._folder)
        conformed(self._frame, columns, extra).write_parquet(
            self._folder,
            mode="overwrite",  # A folder of this name is this write's own, from a run that died before the commit.
            partition_by=self._folders or None,
            field_ids={field.name: _field_ids(field.field_id, field.field_type) for field in schema.fields},
            **settings,
        )
        files = [self._data_file(file) for file in written_files(self._stores, self._folder)]
        self._commit(files)
        core.finish_table_write(self._folder)

    def _check_required(self) -> None:
        have = {name.lower() for name in self._frame.columns}
        for field in self._table.schema().fields:
            if field.required and field.name.lower() not in have:
                raise InvalidArgumentError(f'the table requires the column "{field.name}", which the frame lacks')

    def _is_committed(self) -> bool:
        for snapshot in self._table.snapshots():
            properties = snapshot.summary.additional_properties if snapshot.summary is not None else {}
            if properties.get(WRITE_PROPERTY) == self._identity.id:
                self._identity.note_skipped(self._name(), int(properties[PLAN_PROPERTY]))
                return True
        return False

    def _data_file(self, file: WrittenFile) -> DataFile:
        from pyiceberg.io.pyarrow import (
            compute_statistics_plan,
            data_file_statistics_from_parquet_metadata,
            parquet_path_to_id_mapping,
        )
        from pyiceberg.manifest import DataFile, DataFileContent, FileFormat

        metadata, schema = self._table.metadata, self._table.schema()
        statistics = data_file_statistics_from_parquet_metadata(
            parquet_metadata=file.footer,
            stats_columns=compute_statistics_plan(schema, metadata.properties),
            parquet_column_mapping=parquet_path_to_id_mapping(schema),
        )
        for field in schema.fields:
            if field.required and statistics.null_value_counts.get(field.field_id):
                raise InvalidArgumentError(f'the table requires values of "{field.name}", and the frame has NULL there')
        return DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=self._location(file.path),
            file_format=FileFormat.PARQUET,
            partition=self._partition(file),
            file_size_in_bytes=file.size,
            sort_order_id=None,
            spec_id=metadata.default_spec_id,
            equality_ids=None,
            key_metadata=None,
            **statistics.to_serialized_dict(),
        )

    def _location(self, path: str) -> str:
        """The file's name in the table, in the form of the table's own location."""
        root = self._table.location().rstrip("/")
        return root + path[len(local_path(root)) :]

    def _partition(self, file: WrittenFile) -> Record:
        from pyiceberg.conversions import partition_to_py
        from pyiceberg.typedef import Record
        from pyiceberg.types import DateType, TimestampType

        schema = self._table.schema()
        values: list[Any] = []
        for field, name in zip(self._fields, self._folders, strict=True):
            text = file.folders[name]
            kind = field.transform.result_type(schema.find_type(field.source_id))
            if isinstance(kind, (DateType, TimestampType)):  # Days and microseconds, as `transformed` counts them.
                values.append(None if text is None else int(text))
            else:
                values.append(None if text is None else partition_to_py(kind, text))  # type: ignore[arg-type]
        return Record(*values)

    def _commit(self, files: list[DataFile]) -> None:
        from pyiceberg.exceptions import CommitFailedException, ValidationException

        partitions = {file.partition for file in files}
        known = self._replaced(partitions).keys()
        for _ in range(_COMMIT_TRIES):
            try:
                self._commit_once(files, partitions)
                return
            except (CommitFailedException, ValidationException) as error:
                self._table.refresh()
                if self._is_committed():
                    return
                if self._mode != "append" and self._replaced(partitions).keys() != known:
                    raise ConflictError(
                        f"another writer has changed what this write to {self._name()} replaces: {error}",
                        hint="look at what it wrote, then run this again",
                    ) from None
        raise ConflictError(f"{self._name()} has too many other writers", hint="run this again")

    def _commit_once(self, files: list[DataFile], partitions: set[Record]) -> None:
        replaced = self._replaced(partitions)
        with self._table.transaction() as transaction:
            properties = {WRITE_PROPERTY: self._identity.id, PLAN_PROPERTY: str(self._identity.plan)}
            update = transaction.update_snapshot(snapshot_properties=properties)
            with update.fast_append() if self._mode == "append" else update.overwrite() as snapshot:
                for old in replaced.values():
                    snapshot.delete_data_file(old)
                for file in files:
                    snapshot.append_data_file(file)

    def _replaced(self, partitions: set[Record]) -> dict[str, DataFile]:
        """The table's files that this write takes the place of, by their paths."""
        if self._mode == "append":
            return {}
        old = {task.file.file_path: task.file for task in self._table.scan().plan_files()}
        if self._mode == "overwrite":
            return old
        return {path: file for path, file in old.items() if file.partition in partitions}

    def _name(self) -> str:
        return ".".join(self._table.name())


def _field_ids(field_id: int, kind: IcebergType) -> Any:
    """DuckDB's COPY option `field_ids` for one column."""
    from pyiceberg.types import ListType, MapType, StructType

    if isinstance(kind, StructType):
        inner = {field.name: _field_ids(field.field_id, field.field_type) for field in kind.fields}
    elif isinstance(kind, ListType):
        inner = {"element": _field_ids(kind.element_id, kind.element_type)}
    elif isinstance(kind, MapType):
        inner = {"key": _field_ids(kind.key_id, kind.key_type), "value": _field_ids(kind.value_id, kind.value_type)}
    else:
        return field_id
    return {"__duckdb_field_id": field_id, **inner}


def transformed(field: PartitionField, schema: Any) -> str:
    """The SQL of a partition's value. UnsupportedError for transforms that SQL hasn't."""
    source = schema.find_field(field.source_id)
    column, kind = quote_name(schema.find_column_name(field.source_id)), iceberg_type(source.field_type)
    transform = str(field.transform)
    moment = f"timezone('UTC', {column})" if kind == "TIMESTAMP WITH TIME ZONE" else column
    if transform == "identity" and kind in ("DATE", "TIMESTAMP"):
        return f"{column} - DATE '1970-01-01'" if kind == "DATE" else f"epoch_us({column})"
    if transform == "identity" and kind not in (
        "BLOB",
        "FLOAT",
        "DOUBLE",
        "TIME",
        "TIMESTAMP_NS",
        "TIMESTAMP WITH TIME ZONE",
    ):
        return column
    if transform == "year":
        return f"year({moment}) - 1970"
    if transform == "month":
        return f"(year({moment}) - 1970) * 12 + month({moment}) - 1"
    if transform == "day":
        return f"CAST({moment} AS DATE) - DATE '1970-01-01'"
    if transform == "hour" and kind != "DATE":
        return f"CAST(floor(epoch_us({moment}) / 3600000000) AS BIGINT)"
    if transform.startswith("truncate") and kind in ("INTEGER", "BIGINT"):
        width = int(transform[9:-1])
        return f"{column} - ((({column} % {width}) + {width}) % {width})"
    if transform.startswith("truncate") and kind == "VARCHAR":
        return f"left({column}, {int(transform[9:-1])})"
    raise UnsupportedError(
        f'a table partitioned by {transform} of "{source.name}", a {kind}, can\'t be written',
        hint="partition it by identity, year, month, day, hour or truncation, or write it with pyiceberg",
    )
