#include "sql/exchange_sequence.h"

#include <algorithm>

#include "sql/status_exception.h"

namespace millpond {

ExchangeBatch ExchangeSequence::encode(const duckdb::ColumnDataCollection& rows, std::uint64_t first_row) {
  BatchBuffer buffer = buffers_.take();
  ExchangeBatch batch = encode_exchange_batch(rows, placer_, first_row, buffer);
  batch.offset = value_or_throw(writer_.write(buffer.encoded.bytes()));
  buffers_.give_back(std::move(buffer));
  return batch;
}

void ExchangeSequence::add(Place place, duckdb::unique_ptr<duckdb::ColumnDataCollection> rows) {
  Piece piece;
  const std::uint64_t count = rows->Count();
  if (!placer_.needs_row_numbers() && count >= batch_rows_ / 4) {
    piece.state = State::kEncoded;
    piece.batch = encode(*rows, 0);
    rows.reset();
  }
  piece.rows = std::move(rows);
  const std::lock_guard lock(mutex_);
  rows_ += count;
  if (!pieces_.emplace(place, std::move(piece)).second) {
    throw duckdb::InternalException("an exchange was handed two pieces with one place");
  }
}

void ExchangeSequence::advance(std::uint64_t minimum) {
  std::unique_lock lock(mutex_);
  minimum_ = std::max(minimum_, minimum);
  settle(lock, false);
}

void ExchangeSequence::finish() {
  std::unique_lock lock(mutex_);
  minimum_ = kAll;
  settle(lock, true);
  if (!pieces_.empty()) throw duckdb::InternalException("an exchange ends with rows that were not written");
}

// Encodes runs without the lock, so that other threads take theirs meanwhile.
void ExchangeSequence::settle(std::unique_lock<std::mutex>& lock, bool is_last) {
  append_ready();
  while (std::optional<Run> run = take_run(is_last)) {
    lock.unlock();
    ExchangeBatch batch = encode(*run->rows, run->first_row);
    run->rows.reset();
    lock.lock();
    Piece& piece = pieces_.at(run->place);
    piece.batch = std::move(batch);
    piece.state = State::kEncoded;
    append_ready();
  }
}

// The first neighbours that fill a batch, or can't grow any more: what follows them is encoded already, or they are the
// last ones. Runs are taken from the front, so the numbers of their rows are known.
std::optional<ExchangeSequence::Run> ExchangeSequence::take_run(bool is_last) {
  auto first = pieces_.end();
  std::uint64_t count = 0;
  auto next = pieces_.begin();
  for (; next != pieces_.end() && next->first.first < minimum_; ++next) {
    if (next->second.state == State::kRows) {
      if (first == pieces_.end()) first = next;
      count += next->second.rows->Count();
      if (count < batch_rows_) continue;
      ++next;
      break;
    }
    if (first != pieces_.end()) break;
  }
  if (first == pieces_.end()) return std::nullopt;
  const bool can_grow = next == pieces_.end() || next->first.first >= minimum_;
  if (can_grow && count < batch_rows_ && !is_last) return std::nullopt;
  Run run{first->first, next_row_, std::move(first->second.rows)};
  for (auto piece = std::next(first); piece != next; piece = pieces_.erase(piece)) run.rows->Combine(*piece->second.rows);
  first->second.state = State::kEncoding;
  next_row_ += count;
  return run;
}

void ExchangeSequence::append_ready() {
  while (!pieces_.empty()) {
    const auto piece = pieces_.begin();
    if (piece->second.state != State::kEncoded || piece->first.first >= minimum_) return;
    throw_if_error(writer_.append(piece->second.batch));
    pieces_.erase(piece);
  }
}

}  // namespace millpond
