#include "base/uri.h"

#include "catch.hpp"

namespace millpond {

TEST_CASE("paths and addresses are taken apart") {
  struct Case {
    std::string text;
    Uri uri;
  };
  const Case cases[] = {
      {"a.parquet", {"", "", "a.parquet"}},
      {"/a/b*[0-9] ü \"'\n{}%", {"", "", "/a/b*[0-9] ü \"'\n{}%"}},
      {"./s3:x", {"", "", "./s3:x"}},
      {"a/s3://x", {"", "", "a/s3://x"}},
      {"C:x", {"", "", "C:x"}},
      {"key=a b:c", {"", "", "key=a b:c"}},
      {"..", {"", "", ".."}},
      {"s3://bucket/a/b", {"s3", "bucket", "a/b"}},
      {"S3://bucket", {"s3", "bucket", ""}},
      {"s3://bucket//a", {"s3", "bucket", "/a"}},
      {"3fs://cluster/a", {"3fs", "cluster", "a"}},
      {"hdfs:///a/b", {"hdfs", "", "a/b"}},
      {"gs://b/%41", {"gs", "b", "%41"}},
      {"file:///a%20b/%41", {"", "", "/a b/A"}},
      {"file:/a", {"", "", "/a"}},
      {"file://localhost/a", {"", "", "/a"}},
  };
  for (const Case& test : cases) {
    INFO(test.text);
    auto uri = parse_uri(test.text);
    REQUIRE(uri.is_ok());
    CHECK(*uri == test.uri);
    CHECK(*parse_uri(uri->to_string()) == *uri);
  }
}

TEST_CASE("a scheme is never taken for a local folder") {
  const std::pair<std::string, StatusCode> cases[] = {
      {"s3:", StatusCode::kInvalidArgument},
      {"s3:bucket/a", StatusCode::kInvalidArgument},
      {"s3:/bucket/a", StatusCode::kInvalidArgument},
      {"s3:///a", StatusCode::kInvalidArgument},
      {"3fs:/a", StatusCode::kInvalidArgument},
      {"file://host/a", StatusCode::kInvalidArgument},
      {"file:a", StatusCode::kInvalidArgument},
      {"file:///a%2", StatusCode::kInvalidArgument},
      {"file:///a%00", StatusCode::kInvalidArgument},
      {"", StatusCode::kInvalidArgument},
      {"s4://bucket", StatusCode::kUnsupported},
      {"ftp://x/y", StatusCode::kUnsupported},
      {"a:b", StatusCode::kOk},
      {"ab:c", StatusCode::kUnsupported},
  };
  for (const auto& [text, code] : cases) {
    INFO(text);
    CHECK(parse_uri(text).status().code() == code);
  }
  CHECK(parse_uri(std::string("a\0b", 3)).status().code() == StatusCode::kInvalidArgument);
  CHECK(parse_uri("s4://bucket").status().hint().find("s3://") != std::string::npos);
}

}  // namespace millpond
