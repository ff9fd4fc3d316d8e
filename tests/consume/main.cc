// Reads a Parquet folder, repartitions it by hash, aggregates each partition, writes the result and counts it again.
// usage: consume INPUT OUTPUT DATA_ROOT. Prints the number of rows written.

#include <cstdint>
#include <cstdio>
#include <string>

#include "millpond/session.h"

namespace {

millpond::Result<std::int64_t> run(const std::string& input, const std::string& output, const std::string& data_root) {
  millpond::SessionOptions options;
  options.data_root = data_root;
  MILLPOND_ASSIGN_OR_RETURN(auto session, millpond::Session::open(options));

  MILLPOND_ASSIGN_OR_RETURN(auto prices, session->read_parquet({input}));
  millpond::RepartitionOptions by_ticker;
  by_ticker.hash_by = {"ticker"};
  MILLPOND_ASSIGN_OR_RETURN(auto dealt, prices.repartition(3, by_ticker));
  MILLPOND_ASSIGN_OR_RETURN(auto ranges,
                            dealt.partial_sql("SELECT ticker, min(price), max(price) FROM {0} GROUP BY ticker"));
  MILLPOND_RETURN_IF_ERROR(ranges.write(output));

  MILLPOND_ASSIGN_OR_RETURN(auto written, session->read_parquet({output}));
  MILLPOND_ASSIGN_OR_RETURN(auto rows, written.count());
  MILLPOND_RETURN_IF_ERROR(session->shutdown());
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const auto rows = run(argv[1], argv[2], argv[3]);
  if (!rows.is_ok()) {
    std::fprintf(stderr, "%s\n", rows.status().to_string().c_str());
    return 1;
  }
  std::printf("%lld\n", static_cast<long long>(*rows));
  return 0;
}
