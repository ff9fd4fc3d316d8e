#include "api/hive_folders.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/hash.h"
#include "base/quote.h"
#include "data/slice.h"
#include "sql/range_queries.h"

namespace millpond {
namespace {

/// So much larger than its share may the largest partition be.
constexpr double kMostSkew = 1.34;

/// The files of one input by their folders.
struct Dataset {
  std::size_t input = 0;
  Schema columns;
  std::vector<FileSlice> files;
  std::vector<std::size_t> folder_of;              ///< Of each file.
  std::vector<std::vector<std::string>> values;    ///< Of each folder.
};

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

Engine::FolderQuestion question_of(const std::string& name, Dataset& data) {
  Engine::FolderQuestion question{name, data.columns, {}};
  std::map<std::string, std::size_t> known;
  for (const FileSlice& file : data.files) {
    const auto [entry, is_new] = known.try_emplace(folder_of(file.path), question.paths.size());
    if (is_new) question.paths.push_back(file.path);
    data.folder_of.push_back(entry->second);
  }
  return question;
}

void drop_unread(Dataset& data, const std::vector<bool>& is_read) {
  Dataset kept{data.input, data.columns, {}, {}, data.values};
  for (std::size_t i = 0; i < data.files.size(); ++i) {
    if (!is_read[data.folder_of[i]]) continue;
    kept.files.push_back(std::move(data.files[i]));
    kept.folder_of.push_back(data.folder_of[i]);
  }
  data = std::move(kept);
}

/// Folders of equal values of these columns are one.
struct Level {
  std::vector<std::size_t> columns;
  std::vector<std::string> keys;  ///< Of each file.
};

Level level_of(const Dataset& data, std::size_t depth) {
  Level level;
  for (std::size_t column = 0; column < depth; ++column) {
    const auto& first = data.values[data.folder_of.front()][column];
    // What is the same everywhere places no row.
    const bool is_same = std::all_of(data.folder_of.begin(), data.folder_of.end(),
                                     [&](std::size_t folder) { return data.values[folder][column] == first; });
    if (!is_same) level.columns.push_back(column);
  }
  for (const std::size_t folder : data.folder_of) {
    std::string key;
    for (const std::size_t column : level.columns) key += data.values[folder][column] + "\n";
    level.keys.push_back(std::move(key));
  }
  return level;
}

/// Runs of keys, in the order in which they are first met, of about equal sizes.
std::map<std::string, std::int64_t> deal_keys(const std::vector<std::pair<const Dataset*, const Level*>>& all, std::int64_t count) {
  std::vector<std::string> order;
  std::map<std::string, double> sizes;
  double total = 0;
  for (const auto& [data, level] : all) {
    for (std::size_t i = 0; i < data->files.size(); ++i) {
      const auto size = static_cast<double>(std::max<std::int64_t>(slice_bytes(data->files[i]), 1));
      const auto [entry, is_new] = sizes.try_emplace(level->keys[i], 0);
      if (is_new) order.push_back(level->keys[i]);
      entry->second += size;
      total += size;
    }
  }
  std::map<std::string, std::int64_t> dealt;
  double before = 0;
  for (const std::string& key : order) {
    const double middle = before + sizes.at(key) / 2;
    dealt[key] = std::min(count - 1, static_cast<std::int64_t>(middle / total * static_cast<double>(count)));
    before += sizes.at(key);
  }
  return dealt;
}

double largest(const Dataset& data, const std::vector<std::int64_t>& targets, std::int64_t count) {
  std::vector<double> sizes(static_cast<std::size_t>(count), 0);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    sizes[static_cast<std::size_t>(targets[i])] += static_cast<double>(slice_bytes(data.files[i]));
  }
  return *std::max_element(sizes.begin(), sizes.end());
}

/// Whether no partition gets much more than it would where files are dealt without regard to folders.
bool is_even(const Dataset& data, const std::vector<std::int64_t>& targets, std::int64_t count) {
  double total = 0;
  std::vector<std::int64_t> runs;
  const auto files = static_cast<std::int64_t>(data.files.size());
  for (std::int64_t i = 0; i < files; ++i) {
    total += static_cast<double>(slice_bytes(data.files[static_cast<std::size_t>(i)]));
    runs.push_back(i * count / files);
  }
  const double share = total / static_cast<double>(count);
  return largest(data, targets, count) <= kMostSkew * std::max(share, files >= count ? largest(data, runs, count) : 0);
}

std::vector<std::int64_t> targets_of(const Level& level, const std::map<std::string, std::int64_t>& dealt) {
  std::vector<std::int64_t> targets;
  for (const std::string& key : level.keys) targets.push_back(dealt.at(key));
  return targets;
}

/// The fewest outer folders that can be dealt evenly.
std::optional<Level> even_level(const Dataset& data, std::int64_t count) {
  for (std::size_t depth = 1; depth <= data.columns.size() && !data.files.empty(); ++depth) {
    if (!equals_only_itself(data.columns[depth - 1].type)) return {};
    Level level = level_of(data, depth);
    if (is_even(data, targets_of(level, deal_keys({{&data, &level}}, count)), count)) return level;
  }
  return {};
}

std::string types_of(const Dataset& data, const Level& level) {
  std::string types;
  for (const std::size_t column : level.columns) types += data.columns[column].type + "\n";
  return types;
}

NodePtr deal(const FrameContext& context, const NodePtr& scan, const Dataset& data, const Level& level,
             const std::map<std::string, std::int64_t>& dealt, std::int64_t count) {
  RepartitionOp op;
  op.kind = RepartitionOp::Kind::kFiles;
  op.count = count;
  op.targets = targets_of(level, dealt);
  std::string text = types_of(data, level) + std::to_string(count);
  for (const auto& [key, target] : dealt) text += "\n" + key + std::to_string(target);
  Partitioning partitioning = other_partitioning(Partitioning::Kind::kFolders, count, "folders/" + xxh3_128_hex(text));
  for (const std::size_t column : level.columns) {
    const std::string& name = data.columns[column].name;
    partitioning.determined_by.push_back({quote_identifier(name), {name}});
  }
  return context.frame(std::move(op), {scan}, scan->schema, std::move(partitioning)).node();
}

}  // namespace

