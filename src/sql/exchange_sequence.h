#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "duckdb/common/types/column/column_data_collection.hpp"
#include "exchange/writer.h"
#include "sql/exchange_batch.h"
#include "sql/exchange_placement.h"

namespace millpond {

/// Puts what several threads hand in, in any order, into the order of rows: pieces are encoded and written where they
/// come in, side by side, and only their entry in the index waits for its turn. Small neighbours become one batch.
/// Thread-safe. DuckDB's exceptions pass through, and our failures as such.
class ExchangeSequence {
 public:
  /// A piece's place: the batch of the source, and a number within it. Pieces are ordered by it; each place once.
  using Place = std::pair<std::uint64_t, std::uint64_t>;

  /// Pieces of at least `batch_rows` rows, or a quarter of it when rows need no numbers, are encoded at once.
  ExchangeSequence(ExchangeWriter& writer, const RowPlacer& placer, std::uint64_t batch_rows, BatchBufferPool& buffers)
      : writer_(writer), placer_(placer), batch_rows_(batch_rows), buffers_(buffers) {}

  void add(Place place, duckdb::unique_ptr<duckdb::ColumnDataCollection> rows);

  /// A minimum beyond every batch.
  static constexpr std::uint64_t kAll = UINT64_MAX;

  /// No piece of a batch below `minimum` is still to come, or its order does not matter: what lies before is put in order
  /// as far as it fills batches.
  void advance(std::uint64_t minimum);

  /// All pieces are there: puts the rest in order. Afterwards nothing is left.
  void finish();

  std::uint64_t rows() const { return rows_; }

 private:
  enum class State { kRows, kEncoding, kEncoded };
  struct Piece {
    State state = State::kRows;
    duckdb::unique_ptr<duckdb::ColumnDataCollection> rows;
    ExchangeBatch batch;
  };
  /// Neighbours to be encoded as one batch, at the place of the first of them.
  struct Run {
    Place place;
    std::uint64_t first_row = 0;
    duckdb::unique_ptr<duckdb::ColumnDataCollection> rows;
  };

  ExchangeBatch encode(const duckdb::ColumnDataCollection& rows, std::uint64_t first_row);
  void settle(std::unique_lock<std::mutex>& lock, bool is_last);
  std::optional<Run> take_run(bool is_last);
  void append_ready();

  ExchangeWriter& writer_;
  const RowPlacer& placer_;
  const std::uint64_t batch_rows_;
  BatchBufferPool& buffers_;
  std::mutex mutex_;  // Guards what follows.
  std::map<Place, Piece> pieces_;
  std::uint64_t minimum_ = 0;
  std::uint64_t next_row_ = 0;  // The number of the first row that no run has taken; kept when rows need numbers.
  std::uint64_t rows_ = 0;
};

}  // namespace millpond
