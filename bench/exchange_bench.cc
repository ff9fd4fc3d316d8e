// Measures the exchange alone: Parquet in, one exchange file out, and back.
//   exchange_bench 'dir/*.parquet' KEY [threads] [folder]
// Prints for each number of partitions the seconds of wall and of processor time, the peak memory so far, and how many
// megabytes of input one core gets through in a second.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>

#include "base/quote.h"
#include "duckdb.hpp"
#include "duckdb/main/config.hpp"
#include "sql/exchange_functions.h"

namespace {

using namespace millpond;

struct Usage {
  double wall = 0;
  double cpu = 0;
};

Usage now() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  const auto wall = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration<double>(wall).count(), seconds(usage.ru_utime) + seconds(usage.ru_stime)};
}

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

bool run(duckdb::Connection& connection, const std::string& what, const std::string& sql, double megabytes) {
  const Usage before = now();
  auto result = connection.Query(sql);
  const Usage after = now();
  if (result->HasError()) {
    std::fprintf(stderr, "%s\n", result->GetError().c_str());
    return false;
  }
  const double cpu = after.cpu - before.cpu;
  std::printf("%-16s wall %6.2f s   cpu %6.2f s   peak %6.0f MB   %6.0f MB/s a core\n", what.c_str(),
              after.wall - before.wall, cpu, peak_megabytes(), megabytes / cpu);
  std::fflush(stdout);
  return true;
}

// A scan of all partitions that touches every value.
std::string read_back(const OutputFile& file, const std::string& path) {
  std::vector<SegmentSlice> slices;
  for (const auto& segment : file.segments) {
    slices.push_back({path, segment.partition, segment.num_rows, segment.num_bytes, file.digest, std::nullopt});
  }
  std::string sql = exchange_scan_sql(slices, {{"", ""}});
  const std::size_t names = sql.find(", names := ");
  sql.erase(names, sql.find(", num_rows := ") - names);
  return "SELECT any_value(COLUMNS(*)) FROM " + sql;
}

bool measure(duckdb::Connection& connection, ExchangeContext& context, const std::string& query, const std::string& key,
             std::int64_t partitions, const std::string& folder, double megabytes) {
  const std::string path = folder + "/bench.mpx";
  std::filesystem::remove(path);
  Placement placement;
  placement.kind = partitions == 1 ? Placement::Kind::kSingle : Placement::Kind::kHash;
  if (partitions > 1) placement.keys = {key};
  placement.count = partitions;
  if (!run(connection, "write " + std::to_string(partitions), exchange_copy_sql(query, path, placement), megabytes))
    return false;
  const auto written = context.take_written(path);
  if (!written.is_ok()) return false;
  const bool ok = run(connection, "read  " + std::to_string(partitions), read_back(*written, path), megabytes);
  std::printf("%-16s %lld bytes, %lld rows\n", "file", static_cast<long long>(written->num_bytes),
              static_cast<long long>(written->num_rows));
  std::filesystem::remove(path);
  return ok;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: exchange_bench 'dir/*.parquet' KEY [threads] [folder]\n");
    return 2;
  }
  const std::string pattern = argv[1];
  const std::string key = argv[2];
  const int threads = argc > 3 ? std::stoi(argv[3]) : 2;
  const std::string folder = argc > 4 ? argv[4] : std::filesystem::temp_directory_path().string();
  duckdb::DBConfig config;
  config.SetOptionByName("threads", duckdb::Value::BIGINT(threads));
  duckdb::DuckDB database(nullptr, &config);
  duckdb::Connection connection(database);
  auto context = std::make_shared<ExchangeContext>(local_file_system());
  if (!register_exchange_functions(*database.instance, context).is_ok()) return 1;
  const std::string query = "FROM read_parquet(" + quote_literal(pattern) + ")";
  auto size = connection.Query("SELECT sum(size)::DOUBLE FROM read_blob(" + quote_literal(pattern) + ")");
  if (size->HasError()) {
    std::fprintf(stderr, "%s\n", size->GetError().c_str());
    return 1;
  }
  const double megabytes = size->Fetch()->GetValue(0, 0).GetValue<double>() / 1e6;
  std::printf("%.0f MB of Parquet, %d threads\n", megabytes, threads);
  if (!run(connection, "decode only", "SELECT any_value(COLUMNS(*)) " + query, megabytes)) return 1;
  for (const std::int64_t partitions : {1, 8, 64, 512}) {
    if (!measure(connection, *context, query, key, partitions, folder, megabytes)) return 1;
  }
  return 0;
}
