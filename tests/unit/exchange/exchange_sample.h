#pragma once

#include <string>
#include <vector>

#include "base/hash.h"
#include "catch.hpp"
#include "exchange/reader.h"
#include "exchange/writer.h"
#include "storage/file_system.h"
#include "temporary_directory.h"

namespace millpond {

/// A batch whose chunks hold the given texts: one segment a part, one text a column.
struct SampleBatch {
  std::vector<ExchangeBatch::Part> parts;
  std::vector<std::string> chunks;
};

inline std::vector<ExchangeColumn> sample_columns(std::size_t count) {
  std::vector<ExchangeColumn> columns;
  for (std::size_t i = 0; i < count; ++i) columns.push_back({"c" + std::to_string(i), "BIGINT", "blob"});
  return columns;
}

/// Writes a batch and appends it.
inline void add_batch(ExchangeWriter& writer, const SampleBatch& sample) {
  ExchangeBatch batch;
  batch.parts = sample.parts;
  std::string buffer;
  for (const std::string& chunk : sample.chunks) {
    batch.chunks.push_back({chunk.size(), xxh3_64(chunk)});
    buffer += chunk;
  }
  const Result<std::uint64_t> offset = writer.write(std::as_bytes(std::span(buffer)));
  REQUIRE(offset.is_ok());
  batch.offset = *offset;
  REQUIRE(writer.append(batch).is_ok());
}

/// A file of three partitions, two columns and three batches; partition 1 is empty. 12 rows.
inline ExchangeTotals write_sample(const std::string& path) {
  auto writer = ExchangeWriter::create(*local_file_system(), path, sample_columns(2), 3);
  INFO(writer.status().to_string());
  REQUIRE(writer.is_ok());
  add_batch(**writer, {{{0, 2}, {2, 1}}, {"a1", "bb1", "ccc1", ""}});
  add_batch(**writer, {{{2, 4}}, {"second", "batch"}});
  add_batch(**writer, {{{0, 5}}, {std::string(300, 'x'), "end"}});
  auto totals = (*writer)->finish(12);
  INFO(totals.status().to_string());
  REQUIRE(totals.is_ok());
  return *totals;
}

/// All rows' counts and chunks of a partition, or the first error.
inline Result<std::vector<std::string>> read_partition(const std::string& path, std::int64_t partition,
                                                       const std::vector<std::size_t>& columns,
                                                       const std::string& digest = {}) {
  auto files = local_file_system();
  MILLPOND_ASSIGN_OR_RETURN(const auto file, ExchangeFile::open(*files, path, digest));
  MILLPOND_ASSIGN_OR_RETURN(const auto data, files->open(path));
  MILLPOND_ASSIGN_OR_RETURN(const auto segments, file->segments(*data, partition));
  std::vector<std::string> read;
  for (const ExchangeSegment& segment : segments) {
    read.push_back(std::to_string(segment.rows));
    MILLPOND_ASSIGN_OR_RETURN(const ExchangeChunks chunks, file->read(*data, segment, columns));
    for (std::size_t i = 0; i < columns.size(); ++i) read.emplace_back(chunks.chunk(i));
  }
  return read;
}

}  // namespace millpond
