#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "duckdb/common/types/column/column_data_collection.hpp"
#include "base/page_buffer.h"
#include "exchange/writer.h"
#include "sql/exchange_placement.h"

namespace millpond {

/// What encoding one batch takes.
struct BatchBuffer {
  PageBuffer encoded;
  PageBuffer partitions;  ///< That of each row: 32-bit numbers.
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

/// Deals the rows of a batch to partitions and encodes them into `buffer.encoded`: parts and chunks of the result describe it.
/// `first_row` is the number of the batch's first row in the whole result.
/// Rows keep their order within a partition. Memory: the buffer, four bytes a row, and some hundred bytes a partition.
ExchangeBatch encode_exchange_batch(const duckdb::ColumnDataCollection& rows, const RowPlacer& placer,
                                    std::uint64_t first_row, BatchBuffer& buffer);

}  // namespace millpond