std::vector<NodePtr> with_folders(const FrameContext& context, const std::string& query, const std::vector<std::string>& names,
                                  const std::vector<NodePtr>& nodes, std::int64_t partitions) {
  std::vector<NodePtr> result = nodes;
  std::vector<BoundInput> inputs;
  std::vector<Dataset> all;
  std::vector<Engine::FolderQuestion> questions;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    inputs.push_back({names[i], *nodes[i]->schema, -1, 1});
    const auto* scan = std::get_if<ScanOp>(&nodes[i]->op);
    if (partitions == 1 || scan == nullptr || scan->options.hive_columns.empty() || scan->files.empty()) continue;
    all.push_back({i, scan->options.hive_columns, scan->files, {}, {}});
    questions.push_back(question_of(names[i], all.back()));
  }
  if (all.empty()) return result;
  Result<Engine*> cutter = context.impl().cutter();
  if (!cutter.is_ok()) return result;
  // What is wrong with the query is told where it is cut.
  const auto answers = (*cutter)->read_folders(query, inputs, questions);
  if (!answers.is_ok()) return result;
  std::vector<std::optional<Level>> levels;
  for (std::size_t i = 0; i < all.size(); ++i) {
    Dataset& data = all[i];
    data.values = (*answers)[i].values;
    drop_unread(data, (*answers)[i].is_read);
    ScanOp scan = std::get<ScanOp>(nodes[data.input]->op);
    if (scan.files.size() != data.files.size()) {
      scan.files = data.files;
      result[data.input] = context.frame(std::move(scan), {}, nodes[data.input]->schema, single_partition()).node();
    }
    levels.push_back(even_level(data, partitions));
  }
  // Inputs with folders of the same kind are dealt alike, where that is even for all of them.
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!levels[i]) continue;
    std::vector<std::pair<const Dataset*, const Level*>> alike;
    for (std::size_t j = 0; j < all.size(); ++j) {
      if (levels[j] && types_of(all[j], *levels[j]) == types_of(all[i], *levels[i])) alike.emplace_back(&all[j], &*levels[j]);
    }
    auto dealt = deal_keys(alike, partitions);
    const bool is_even_for_all = std::all_of(alike.begin(), alike.end(), [&](const auto& one) {
      return is_even(*one.first, targets_of(*one.second, dealt), partitions);
    });
    if (!is_even_for_all) dealt = deal_keys({{&all[i], &*levels[i]}}, partitions);
    result[all[i].input] = deal(context, result[all[i].input], all[i], *levels[i], dealt, partitions);
  }
  return result;
}

}  // namespace millpond
