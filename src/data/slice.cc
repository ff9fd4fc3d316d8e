#include "data/slice.h"

#include <algorithm>
#include <utility>

namespace millpond {
namespace {

std::int64_t whole_rows(const FileSlice& slice) { return slice.num_rows; }
std::int64_t whole_rows(const SegmentSlice& slice) { return slice.num_rows; }
std::int64_t whole_bytes(const FileSlice& slice) { return slice.lines ? slice.lines->size() : slice.size; }
std::int64_t whole_bytes(const SegmentSlice& slice) { return slice.num_bytes; }

// The rows of `slice` that are numbers [begin, end) among its own rows.
Slice sub_slice(const Slice& slice, std::int64_t begin, std::int64_t end) {
  return std::visit(
      [&](auto part) -> Slice {
        if (begin == 0 && end == slice_rows(slice)) return part;
        const std::int64_t first = part.rows.has_value() ? part.rows->begin : 0;
        part.rows = RowRange{first + begin, first + end};
        return part;
      },
      slice);
}

template <typename Range>
bool follows(const std::optional<Range>& before, const std::optional<Range>& next) {
  return before && next && before->end == next->begin;
}

template <typename Range>
Json range_to_json(const Range& range) {
  return Json::array({Json(range.begin), Json(range.end)});
}

template <typename Range>
Result<std::optional<Range>> range_from_json(const Json& json, const std::string& member) {
  const Json* pair = json.find(member);
  if (pair == nullptr || pair->is_null()) return std::optional<Range>();
  if (!pair->is_array() || pair->as_array().size() != 2 || !pair->as_array()[0].is_int() || !pair->as_array()[1].is_int()) {
    return Status::data_corrupt("JSON member \"" + member + "\" of a slice is not a pair of integers");
  }
  const Range range{pair->as_array()[0].as_int(), pair->as_array()[1].as_int()};
  if (range.begin < 0 || range.end < range.begin) {
    return Status::data_corrupt("the range \"" + member + "\" of a slice is not in order: " + std::to_string(range.begin) +
                                " to " + std::to_string(range.end));
  }
  return std::optional<Range>(range);
}

Json file_slice_to_json(const FileSlice& slice) {
  Json json = Json::object({{"path", slice.path}, {"size", slice.size}, {"mtime_ns", slice.mtime_ns}});
  if (!slice.tag.empty()) json.set("tag", slice.tag);
  if (slice.num_rows >= 0) json.set("num_rows", slice.num_rows);
  if (slice.rows.has_value()) json.set("rows", range_to_json(*slice.rows));
  if (slice.lines.has_value()) json.set("lines", range_to_json(*slice.lines));
  return json;
}

Json segment_slice_to_json(const SegmentSlice& slice) {
  Json json = Json::object({{"path", slice.path},
                            {"partition", slice.partition},
                            {"num_rows", slice.num_rows},
                            {"num_bytes", slice.num_bytes},
                            {"index_digest", slice.index_digest}});
  if (slice.rows.has_value()) json.set("rows", range_to_json(*slice.rows));
  return json;
}

}  // namespace

std::int64_t slice_rows(const Slice& slice) {
  return std::visit([](const auto& part) { return part.rows.has_value() ? part.rows->size() : whole_rows(part); },
                    slice);
}

std::int64_t slice_bytes(const Slice& slice) {
  return std::visit(
      [](const auto& part) -> std::int64_t {
        const std::int64_t rows = whole_rows(part);
        if (!part.rows.has_value() || rows <= 0) return whole_bytes(part);
        // Through double: rows times bytes may exceed 64 bits, and this is an estimate.
        return static_cast<std::int64_t>(static_cast<double>(whole_bytes(part)) *
                                         static_cast<double>(part.rows->size()) / static_cast<double>(rows));
      },
      slice);
}

std::vector<Slice> joined_ranges(const std::vector<Slice>& slices) {
  std::vector<Slice> all;
  for (const Slice& slice : slices) {
    const auto* next = std::get_if<FileSlice>(&slice);
    auto* last = all.empty() ? nullptr : std::get_if<FileSlice>(&all.back());
    const bool is_same = next != nullptr && last != nullptr && last->path == next->path;
    if (is_same && follows(last->rows, next->rows)) {
      last->rows->end = next->rows->end;
    } else if (is_same && follows(last->lines, next->lines)) {
      last->lines->end = next->lines->end;
    } else {
      all.push_back(slice);
    }
  }
  for (Slice& slice : all) {
    auto* file = std::get_if<FileSlice>(&slice);
    if (file == nullptr) continue;
    if (file->rows && file->rows->begin == 0 && file->rows->end == file->num_rows) file->rows.reset();
    if (file->lines && file->lines->begin == 0 && file->lines->end == file->size) file->lines.reset();
  }
  return all;
}

Json slice_to_json(const Slice& slice) {
  if (const auto* file = std::get_if<FileSlice>(&slice)) return file_slice_to_json(*file);
  return segment_slice_to_json(std::get<SegmentSlice>(slice));
}

Result<Slice> slice_from_json(const Json& json) {
  MILLPOND_ASSIGN_OR_RETURN(std::string path, json.get_string("path"));
  MILLPOND_ASSIGN_OR_RETURN(std::optional<RowRange> rows, range_from_json<RowRange>(json, "rows"));
  if (json.find("partition") != nullptr) {  // Only segments have one.
    SegmentSlice slice;
    slice.path = std::move(path);
    slice.rows = rows;
    MILLPOND_ASSIGN_OR_RETURN(slice.partition, json.get_int("partition"));
    MILLPOND_ASSIGN_OR_RETURN(slice.num_rows, json.get_int("num_rows"));
    MILLPOND_ASSIGN_OR_RETURN(slice.num_bytes, json.get_int("num_bytes"));
    MILLPOND_ASSIGN_OR_RETURN(slice.index_digest, json.get_string("index_digest"));
    return Slice(std::move(slice));
  }
  FileSlice slice;
  slice.path = std::move(path);
  slice.rows = rows;
  MILLPOND_ASSIGN_OR_RETURN(slice.size, json.get_int("size"));
  MILLPOND_ASSIGN_OR_RETURN(slice.mtime_ns, json.get_int("mtime_ns"));
  slice.tag = json.string_or("tag", "");
  slice.num_rows = json.int_or("num_rows", -1);
  MILLPOND_ASSIGN_OR_RETURN(slice.lines, range_from_json<LineRange>(json, "lines"));
  return Slice(std::move(slice));
}

std::vector<std::vector<Slice>> split_by_rows(const std::vector<Slice>& slices, std::int64_t parts) {
  if (parts <= 0) return {};
  std::int64_t total = 0;
  for (const Slice& slice : slices) total += std::max<std::int64_t>(0, slice_rows(slice));

  std::vector<std::vector<Slice>> result(static_cast<std::size_t>(parts));
  std::size_t current = 0;  // The slice that is being dealt,
  std::int64_t offset = 0;  // and how many of its rows are gone.
  for (std::int64_t part = 0; part < parts; ++part) {
    std::int64_t wanted = total / parts + (part < total % parts ? 1 : 0);
    while (wanted > 0) {
      const std::int64_t left = slice_rows(slices[current]) - offset;
      if (left <= 0) {
        ++current;
        offset = 0;
        continue;
      }
      const std::int64_t taken = std::min(left, wanted);
      result[static_cast<std::size_t>(part)].push_back(sub_slice(slices[current], offset, offset + taken));
      offset += taken;
      wanted -= taken;
    }
  }
  return result;
}

}  // namespace millpond
