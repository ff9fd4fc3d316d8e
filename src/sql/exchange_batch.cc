#include "sql/exchange_batch.h"

#include <utility>

#include "base/hash.h"
#include "sql/column_codec.h"

namespace millpond {
namespace {

// One batch on its way: places and measures, lays out, writes, checksums.
class BatchEncoder {
 public:
  BatchEncoder(const duckdb::ColumnDataCollection& rows, const RowPlacer& placer, BatchBuffer& buffer)
      : rows_(rows),
        placer_(placer),
        columns_(placer.written()),
        buffer_(buffer),
        partition_(reinterpret_cast<std::uint32_t*>(buffer.partitions.resize(rows.Count() * sizeof(std::uint32_t)))),
        counts_(placer.partitions(), 0) {
    for (const std::size_t column : columns_) {
      encoders_.push_back(make_column_encoder(rows.Types()[column], placer.partitions()));
    }
  }

  ExchangeBatch encode(std::uint64_t first_row) {
    measure(first_row);
    ExchangeBatch batch = layout();
    write();
    for (std::size_t i = 0; i < batch.chunks.size(); ++i) {
      batch.chunks[i].checksum = xxh3_64({reinterpret_cast<const char*>(chunk_at_[i]), batch.chunks[i].length});
    }
    return batch;
  }

 private:
  void measure(std::uint64_t first_row) {
    std::size_t at = 0;
    for (auto& chunk : rows_.Chunks()) {
      const std::span<std::uint32_t> partitions(partition_ + at, chunk.size());
      placer_.place(chunk, first_row + at, partitions);
      for (const std::uint32_t p : partitions) ++counts_[p];
      for (std::size_t i = 0; i < columns_.size(); ++i) encoders_[i]->measure(chunk.data[columns_[i]], partitions);
      at += chunk.size();
    }
  }

  // Segments follow one another by partition, and in each the chunks by column.
  ExchangeBatch layout() {
    const std::size_t partitions = counts_.size();
    std::vector<std::vector<std::uint64_t>> sizes(columns_.size(), std::vector<std::uint64_t>(partitions, 0));
    for (std::size_t i = 0; i < columns_.size(); ++i) encoders_[i]->layout(counts_, sizes[i]);
    ExchangeBatch batch;
    std::uint64_t total = 0;
    for (std::size_t p = 0; p < partitions; ++p) {
      if (counts_[p] == 0) continue;
      batch.parts.push_back({static_cast<std::uint32_t>(p), counts_[p]});
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        batch.chunks.push_back({sizes[i][p], 0});
        total += sizes[i][p];
      }
    }
    std::byte* at = buffer_.encoded.resize(total);
    std::vector<std::vector<std::byte*>> begins(columns_.size(), std::vector<std::byte*>(partitions, nullptr));
    for (std::size_t k = 0; k < batch.chunks.size(); ++k) {
      begins[k % columns_.size()][batch.parts[k / columns_.size()].partition] = at;
      chunk_at_.push_back(at);
      at += batch.chunks[k].length;
    }
    for (std::size_t i = 0; i < columns_.size(); ++i) encoders_[i]->begin(begins[i], counts_);
    return batch;
  }

  void write() {
    std::size_t at = 0;
    for (auto& chunk : rows_.Chunks()) {
      const std::span<const std::uint32_t> partitions(partition_ + at, chunk.size());
      for (std::size_t i = 0; i < columns_.size(); ++i) encoders_[i]->write(chunk.data[columns_[i]], partitions);
      at += chunk.size();
    }
  }

  const duckdb::ColumnDataCollection& rows_;
  const RowPlacer& placer_;
  const std::vector<std::size_t>& columns_;
  BatchBuffer& buffer_;
  std::uint32_t* const partition_;     // Of each row.
  std::vector<std::uint32_t> counts_;  // Rows of each partition.
  std::vector<std::unique_ptr<ColumnEncoder>> encoders_;
  std::vector<std::byte*> chunk_at_;
};

}  // namespace

BatchBuffer BatchBufferPool::take() {
  std::lock_guard lock(mutex_);
  if (free_.empty()) return {};
  BatchBuffer buffer = std::move(free_.back());
  free_.pop_back();
  return buffer;
}

void BatchBufferPool::give_back(BatchBuffer buffer) {
  std::lock_guard lock(mutex_);
  free_.push_back(std::move(buffer));
}

ExchangeBatch encode_exchange_batch(const duckdb::ColumnDataCollection& rows, const RowPlacer& placer,
                                    std::uint64_t first_row, BatchBuffer& buffer) {
  return BatchEncoder(rows, placer, buffer).encode(first_row);
}

}  // namespace millpond
