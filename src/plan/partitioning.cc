#include "plan/partitioning.h"

#include <array>
#include <string_view>
#include <utility>

namespace millpond {
namespace {

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const auto& part : parts) {
    if (!text.empty()) text += separator;
    text += part;
  }
  return text;
}

std::string_view kind_name(Partitioning::Kind kind) {
  switch (kind) {
    case Partitioning::Kind::kUnknown: return "unknown";
    case Partitioning::Kind::kSingle: return "single";
    case Partitioning::Kind::kHash: return "hash";
    case Partitioning::Kind::kNumber: return "number";
    case Partitioning::Kind::kRandom: return "random";
    case Partitioning::Kind::kRange: return "range";
    case Partitioning::Kind::kFolders: return "folders";
  }
  return "unknown";
}

}  // namespace

std::string canonical_hash_type(const std::string& type) {
  static constexpr std::array<std::string_view, 10> kIntegers = {"TINYINT",  "SMALLINT",  "INTEGER", "BIGINT",  "HUGEINT",
                                                                 "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"};
  for (auto integer : kIntegers) {
    if (type == integer) return "integer";
  }
  if (type == "FLOAT" || type == "DOUBLE") return "floating";
  return type;
}

Partitioning single_partition() { return {}; }

Partitioning hash_partitioning(std::vector<std::string> keys, const std::vector<std::string>& types, std::int64_t count) {
  Partitioning result;
  result.kind = Partitioning::Kind::kHash;
  result.count = count;
  result.keys = std::move(keys);
  result.identity = "hash-1/" + std::to_string(count);
  for (const auto& type : types) result.identity += "/" + canonical_hash_type(type);
  return result;
}

std::vector<std::string> range_texts(const std::vector<Partitioning::Range>& ranges) {
  std::vector<std::string> texts;
  for (const auto& range : ranges) texts.push_back(range.column + (range.order == "ASC NULLS LAST" ? "" : " " + range.order));
  return texts;
}

Partitioning other_partitioning(Partitioning::Kind kind, std::int64_t count, std::string identity) {
  if (count == 1) return single_partition();
  Partitioning result;
  result.kind = kind;
  result.count = count;
  result.identity = std::move(identity);
  return result;
}

Partitioning nested_partitioning(const Partitioning& outer, const Partitioning& inner) {
  if (outer.count == 1) return inner;
  Partitioning result = inner;
  // Rows of equal keys meet only within their outer partition.
  result.kind = Partitioning::Kind::kUnknown;
  result.keys.clear();
  result.ranges.clear();
  result.determined_by = outer.determined_by;
  result.determined_by.insert(result.determined_by.end(), inner.determined_by.begin(), inner.determined_by.end());
  if (outer.determined_by.empty() || inner.determined_by.empty()) result.determined_by.clear();
  result.count = outer.count * inner.count;
  result.identity = outer.identity + " > " + inner.identity;
  result.outer = outer.outer;
  result.outer.push_back({outer.count, outer.identity});
  return result;
}

bool can_be_dealt_again(const Partitioning& partitioning) {
  return partitioning.kind == Partitioning::Kind::kHash && !partitioning.keys.empty() && partitioning.outer.empty();
}

std::string partitioning_to_string(const Partitioning& partitioning) {
  if (partitioning.count == 1) return "1 partition";
  std::string text = std::to_string(partitioning.count) + " partitions";
  switch (partitioning.kind) {
    case Partitioning::Kind::kHash:
      return text + " by hash" + (partitioning.keys.empty() ? "" : "(" + join(partitioning.keys, ", ") + ")");
    case Partitioning::Kind::kNumber: return text + " by number";
    case Partitioning::Kind::kRandom: return text + " by chance";
    case Partitioning::Kind::kRange:
      return text + " by range" + (partitioning.ranges.empty() ? "" : "(" + join(range_texts(partitioning.ranges), ", ") + ")");
    case Partitioning::Kind::kFolders: return text + " by folders";
    default: return text;
  }
}

Json partitioning_to_json(const Partitioning& partitioning) {
  Json::Array keys(partitioning.keys.begin(), partitioning.keys.end());
  return Json::object({{"kind", std::string(kind_name(partitioning.kind))},
                       {"count", partitioning.count},
                       {"keys", std::move(keys)},
                       {"identity", partitioning.identity},
                       {"dimensions", static_cast<std::int64_t>(partitioning.outer.size()) + 1}});
}

}  // namespace millpond
