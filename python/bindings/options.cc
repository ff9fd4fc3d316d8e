#include "millpond/options.h"

#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "launcher.h"
#include "object_store.h"
#include "options.h"

namespace nb = nanobind;

namespace millpond::python {

ColumnList columns_of(const Schema& schema) {
  ColumnList columns;
  columns.reserve(schema.size());
  for (const Column& column : schema) columns.emplace_back(column.name, column.type);
  return columns;
}

Schema schema_of(const ColumnList& columns) {
  Schema schema;
  schema.reserve(columns.size());
  for (const auto& [name, type] : columns) schema.push_back({name, type});
  return schema;
}

namespace {

void bind_session_options(nb::module_& module) {
  nb::class_<SessionOptions>(module, "SessionOptions")
      .def(nb::init<>())
      .def_rw("data_root", &SessionOptions::data_root)
      .def_rw("scratch", &SessionOptions::scratch)
      .def_rw("job_id", &SessionOptions::job_id)
      .def_rw("job_name", &SessionOptions::job_name)
      .def_rw("runner", &SessionOptions::runner)
      .def_rw("threads", &SessionOptions::threads)
      .def_rw("memory_limit", &SessionOptions::memory_limit)
      .def_rw("gpus", &SessionOptions::gpus)
      .def_rw("resources", &SessionOptions::resources)
      .def_rw("disk_quota", &SessionOptions::disk_quota)
      .def_rw("scan_task_bytes", &SessionOptions::scan_task_bytes)
      .def_rw("min_task_bytes", &SessionOptions::min_task_bytes)
      .def_rw("max_retries", &SessionOptions::max_retries)
      .def_rw("speculation", &SessionOptions::speculation, nb::arg().none())
      .def_rw("worker_command", &SessionOptions::worker_command)
      .def_prop_rw(
          "worker_launcher", [](const SessionOptions& self) { return self.worker_launcher != nullptr; },
          [](SessionOptions& self, nb::object launcher) { self.worker_launcher = launcher_of(std::move(launcher)); },
          nb::for_getter(nb::sig("def worker_launcher(self) -> bool")),
          nb::for_setter(nb::sig("def worker_launcher(self, launcher: object) -> None")), nb::for_setter(nb::arg().none()))
      .def_prop_rw(
          "object_store", [](const SessionOptions& self) { return self.object_store != nullptr; },
          [](SessionOptions& self, nb::object store) { self.object_store = object_store_of(std::move(store)); },
          nb::for_getter(nb::sig("def object_store(self) -> bool")),
          nb::for_setter(nb::sig("def object_store(self, store: object) -> None")), nb::for_setter(nb::arg().none()))
      .def_rw("keep", &SessionOptions::keep);
}

void bind_repartition_options(nb::module_& module) {
  nb::class_<RepartitionOptions>(module, "RepartitionOptions")
      .def(nb::init<>())
      .def_rw("by", &RepartitionOptions::by)
      .def_rw("hash_by", &RepartitionOptions::hash_by)
      .def_rw("range_by", &RepartitionOptions::range_by)
      .def_rw("by_rows", &RepartitionOptions::by_rows)
      .def_rw("random", &RepartitionOptions::random)
      .def_rw("consolidate", &RepartitionOptions::consolidate)
      .def_rw("repeat", &RepartitionOptions::repeat)
      .def_rw("nested", &RepartitionOptions::nested)
      .def_rw("seed", &RepartitionOptions::seed);
}

void bind_read_options(nb::module_& module) {
  nb::class_<ReadOptions>(module, "ReadOptions")
      .def(nb::init<>())
      .def_rw("recursive", &ReadOptions::recursive)
      .def_rw("columns", &ReadOptions::columns)
      .def_rw("union_by_name", &ReadOptions::union_by_name)
      .def_rw("hive_partitioning", &ReadOptions::hive_partitioning, nb::arg().none())
      .def_rw("filename", &ReadOptions::filename)
      .def_rw("file_row_number", &ReadOptions::file_row_number)
      .def_rw("allow_empty", &ReadOptions::allow_empty)
      .def_rw("new_only", &ReadOptions::new_only)
      .def_prop_rw(
          "schema", [](const ReadOptions& self) { return columns_of(self.schema); },
          [](ReadOptions& self, const ColumnList& columns) { self.schema = schema_of(columns); })
      .def_rw("reader_options", &ReadOptions::reader_options);
}

void bind_write_options(nb::module_& module) {
  nb::enum_<WriteMode>(module, "WriteMode")
      .value("error", WriteMode::kError)
      .value("overwrite", WriteMode::kOverwrite)
      .value("append", WriteMode::kAppend);
  nb::class_<WriteFilesOptions>(module, "WriteFilesOptions")
      .def(nb::init<>())
      .def_rw("format", &WriteFilesOptions::format)
      .def_rw("mode", &WriteFilesOptions::mode)
      .def_rw("partition_by", &WriteFilesOptions::partition_by)
      .def_rw("sort_by", &WriteFilesOptions::sort_by)
      .def_rw("max_rows_per_file", &WriteFilesOptions::max_rows_per_file)
      .def_rw("single_file", &WriteFilesOptions::single_file)
      .def_rw("write_empty_files", &WriteFilesOptions::write_empty_files)
      .def_rw("compression", &WriteFilesOptions::compression)
      .def_rw("copy_options", &WriteFilesOptions::copy_options);
}

void bind_call_options(nb::module_& module) {
  nb::class_<CallOptions>(module, "CallOptions")
      .def(nb::init<>())
      .def_rw("kind", &CallOptions::kind)
      .def_prop_rw(
          "function", [](const CallOptions& self) { return nb::bytes(self.function.data(), self.function.size()); },
          [](CallOptions& self, const nb::bytes& bytes) { self.function.assign(bytes.c_str(), bytes.size()); })
      .def_rw("name", &CallOptions::name)
      .def_rw("batch_size", &CallOptions::batch_size)
      .def_rw("batch_bytes", &CallOptions::batch_bytes)
      .def_rw("batch_format", &CallOptions::batch_format)
      .def_prop_rw(
          "schema",
          [](const CallOptions& self) -> std::optional<ColumnList> {
            if (!self.schema) return {};
            return columns_of(*self.schema);
          },
          [](CallOptions& self, const std::optional<ColumnList>& columns) {
            self.schema = columns ? std::optional<Schema>(schema_of(*columns)) : std::nullopt;
          },
          nb::for_setter(nb::arg("columns").none()))
      .def_rw("threads", &CallOptions::threads)
      .def_rw("memory", &CallOptions::memory)
      .def_rw("gpus", &CallOptions::gpus)
      .def_rw("resources", &CallOptions::resources)
      .def_rw("concurrency", &CallOptions::concurrency);
}

void bind_progress_event(nb::module_& module) {
  nb::class_<ProgressEvent>(module, "ProgressEvent")
      .def_ro("stage", &ProgressEvent::stage)
      .def_ro("stage_id", &ProgressEvent::stage_id)
      .def_ro("tasks_done", &ProgressEvent::tasks_done)
      .def_ro("tasks_total", &ProgressEvent::tasks_total)
      .def_ro("rows", &ProgressEvent::rows)
      .def_ro("bytes", &ProgressEvent::bytes)
      .def_ro("seconds", &ProgressEvent::seconds)
      .def_ro("finished", &ProgressEvent::finished);
}

}  // namespace

void bind_options(nb::module_& module) {
  bind_session_options(module);
  bind_repartition_options(module);
  bind_read_options(module);
  bind_write_options(module);
  bind_call_options(module);
  bind_progress_event(module);
}

}  // namespace millpond::python
