#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "millpond/session.h"
#include "temporary_directory.h"

namespace millpond {

/// A session in a folder of its own, with frames out of SQL.
class SessionFixture {
 public:
  explicit SessionFixture(const std::string& runner = "threads") {
    SessionOptions options;
    options.data_root = directory / "root";
    options.runner = runner;
    options.threads = 2;
    options.memory_limit = 1'000'000'000;
    session = value(Session::open(options));
  }
  ~SessionFixture() { (void)session->shutdown(); }

  template <typename T>
  static T value(Result<T> result) {
    INFO(result.status().to_string());
    REQUIRE(result.is_ok());
    return std::move(result).value();
  }

  DataFrame query(const std::string& sql) { return value(session->partial_sql(sql, {})); }

  /// `rows` rows of (i, k = i % 5).
  DataFrame numbers(std::int64_t rows) {
    return query("SELECT i, i % 5 AS k FROM range(" + std::to_string(rows) + ") r(i)");
  }

  /// The first column's numbers, in order.
  static std::vector<std::int64_t> integers(const DataFrame& frame) {
    ArrowStream stream = value(frame.to_arrow());
    std::vector<std::int64_t> numbers;
    while (true) {
      ArrowArray array{};
      REQUIRE(stream->get_next(stream.get(), &array) == 0);
      if (array.release == nullptr) return numbers;
      const ArrowArray& column = *array.children[0];
      const auto* values = static_cast<const std::int64_t*>(column.buffers[1]);
      for (std::int64_t i = 0; i < array.length; ++i) numbers.push_back(values[column.offset + i]);
      array.release(&array);
    }
  }

  static std::vector<std::int64_t> sorted(const DataFrame& frame) {
    std::vector<std::int64_t> numbers = integers(frame);
    std::sort(numbers.begin(), numbers.end());
    return numbers;
  }

  TemporaryDirectory directory;
  std::shared_ptr<Session> session;
};

}  // namespace millpond
