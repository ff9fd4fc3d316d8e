#include "sql/exchange_sequence.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <set>
#include <thread>

#include "sql/exchange_fixture.h"
#include "sql/exchange_types.h"
#include "sql/status_exception.h"

namespace millpond {
namespace {

using duckdb::ColumnDataCollection;
using duckdb::LogicalType;

constexpr std::uint64_t kBatchRows = 4096;

struct Piece {
  ExchangeSequence::Place place;
  std::int64_t first = 0;
  std::int64_t count = 0;
};

// Numbers from 0 on, cut into batches of several pieces.
std::vector<Piece> cut(std::size_t pieces, std::int64_t most_rows, std::mt19937& random) {
  std::vector<Piece> cut;
  std::int64_t first = 0;
  for (std::size_t i = 0; i < pieces; ++i) {
    const std::int64_t count = std::uniform_int_distribution<std::int64_t>(1, most_rows)(random);
    cut.push_back({{i / 3, i % 3}, first, count});
    first += count;
  }
  return cut;
}

duckdb::unique_ptr<ColumnDataCollection> rows_of(const Piece& piece) {
  auto rows = duckdb::make_uniq<ColumnDataCollection>(duckdb::Allocator::DefaultAllocator(), duckdb::vector<LogicalType>{LogicalType::BIGINT});
  duckdb::DataChunk chunk;
  chunk.Initialize(duckdb::Allocator::DefaultAllocator(), {LogicalType::BIGINT});
  for (std::int64_t done = 0; done < piece.count;) {
    const std::int64_t size = std::min<std::int64_t>(piece.count - done, STANDARD_VECTOR_SIZE);
    chunk.Reset();
    std::iota(duckdb::FlatVector::GetDataMutableUnsafe<std::int64_t>(chunk.data[0]),
              duckdb::FlatVector::GetDataMutableUnsafe<std::int64_t>(chunk.data[0]) + size, piece.first + done);
    chunk.SetChildCardinality(size);
    rows->Append(chunk);
    done += size;
  }
  return rows;
}

// Writes the pieces by several threads, each telling how far all have come; `kind` places them in three partitions.
ExchangeTotals write(ExchangeDatabase& db, const std::string& name, const std::vector<Piece>& pieces, int threads,
                     Placement::Kind kind) {
  Placement placement;
  placement.kind = kind;
  placement.count = kind == Placement::Kind::kSingle ? 1 : 3;
  const RowPlacer placer(placement, {"i"}, {LogicalType::BIGINT});
  auto writer = value_or_throw(ExchangeWriter::create(db.context().files(), db.path(name), {exchange_column("i", LogicalType::BIGINT)}, placement.count));
  BatchBufferPool buffers;
  ExchangeSequence sequence(*writer, placer, kBatchRows, buffers);
  std::mutex mutex;
  std::multiset<std::uint64_t> open;  // Batches that are not handed in whole.
  for (const Piece& piece : pieces) open.insert(piece.place.first);
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      for (std::size_t p = next++; p < pieces.size(); p = next++) {
        sequence.add(pieces[p].place, rows_of(pieces[p]));
        std::uint64_t minimum = 0;
        {
          const std::lock_guard lock(mutex);
          open.erase(open.find(pieces[p].place.first));
          minimum = open.empty() ? ExchangeSequence::kAll : *open.begin();
        }
        sequence.advance(minimum);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  sequence.finish();
  return value_or_throw(writer->finish(sequence.rows(), false));
}

}  // namespace

TEST_CASE("pieces that come in any order are put into the order of rows") {
  std::mt19937 random(7);
  for (const std::int64_t most_rows : {10, 3000, 9000}) {
    for (const int threads : {1, 4}) {
      ExchangeDatabase db;
      std::vector<Piece> pieces = cut(100, most_rows, random);
      const std::int64_t total = pieces.back().first + pieces.back().count;
      // Out of order by a few places, as threads are; all of it shuffled for one thread.
      for (std::size_t i = 0; i + 8 < pieces.size(); i += 4) std::shuffle(pieces.begin() + i, pieces.begin() + i + 8, random);
      if (threads == 1) std::shuffle(pieces.begin(), pieces.end(), random);
      const ExchangeTotals totals = write(db, "a.mpx", pieces, threads, Placement::Kind::kSingle);
      CHECK(totals.rows == static_cast<std::uint64_t>(total));
      CHECK(db.value("SELECT count(*) FROM (SELECT i, row_number() OVER () - 1 AS n FROM " + db.scan("a.mpx", 0) + ") WHERE i <> n") == "0");
      CHECK(db.value("SELECT count(*) FROM " + db.scan("a.mpx", 0)) == std::to_string(total));
    }
  }
}

TEST_CASE("rows are numbered in their order, whoever brings them") {
  std::mt19937 random(11);
  ExchangeDatabase db(1);  // list() of several threads has their runs in any order.
  std::vector<Piece> pieces = cut(60, 9000, random);
  write(db, "one.mpx", pieces, 1, Placement::Kind::kRandom);
  std::shuffle(pieces.begin(), pieces.end(), random);
  write(db, "many.mpx", pieces, 4, Placement::Kind::kRandom);
  for (const int p : {0, 1, 2}) {
    const std::string hash = "SELECT hash(list(i)) FROM ";
    CHECK(db.value(hash + db.scan("one.mpx", p)) == db.value(hash + db.scan("many.mpx", p)));
  }
}

TEST_CASE("small neighbours become one batch") {
  ExchangeDatabase db;
  std::vector<Piece> pieces;
  for (std::int64_t i = 0; i < 1000; ++i) pieces.push_back({{static_cast<std::uint64_t>(i), 0}, i * 10, 10});
  write(db, "a.mpx", pieces, 2, Placement::Kind::kSingle);
  auto file = value_or_throw(db.context().open(db.path("a.mpx"), ""));
  CHECK(value_or_throw(file->partition(0)).segments == 3);  // 10,000 rows in batches of 4,100, as the pieces fit.
}

}  // namespace millpond
