#include <utility>

#include "plan/node.h"

namespace millpond {
namespace {

Json strings(const std::vector<std::string>& values) { return Json::Array(values.begin(), values.end()); }

Json pairs(const std::map<std::string, std::string>& values) {
  Json::Object object;
  for (const auto& [key, value] : values) object.emplace_back(key, value);
  return object;
}

Json to_json(const ScanOp& op) {
  Json::Array files;
  for (const auto& file : op.files) files.push_back(slice_to_json(file));
  return Json::object({{"files", std::move(files)}, {"options", scan_options_to_json(op.options)}});
}

Json to_json(const ValuesOp& op) {
  std::int64_t rows = 0;
  for (const auto& partition : op.partitions) {
    for (const auto& segment : partition) rows += segment.num_rows;
  }
  return Json::object({{"digest", op.digest}, {"rows", rows}});
}

Json to_json(const PartialSqlOp& op) {
  Json json = Json::object({{"query", op.query}, {"setup", strings(op.setup)}});
  // Its rows may lie in other partitions than those of a partition-wise query of the same text.
  if (op.is_global) json.set("is_global", true);
  return json;
}

Json to_json(const CallOp& op) {
  return Json::object({{"kind", op.kind},
                       {"function", op.name},
                       {"digest", op.function_digest},
                       {"batch_size", op.batch_size},
                       {"batch_bytes", op.batch_bytes},
                       {"batch_format", op.batch_format},
                       {"schema", op.schema ? schema_to_json(*op.schema) : Json()}});
}

Json to_json(const RepartitionOp& op) {
  Json json = Json::object({{"kind", std::string(repartition_kind_name(op.kind))},
                            {"count", op.count},
                            {"keys", strings(op.keys)},
                            {"seed", op.seed},
                            {"nested", op.nested}});
  if (op.kind == RepartitionOp::Kind::kRange) {
    json.set("orders", strings(op.orders));
    json.set("splits_ties", op.splits_ties);
  }
  if (!op.targets.empty()) {
    Json::Array targets(op.targets.begin(), op.targets.end());
    json.set("targets", std::move(targets));
  }
  return json;
}

Json to_json(const UnionOp&) { return Json::object({}); }

Json to_json(const LimitOp& op) { return Json::object({{"count", op.count}}); }

Json to_json(const WriteOp& op) {
  const auto& options = op.options;
  return Json::object({{"path", op.path},
                       {"sequence", op.sequence},
                       {"format", options.format},
                       {"mode", static_cast<int>(options.mode)},
                       {"partition_by", strings(options.partition_by)},
                       {"sort_by", strings(options.sort_by)},
                       {"max_rows_per_file", options.max_rows_per_file},
                       {"single_file", options.single_file},
                       {"write_empty_files", options.write_empty_files},
                       {"compression", options.compression},
                       {"copy_options", pairs(options.copy_options)}});
}

}  // namespace

std::string_view repartition_kind_name(RepartitionOp::Kind kind) {
  switch (kind) {
    case RepartitionOp::Kind::kFiles: return "files";
    case RepartitionOp::Kind::kRows: return "rows";
    case RepartitionOp::Kind::kHash: return "hash";
    case RepartitionOp::Kind::kNumber: return "number";
    case RepartitionOp::Kind::kRandom: return "random";
    case RepartitionOp::Kind::kConsolidate: return "consolidate";
    case RepartitionOp::Kind::kRepeat: return "repeat";
    case RepartitionOp::Kind::kRange: return "range";
  }
  return "files";
}

std::string_view op_name(const Op& op) {
  static constexpr std::string_view kNames[] = {"scan",        "values", "partial_sql", "call",
                                                "repartition", "union",  "limit",       "write"};
  return kNames[op.index()];
}

Json op_to_json(const Op& op) {
  Json body = std::visit([](const auto& value) { return to_json(value); }, op);
  Json json = Json::object({{"op", std::string(op_name(op))}});
  for (auto& [key, value] : body.as_object()) json.set(key, std::move(value));
  return json;
}

}  // namespace millpond
