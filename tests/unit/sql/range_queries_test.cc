#include "sql/range_queries.h"

#include <string>
#include <vector>

#include "sql/engine_fixture.h"
#include "sql/exchange_fixture.h"
#include "sql/placeholders.h"

namespace millpond {
namespace {

using Rows = std::vector<std::string>;

const RangeKeys kByK = {{"k"}, {"ASC NULLS LAST"}};

std::string over(const std::string& query, const std::vector<std::string>& relations) {
  return value_of(substitute(query, relations));
}

}  // namespace

TEST_CASE("a key's number is how many bounds are below it, or not above") {
  ExchangeDatabase db;
  const auto rank = [&](const std::string& bounds, const std::string& key, const std::string& upper) {
    return db.value("SELECT millpond_range(" + bounds + ", " + key + ", " + upper + ")");
  };
  for (const std::string type : {"BIGINT", "BLOB"}) {
    const std::string bounds = "['1', '3', '3', '5']::" + type + "[]";
    for (const auto& [key, lower, upper] : {std::tuple("0", "0", "0"), {"1", "0", "1"}, {"2", "1", "1"}, {"3", "1", "3"}, {"6", "4", "4"}}) {
      CHECK(rank(bounds, "'" + std::string(key) + "'::" + type, "false") == lower);
      CHECK(rank(bounds, "'" + std::string(key) + "'::" + type, "true") == upper);
    }
    CHECK(rank("NULL::" + type + "[]", "'3'::" + type, "true") == "0");
    CHECK(rank("[]::" + type + "[]", "'3'::" + type, "false") == "0");
  }
  // Rows with lists of their own.
  CHECK(db.value("SELECT sum(millpond_range(range(r), r // 2, false)) FROM range(5000) t(r)") == db.value("SELECT sum(r // 2) FROM range(5000) t(r)"));
}

TEST_CASE("sort keys are of the two types that can be ranked, and of equal values equal") {
  ExchangeDatabase db;
  CHECK(db.value("SELECT typeof(create_sort_key(1::INTEGER, 'ASC NULLS LAST'))") == "BIGINT");
  CHECK(db.value("SELECT typeof(create_sort_key(1::BIGINT, 'ASC NULLS LAST'))") == "BLOB");
  // Why an interval is no key that joins and groups may rely on.
  CHECK(db.value("SELECT create_sort_key(a, 'ASC NULLS LAST') = create_sort_key(b, 'ASC NULLS LAST') FROM "
                 "(SELECT INTERVAL 1 MONTH AS a, INTERVAL 30 DAY AS b) WHERE a = b") == "false");
  CHECK_FALSE(equals_only_itself("INTERVAL"));
  CHECK_FALSE(equals_only_itself("DOUBLE"));
  CHECK_FALSE(equals_only_itself("INTEGER[]"));
  CHECK(equals_only_itself("DECIMAL(9,2)"));
  CHECK(equals_only_itself("VARCHAR"));
}

TEST_CASE("a sample holds all keys of few rows, and of many stands for about as many") {
  ExchangeDatabase db;
  const std::string sample = range_sample_query(kByK, {{"k", "BIGINT"}}, 100);
  const auto weighed = [&](const std::string& rows) {
    return db.value("SELECT count(*) || ' ' || sum(weight) // 1024 FROM (" + over(sample, {"(SELECT range AS k FROM range(" + rows + "))"}) + ")");
  };
  CHECK(weighed("0") == "NULL");
  CHECK(weighed("7") == "7 7");
  CHECK(weighed("99") == "99 99");
  const double many = std::stod(weighed("100000").substr(4));
  CHECK(many > 70000);
  CHECK(many < 140000);
  CHECK(weighed("100000") == weighed("100000"));
}

TEST_CASE("bounds cut what the weights say into equal parts") {
  ExchangeDatabase db;
  const auto bounds = [&](std::int64_t count, const std::string& rows) {
    return db.value(over(range_bounds_query(count), {"(" + rows + ")"}));
  };
  CHECK(bounds(4, "SELECT range AS key, 1024::BIGINT AS weight FROM range(1, 101)") == "[25, 50, 75]");
  CHECK(bounds(4, "SELECT range AS key, CASE WHEN range = 1 THEN 300 ELSE 1 END::BIGINT AS weight FROM range(1, 101)") == "[1, 1, 1]");
  CHECK(bounds(3, "SELECT 7::BIGINT AS key, 1024::BIGINT AS weight") == "[7, 7]");
  CHECK(bounds(3, "SELECT 7::BIGINT AS key, 1024::BIGINT AS weight WHERE false") == "NULL");
}

TEST_CASE("rows of a key that is a bound go to any of the partitions that it ends or begins, where ties may part") {
  ExchangeDatabase db;
  const Schema schema = {{"k", "BIGINT"}, {"id", "BIGINT"}};
  const std::string rows = "(SELECT 5::BIGINT AS k, range AS id FROM range(1000) UNION ALL SELECT 4, -1 UNION ALL SELECT 6, -2)";
  const std::string bounds = "(SELECT list(create_sort_key(b, 'ASC NULLS LAST')) FROM (VALUES (2::BIGINT), (5), (5), (9)) t(b))";
  const auto numbers = [&](bool splits_ties, const std::string& key) {
    return db.value("SELECT list(DISTINCT n ORDER BY n) FROM (" + over(range_number_query(kByK, schema, splits_ties, "n"), {rows, bounds}) +
                    ") WHERE k = " + key);
  };
  CHECK(numbers(true, "5") == "[1, 2, 3]");
  CHECK(numbers(false, "5") == "[1]");
  CHECK(numbers(true, "4") == "[1]");
  CHECK(numbers(true, "6") == "[3]");
}

}  // namespace millpond
