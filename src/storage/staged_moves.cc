#include "storage/staged_moves.h"

#include <utility>

#include "base/json.h"
#include "storage/file_content.h"
#include "storage/parent_path.h"
#include "storage/staging.h"

namespace millpond {
namespace {

std::string note_path(const std::string& staging) { return staging + "/moves.json"; }

Json to_json(const std::vector<StagedMove>& moves) {
  Json::Array items;
  items.reserve(moves.size());
  for (const StagedMove& move : moves) {
    items.push_back(Json::object({{"from", move.from}, {"name", move.name}, {"file_id", move.file_id}}));
  }
  return Json::object({{"version", 1}, {"moves", Json(std::move(items))}});
}

Result<std::vector<StagedMove>> from_json(const Json& json) {
  MILLPOND_ASSIGN_OR_RETURN(const Json::Array* items, json.get_array("moves"));
  std::vector<StagedMove> moves;
  for (const Json& item : *items) {
    StagedMove move;
    MILLPOND_ASSIGN_OR_RETURN(move.from, item.get_string("from"));
    MILLPOND_ASSIGN_OR_RETURN(move.name, item.get_string("name"));
    MILLPOND_ASSIGN_OR_RETURN(const std::int64_t file_id, item.get_int("file_id"));
    move.file_id = static_cast<std::uint64_t>(file_id);
    moves.push_back(std::move(move));
  }
  return moves;
}

// The note is written whole before the first move, so one that can't be read was never acted on.
Result<std::vector<StagedMove>> read_note(FileSystem& files, const std::string& staging) {
  const Result<std::string> text = read_file(files, note_path(staging));
  if (text.status().code() == StatusCode::kNotFound) return std::vector<StagedMove>();
  if (!text.is_ok()) return text.status();
  const Result<Json> json = Json::parse(*text);
  if (!json.is_ok()) return std::vector<StagedMove>();
  return from_json(*json);
}

Status undo_move(FileSystem& files, const std::string& staging, const StagedMove& move) {
  const std::string to = staged_output(staging) + "/" + move.name;
  const Result<FileInfo> info = files.stat(to);
  if (info.status().code() == StatusCode::kNotFound) return Status::ok();
  if (!info.is_ok()) return info.status();
  if (info->is_directory || move.file_id == 0 || info->file_id != move.file_id) return Status::ok();
  MILLPOND_RETURN_IF_ERROR(files.make_directories(parent_path(move.from), 0700));
  const Status status = files.rename_no_replace(to, move.from);
  // The task wrote it anew in the meantime.
  return status.code() == StatusCode::kAlreadyExists ? Status::ok() : status;
}

}  // namespace

Status move_staged(FileSystem& files, const std::string& staging, const std::vector<StagedMove>& moves) {
  MILLPOND_RETURN_IF_ERROR(write_file(files, note_path(staging), to_json(moves).dump()));
  MILLPOND_RETURN_IF_ERROR(files.sync_directory(staging));
  for (const StagedMove& move : moves) {
    const std::string to = staged_output(staging) + "/" + move.name;
    MILLPOND_RETURN_IF_ERROR(files.make_directories(parent_path(to), 0777));
    MILLPOND_RETURN_IF_ERROR(files.rename_no_replace(move.from, to));
  }
  return Status::ok();
}

Status undo_staged_moves(FileSystem& files, const std::string& staging) {
  MILLPOND_ASSIGN_OR_RETURN(const std::vector<StagedMove> moves, read_note(files, staging));
  for (const StagedMove& move : moves) MILLPOND_RETURN_IF_ERROR(undo_move(files, staging, move));
  return moves.empty() ? Status::ok() : files.remove_file(note_path(staging));
}

}  // namespace millpond
