#include "sql/engine_fixture.h"

#include <fstream>

namespace millpond {
namespace {

// Reads a one-column stream of non-null strings (int32 offsets).
std::vector<std::string> texts_of(ArrowStream stream) {
  std::vector<std::string> texts;
  ArrowSchema schema;
  REQUIRE(stream->get_schema(stream.get(), &schema) == 0);
  REQUIRE(schema.n_children == 1);
  REQUIRE(std::string(schema.children[0]->format) == "u");
  schema.release(&schema);
  while (true) {
    ArrowArray batch;
    const int code = stream->get_next(stream.get(), &batch);
    const char* error = stream->get_last_error(stream.get());
    INFO((error == nullptr ? "" : error));
    REQUIRE(code == 0);
    if (batch.release == nullptr) return texts;
    const ArrowArray& column = *batch.children[0];
    const auto* offsets = static_cast<const std::int32_t*>(column.buffers[1]) + column.offset;
    const char* data = static_cast<const char*>(column.buffers[2]);
    for (std::int64_t i = 0; i < column.length; ++i) texts.emplace_back(data + offsets[i], offsets[i + 1] - offsets[i]);
    batch.release(&batch);
  }
}

}  // namespace

std::vector<std::string> rows_of(Engine& engine, const std::string& query, const std::vector<TaskInput>& inputs) {
  const std::string text =
      "SELECT concat_ws('|', *COLUMNS(*)) AS row FROM (SELECT coalesce(CAST(COLUMNS(*) AS VARCHAR), 'NULL') FROM (" +
      query + "\n))";
  return texts_of(value_of(engine.read(text, inputs)));
}

Task parquet_task(const std::string& query, const std::string& directory) {
  Task task;
  task.query = query;
  task.attempt = "a000001";
  task.output.directory = directory;
  task.output.files = WriteOptions{};
  return task;
}

TaskResult run(Engine& engine, const Task& task) {
  const std::atomic<bool> cancel{false};
  TaskResult result = engine.run_task(task, {}, cancel);
  INFO(result.status.to_string());
  REQUIRE(result.status.is_ok());
  return result;
}

FileSlice file_slice(const std::string& path) {
  const FileInfo info = value_of(local_file_system()->stat(path));
  FileSlice slice;
  slice.path = path;
  slice.size = info.size;
  slice.mtime_ns = info.mtime_ns;
  return slice;
}

TaskInput file_input(Engine& engine, const std::string& name, const std::vector<std::string>& paths, FileFormat format,
                     const Schema& declared) {
  std::vector<FileSlice> files;
  for (const std::string& path : paths) files.push_back(file_slice(path));
  ScanOptions options;
  options.format = format;
  Engine::FileSet set = value_of(engine.describe(std::move(files), options, declared));
  TaskInput input;
  input.name = name;
  input.schema = set.schema;
  input.scan = set.options;
  for (FileSlice& file : set.files) input.slices.emplace_back(std::move(file));
  return input;
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  REQUIRE(file.good());
}

}  // namespace millpond
