#include "runner/frame.h"

#include <string>
#include <vector>

#include <sys/mman.h>

#include "catch.hpp"
#include "runner/worker_message.h"

namespace millpond {
namespace {

TEST_CASE("frames survive any way of being cut", "[frame]") {
  const std::vector<std::string> payloads = {"", "a", std::string(70000, 'x'), "{\"type\":\"heartbeat\"}", ""};
  std::string bytes;
  for (const std::string& payload : payloads) REQUIRE(append_frame(bytes, payload).is_ok());
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{4096}, bytes.size()}) {
    FrameReader reader;
    std::vector<std::string> read;
    for (std::size_t begin = 0; begin < bytes.size(); begin += piece) {
      reader.add(bytes.data() + begin, std::min(piece, bytes.size() - begin));
      for (auto frame = reader.next(); frame.is_ok() && *frame; frame = reader.next()) read.push_back(**frame);
    }
    CHECK(read == payloads);
  }
}

TEST_CASE("a length no frame has is refused on both sides", "[frame]") {
  FrameReader reader;
  reader.add("\xff\xff\xff\xff", 4);
  CHECK(reader.next().status().code() == StatusCode::kDataCorrupt);

  // Address space only; nothing is touched.
  const std::size_t size = std::size_t{kMaxFrame} + 1;
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  std::string out;
  CHECK(append_frame(out, std::string_view(static_cast<const char*>(memory), size)).code() ==
        StatusCode::kInvalidArgument);
  CHECK(out.empty());
  ::munmap(memory, size);
}

TEST_CASE("what is no message is an error, never a crash", "[message]") {
  for (const char* text : {"", "{", "[]", "null", "{}", R"({"type":1})", R"({"type":"dance"})", R"({"type":"hello"})",
                           R"({"type":"hello","info":{}})", R"({"type":"run"})", R"({"type":"result","result":3})",
                           R"({"type":"refuse"})"}) {
    INFO(text);
    CHECK(decode_message(text).status().code() == StatusCode::kDataCorrupt);
  }
}

TEST_CASE("a task or result that can't be read is still told to whom it belongs", "[message]") {
  const auto run = decode_message(R"({"type":"run","attempt":"a7","task":{"version":99}})");
  REQUIRE(run.is_ok());
  CHECK(run->attempt == "a7");
  CHECK_FALSE(run->task);
  CHECK_FALSE(run->status.is_ok());
}

TEST_CASE("another protocol is told apart before anything else is read", "[message]") {
  const auto hello = decode_message(R"({"type":"hello","info":{"protocol":99}})");
  REQUIRE(hello.is_ok());
  CHECK(check_worker(WorkerInfo{}, hello->info).message() == "the worker has protocol 99, the driver has 1");
}

TEST_CASE("workers must match in every field", "[message]") {
  const WorkerInfo driver{1, "0.1", "v2.0.0", 3};
  CHECK(check_worker(driver, driver).is_ok());
  CHECK(check_worker(driver, {1, "0.2", "v2.0.0", 3}).message() == "the worker has millpond 0.2, the driver has 0.1");
  CHECK(check_worker(driver, {1, "0.1", "v1.5.4", 3}).message() ==
        "the worker has DuckDB v1.5.4, the driver has v2.0.0");
  CHECK(check_worker(driver, {1, "0.1", "v2.0.0", 4}).message() == "the worker has partition hash 4, the driver has 3");
}

}  // namespace
}  // namespace millpond
