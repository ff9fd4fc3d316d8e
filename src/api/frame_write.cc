#include <filesystem>
#include <utility>

#include "api/frames.h"
#include "base/uri.h"
#include "data/schema.h"
#include "storage/local_path.h"
#include "storage/parent_path.h"

namespace millpond {
namespace {

Schema written_schema() { return {{"path", "VARCHAR"}, {"rows", "BIGINT"}, {"bytes", "BIGINT"}}; }

Status check_columns(const NodePtr& node, const std::vector<std::string>& columns, const std::string& option) {
  if (!node->schema) return Status::ok();
  for (const auto& column : columns) {
    if (find_column(*node->schema, column) < 0) {
      const Status status = no_such_column(*node->schema, column);
      return Status::invalid_argument(option + ": " + status.message(), status.hint());
    }
  }
  return Status::ok();
}

// One name for one place, so that every worker means the same. On a store names are taken literally.
Result<std::string> target_path(const std::string& path) {
  MILLPOND_ASSIGN_OR_RETURN(std::string found_at, readable_path(path));
  if (has_scheme(found_at)) return trimmed_path(std::move(found_at));
  return std::filesystem::absolute(found_at).lexically_normal().string();
}

}  // namespace

Result<DataFrame> DataFrame::write_lazy(const std::string& path, const WriteFilesOptions& options,
                                        const std::string& location) const {
  FrameContext context{session_, "write_" + options.format, location};
  auto make = [&]() -> Result<DataFrame> {
    if (path.empty()) return Status::invalid_argument("the path to write to is empty");
    MILLPOND_ASSIGN_OR_RETURN(const FileFormat format, file_format_from_name(options.format));
    if (node_->schema) MILLPOND_RETURN_IF_ERROR(session_->impl().engine().check_writable(*node_->schema, format));
    MILLPOND_ASSIGN_OR_RETURN(const std::string target, target_path(path));
    MILLPOND_RETURN_IF_ERROR(check_columns(node_, options.partition_by, "partition_by"));
    if (options.single_file && !options.partition_by.empty()) {
      return Status::invalid_argument("single_file and partition_by exclude each other");
    }
    if (options.single_file && options.mode == WriteMode::kAppend) {
      return Status::invalid_argument("one file can't be appended to", "write a folder (single_file=False) to append to it");
    }
    if (options.max_rows_per_file < 0) return Status::invalid_argument("max_rows_per_file must not be negative");
    if (!options.sort_by.empty() && node_->schema) {
      std::string order;
      for (const auto& key : options.sort_by) order += (order.empty() ? "" : ", ") + key;
      MILLPOND_RETURN_IF_ERROR(
          bind_partial_sql(session_->impl(), "SELECT * FROM {0} ORDER BY " + order, {*node_->schema}).status());
    }
    WriteOp op{target, options, 0};
    if (options.mode == WriteMode::kAppend) op.sequence = session_->impl().next_append();
    if (options.mode == WriteMode::kOverwrite) op.sequence = session_->impl().overwrites_of(target);
    Partitioning partitioning = node_->partitioning;
    partitioning.keys.clear();
    partitioning.determined_by.clear();
    return context.frame(std::move(op), {node_}, written_schema(), std::move(partitioning));
  };
  Result<DataFrame> frame = make();
  if (!frame.is_ok()) return context.fail(frame.status());
  return frame;
}

Status DataFrame::write(const std::string& path, const WriteFilesOptions& options, const std::string& location) const {
  MILLPOND_ASSIGN_OR_RETURN(const DataFrame frame, write_lazy(path, options, location));
  return session_->impl().run({frame.node()});
}

}  // namespace millpond
