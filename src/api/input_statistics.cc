#include <utility>

#include "api/session_impl.h"

namespace millpond {
namespace {

/// Looking into more footers for a better order of joins would cost more than the order is worth.
constexpr std::size_t kMaxFiles = 64;
constexpr std::size_t kMaxKept = 1024;

}  // namespace

std::vector<ColumnStatistics> Session::Impl::column_statistics(const Node& node) {
  const Node* source = &node;
  while (std::holds_alternative<RepartitionOp>(source->op)) source = source->inputs.front().get();
  const auto* scan = std::get_if<ScanOp>(&source->op);
  if (scan == nullptr || scan->files.size() > kMaxFiles) return {};
  {
    std::lock_guard lock(mutex_);
    if (auto known = column_statistics_.find(source->fingerprint); known != column_statistics_.end()) return known->second;
  }
  auto found = engine().column_statistics(scan->files, scan->options);
  // Without them DuckDB only guesses worse: a file that can't be read is the task's to tell.
  std::vector<ColumnStatistics> statistics = found.is_ok() ? std::move(*found) : std::vector<ColumnStatistics>();
  std::lock_guard lock(mutex_);
  if (column_statistics_.size() >= kMaxKept) column_statistics_.clear();
  return column_statistics_[source->fingerprint] = std::move(statistics);
}

}  // namespace millpond
