#include "data/schema.h"

#include "catch.hpp"
#include "data/scan_options.h"

namespace millpond {

TEST_CASE("columns are found as DuckDB finds them") {
  const Schema schema = {{"Ticker", "VARCHAR"}, {"price", "DOUBLE"}, {"Ü", "BIGINT"}};
  CHECK(find_column(schema, "ticker") == 0);
  CHECK(find_column(schema, "PRICE") == 1);
  CHECK(find_column(schema, "Ü") == 2);
  CHECK(find_column(schema, "ü") == -1);
  CHECK(find_column(schema, "") == -1);
  const Status status = no_such_column(schema, "tikcer");
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(status.message() == "there is no column \"tikcer\"");
  CHECK(status.hint() == "Did you mean \"Ticker\"? The columns are \"Ticker\", \"price\", \"Ü\".");
  CHECK(no_such_column({}, "a").hint() == "There are no columns.");
  CHECK(no_such_column(Schema(100, {"a", "INTEGER"}), "zzzz").hint().find("and 80 more") != std::string::npos);
  CHECK(schema_to_string(schema) == "Ticker VARCHAR, price DOUBLE, Ü BIGINT");
}

TEST_CASE("schemas and scan options come back from JSON") {
  const Schema schema = {{"a \"b\"", "STRUCT(a INTEGER, b VARCHAR[])"}, {"", "BIGINT"}};
  CHECK(*schema_from_json(schema_to_json(schema)) == schema);
  CHECK(schema_from_json(Json("x")).status().code() == StatusCode::kDataCorrupt);
  CHECK(schema_from_json(Json::array({Json(1)})).status().code() == StatusCode::kDataCorrupt);

  ScanOptions options;
  options.format = FileFormat::kCsv;
  options.union_by_name = true;
  options.hive_columns = {{"p", "BIGINT"}};
  options.filename = true;
  options.reader_options = {{"delim", "'|'"}};
  CHECK(*scan_options_from_json(scan_options_to_json(options)) == options);
  CHECK(*scan_options_from_json(scan_options_to_json({})) == ScanOptions{});
  CHECK(scan_options_from_json(Json::object({{"format", "avro"}})).status().code() == StatusCode::kInvalidArgument);
  CHECK(scan_options_from_json(Json::object({{"format", "csv"}})).status().code() == StatusCode::kDataCorrupt);
}

}  // namespace millpond
