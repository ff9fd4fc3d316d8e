#include <utility>

#include "task/task.h"

namespace millpond {
namespace {

// Segments are triples instead of objects: a file may have ten thousand of them.
Json file_to_json(const OutputFile& file) {
  Json json = Json::object(
      {{"path", file.path}, {"num_bytes", file.num_bytes}, {"num_rows", file.num_rows}, {"digest", file.digest}});
  if (file.segments.empty()) return json;
  Json::Array segments;
  segments.reserve(file.segments.size());
  for (const OutputFile::Segment& segment : file.segments) {
    segments.push_back(Json::array({Json(segment.partition), Json(segment.num_rows), Json(segment.num_bytes)}));
  }
  json.set("segments", Json(std::move(segments)));
  return json;
}

Result<OutputFile::Segment> segment_from_json(const Json& json) {
  if (!json.is_array() || json.as_array().size() != 3) {
    return Status::data_corrupt("a segment of an output file is not three integers");
  }
  for (const Json& number : json.as_array()) {
    if (!number.is_int()) return Status::data_corrupt("a segment of an output file is not three integers");
  }
  return OutputFile::Segment{json.as_array()[0].as_int(), json.as_array()[1].as_int(), json.as_array()[2].as_int()};
}

Result<OutputFile> file_from_json(const Json& json) {
  OutputFile file;
  MILLPOND_ASSIGN_OR_RETURN(file.path, json.get_string("path"));
  MILLPOND_ASSIGN_OR_RETURN(file.num_bytes, json.get_int("num_bytes"));
  MILLPOND_ASSIGN_OR_RETURN(file.num_rows, json.get_int("num_rows"));
  MILLPOND_ASSIGN_OR_RETURN(file.digest, json.get_string("digest"));
  if (json.find("segments") == nullptr) return file;
  MILLPOND_ASSIGN_OR_RETURN(const Json::Array* segments, json.get_array("segments"));
  file.segments.reserve(segments->size());
  for (const Json& item : *segments) {
    MILLPOND_ASSIGN_OR_RETURN(const OutputFile::Segment segment, segment_from_json(item));
    file.segments.push_back(segment);
  }
  return file;
}

Json metrics_to_json(const TaskMetrics& metrics) {
  return Json::object({{"seconds", metrics.seconds},
                       {"rows_in", metrics.rows_in},
                       {"rows_out", metrics.rows_out},
                       {"bytes_out", metrics.bytes_out},
                       {"peak_memory_bytes", metrics.peak_memory_bytes},
                       {"spill_bytes", metrics.spill_bytes},
                       {"worker", metrics.worker}});
}

Result<TaskMetrics> metrics_from_json(const Json& json) {
  TaskMetrics metrics;
  MILLPOND_ASSIGN_OR_RETURN(metrics.seconds, json.get_double("seconds"));
  MILLPOND_ASSIGN_OR_RETURN(metrics.rows_in, json.get_int("rows_in"));
  MILLPOND_ASSIGN_OR_RETURN(metrics.rows_out, json.get_int("rows_out"));
  MILLPOND_ASSIGN_OR_RETURN(metrics.bytes_out, json.get_int("bytes_out"));
  MILLPOND_ASSIGN_OR_RETURN(metrics.peak_memory_bytes, json.get_int("peak_memory_bytes"));
  MILLPOND_ASSIGN_OR_RETURN(metrics.spill_bytes, json.get_int("spill_bytes"));
  MILLPOND_ASSIGN_OR_RETURN(metrics.worker, json.get_string("worker"));
  return metrics;
}

}  // namespace

Json task_result_to_json(const TaskResult& result) {
  Json::Array files;
  files.reserve(result.files.size());
  for (const OutputFile& file : result.files) files.push_back(file_to_json(file));
  return Json::object({{"version", result.version},
                       {"task", result.task},
                       {"attempt", result.attempt},
                       {"status", status_to_json(result.status)},
                       {"schema", schema_to_json(result.schema)},
                       {"directory", result.directory},
                       {"files", Json(std::move(files))},
                       {"metrics", metrics_to_json(result.metrics)}});
}

Result<TaskResult> task_result_from_json(const Json& json) {
  TaskResult result;
  MILLPOND_ASSIGN_OR_RETURN(result.version, json.get_int("version"));
  if (result.version != kTaskVersion) {
    return Status::unsupported("a task's result has format version " + std::to_string(result.version) +
                                   ", this millpond reads version " + std::to_string(kTaskVersion),
                               "Run the same version of millpond everywhere.");
  }
  MILLPOND_ASSIGN_OR_RETURN(result.task, json.get_int("task"));
  MILLPOND_ASSIGN_OR_RETURN(result.attempt, json.get_string("attempt"));
  MILLPOND_ASSIGN_OR_RETURN(const Json* status, json.get_object("status"));
  result.status = status_from_json(*status);
  MILLPOND_ASSIGN_OR_RETURN(const Json::Array* schema, json.get_array("schema"));
  MILLPOND_ASSIGN_OR_RETURN(result.schema, schema_from_json(Json(*schema)));
  MILLPOND_ASSIGN_OR_RETURN(result.directory, json.get_string("directory"));
  MILLPOND_ASSIGN_OR_RETURN(const Json::Array* files, json.get_array("files"));
  for (const Json& item : *files) {
    MILLPOND_ASSIGN_OR_RETURN(OutputFile file, file_from_json(item));
    result.files.push_back(std::move(file));
  }
  MILLPOND_ASSIGN_OR_RETURN(const Json* metrics, json.get_object("metrics"));
  MILLPOND_ASSIGN_OR_RETURN(result.metrics, metrics_from_json(*metrics));
  return result;
}

}  // namespace millpond
