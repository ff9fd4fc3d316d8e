#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "millpond/result.h"

namespace millpond {

/// Rows [begin, end) of a file or a segment, counted from its first row.
struct RowRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  std::int64_t size() const { return end - begin; }
  bool operator==(const RowRange&) const = default;
};

/// The lines of a text file that begin in its bytes [begin, end), each to its end.
struct LineRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  std::int64_t size() const { return end - begin; }
  bool operator==(const LineRange&) const = default;
};

/// A file as it was when it was planned. Whoever reads it later checks size, time and tag again and
/// fails with kDataCorrupt, naming the file, when they changed.
struct FileSlice {
  std::string path;              ///< Literal, never a pattern; with its scheme if it has one.
  std::int64_t size = 0;         ///< Bytes.
  std::int64_t mtime_ns = 0;     ///< Nanoseconds since the epoch; 0 where a store has none.
  std::string tag;               ///< A store's own identity of the content; empty on disks and where a store tells none.
  std::int64_t num_rows = -1;    ///< Rows in the whole file, -1 when unknown (CSV, JSON).
  std::optional<RowRange> rows;  ///< Which rows of it; all when absent.
  std::optional<LineRange> lines = {};  ///< Which lines of it, one JSON object each; all when absent. Never beside `rows`.

  bool operator==(const FileSlice&) const = default;
};

/// Rows of one partition in an exchange file.
struct SegmentSlice {
  std::string path;
  std::int64_t partition = 0;    ///< Which of the file's partitions.
  std::int64_t num_rows = 0;     ///< Rows of that partition in this file.
  std::int64_t num_bytes = 0;    ///< Encoded bytes of that partition in this file.
  std::string index_digest;      ///< XXH3-128 of the file's index in hex, which covers each segment's checksum.
  std::optional<RowRange> rows;  ///< Which of these rows; all when absent.

  bool operator==(const SegmentSlice&) const = default;
};

using Slice = std::variant<FileSlice, SegmentSlice>;

/// Rows of a slice if known, else -1.
std::int64_t slice_rows(const Slice& slice);
/// Bytes it stands for: of its lines, or scaled to its row range.
std::int64_t slice_bytes(const Slice& slice);

/// Ranges of one file that follow each other as one, and as the whole file where they are all of it. Order is kept.
std::vector<Slice> joined_ranges(const std::vector<Slice>& slices);

Json slice_to_json(const Slice& slice);
Result<Slice> slice_from_json(const Json& json);

/// Deals `slices` into `parts` runs of equal row counts: the first (rows % parts) get one row more, as
/// numpy.array_split does. Every slice must know its rows. Order is kept.
std::vector<std::vector<Slice>> split_by_rows(const std::vector<Slice>& slices, std::int64_t parts);

}  // namespace millpond
