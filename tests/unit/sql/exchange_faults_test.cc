#include <filesystem>
#include <fstream>

#include "sql/exchange_fixture.h"
#include "storage/fault_file_system.h"

using namespace millpond;

namespace {

constexpr const char* kRows = "SELECT i, 's' || i AS s FROM range(500000) r(i)";

}  // namespace

TEST_CASE("a call of the store that fails ends the COPY with the store's own error, whichever call it is") {
  auto disk = std::make_shared<FaultFileSystem>(local_file_system());
  ExchangeDatabase db(2, disk);
  disk->set_plan(std::nullopt);
  db.write(kRows, "whole.mpx", hash_placement({"i"}, 4));
  const std::int64_t calls = disk->calls();
  CHECK(calls >= 9);  // Create, header, five batches, index, sync, close.
  for (const Fault fault : {Fault::kIoError, Fault::kOutOfSpace, Fault::kShortWrite}) {
    for (std::int64_t n = 0; n < calls; ++n) {
      INFO("fault " << static_cast<int>(fault) << " at call " << n << " of " << calls);
      FaultPlan plan;
      plan.fault = fault;
      plan.at_call = n;
      disk->set_plan(plan);
      const std::string path = db.path(std::to_string(static_cast<int>(fault)) + "-" + std::to_string(n) + ".mpx");
      const Status status = db.try_run(exchange_copy_sql(kRows, path, hash_placement({"i"}, 4)));
      const bool failed = disk->faults() > 0;
      disk->set_plan(std::nullopt);
      CHECK(status.is_ok() != failed);
      CHECK(db.context().take_written(path).is_ok() != failed);
      if (!failed) {
        CHECK(db.context().open(path, "").is_ok());
        continue;
      }
      CHECK(status.code() == (fault == Fault::kIoError ? StatusCode::kIoError : StatusCode::kOutOfSpace));
    }
  }
}

TEST_CASE("a file that is damaged after it was planned fails the query that reads it") {
  ExchangeDatabase db;
  const OutputFile file = db.write(kRows, "a.mpx", hash_placement({"i"}, 4));
  std::vector<SegmentSlice> slices;
  for (const auto& segment : file.segments) {
    slices.push_back({db.path("a.mpx"), segment.partition, segment.num_rows, 0, file.digest, std::nullopt});
  }
  const std::string query =
      "SELECT sum(i), max(s) FROM " + exchange_scan_sql(slices, {{"i", "BIGINT"}, {"s", "VARCHAR"}});
  db.run(query);
  for (const std::int64_t at : {20, 70000, 1000000}) {
    std::fstream stream(db.path("a.mpx"), std::ios::binary | std::ios::in | std::ios::out);
    stream.seekg(at);
    const int byte = stream.get();
    stream.seekp(at);
    stream.put(static_cast<char>(byte ^ 1));
    stream.close();
    const Status status = db.fail(query);
    CHECK(status.code() == StatusCode::kDataCorrupt);
    CHECK(status.context().file == db.path("a.mpx"));
    std::fstream mend(db.path("a.mpx"), std::ios::binary | std::ios::in | std::ios::out);
    mend.seekp(at);
    mend.put(static_cast<char>(byte));
  }
  db.run(query);
  std::filesystem::resize_file(db.path("a.mpx"), static_cast<std::uintmax_t>(file.num_bytes) / 2);
  CHECK(db.fail(query).code() == StatusCode::kDataCorrupt);
}
