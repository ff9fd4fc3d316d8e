#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "duckdb/common/types/column/column_data_collection.hpp"
#include "exchange/writer.h"
#include "sql/exchange_placement.h"

namespace millpond {

/// Memory that is not cleared and keeps its pages: a batch's buffer is filled completely, and fresh pages from the
/// system cost more than the encoding.
class BatchBuffer {
 public:
  /// At least `size` bytes; what it held is lost.
  std::byte* resize(std::size_t size);
  std::span<const std::byte> bytes() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<std::byte[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// Buffers that are in no one's use, kept for the next batch. Thread-safe.
class BatchBufferPool {
 public:
  BatchBuffer take();
  void give_back(BatchBuffer buffer);

 private:
  std::mutex mutex_;
  std::vector<BatchBuffer> free_;
};

/// Deals the rows of a batch to partitions and encodes them into `buffer`: parts and chunks of the result describe it.
/// `first_row` is the number of the batch's first row in the whole result.
/// Rows keep their order within a partition. Memory: the buffer, four bytes a row, and some hundred bytes a partition.
ExchangeBatch encode_exchange_batch(const duckdb::ColumnDataCollection& rows, const RowPlacer& placer,
                                    std::uint64_t first_row, BatchBuffer& buffer);

}  // namespace millpond
