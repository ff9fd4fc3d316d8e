#include "storage/hive_path.h"

#include "base/random.h"
#include "catch.hpp"

namespace millpond {

TEST_CASE("partition values become names as DuckDB writes them") {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {"abc-_.~09", "abc-_.~09"},
      {"..", ".."},
      {"../../etc", "..%2F..%2Fetc"},
      {"a=b c%d\\", "a%3Db%20c%25d%5C"},
      {"ü\n", "%C3%BC%0A"},
      {"__HIVE_DEFAULT_PARTITION__", "%5F_HIVE_DEFAULT_PARTITION__"},
      {"__hive_default_partition__", "%5F_hive_default_partition__"},
      {"'\"*?[", "%27%22%2A%3F%5B"},
  };
  for (const auto& [value, text] : cases) {
    INFO(value);
    CHECK(encode_hive_value(value) == text);
    CHECK(*decode_hive_value(text) == value);
  }
  CHECK(*decode_hive_value("100%") == "100%");
  CHECK(*decode_hive_value("%zz%4") == "%zz%4");
  CHECK(decode_hive_value("a%00").status().code() == StatusCode::kDataCorrupt);
}

TEST_CASE("keys are found in paths") {
  CHECK(parse_hive("/data/year=2020/m=01/part.parquet")->size() == 2);
  CHECK(*parse_hive("y=1/x=y=z/=v/k=/plain/f=1") == std::vector<HiveKey>{{"y", "1"}, {"k", ""}});
  CHECK(*parse_hive("p=__HIVE_DEFAULT_PARTITION__/x") == std::vector<HiveKey>{{"p", std::nullopt}});
  CHECK(*parse_hive("a%20b=c%2Fd/x") == std::vector<HiveKey>{{"a b", "c/d"}});
  CHECK(parse_hive("")->empty());
  CHECK(is_hive_folder("a=b"));
  for (const char* name : {"ab", "=b", "a=b=c", "", "a?=b"}) CHECK_FALSE(is_hive_folder(name));
}

TEST_CASE("any key and value comes back and stays in its folder") {
  SeededRandom random(11);
  const std::string alphabet =
      "ab/\\.%=~*?[]{} '\"\n\t"
      "\xc3\xbc\xff\x01"
      "2F";
  for (int round = 0; round < 10000; ++round) {
    HiveKey key;
    key.value.emplace();
    for (std::uint64_t i = 1 + random.below(8); i-- > 0;) key.name += alphabet[random.below(alphabet.size())];
    for (std::uint64_t i = random.below(8); i-- > 0;) *key.value += alphabet[random.below(alphabet.size())];
    const std::string folder = hive_folder(key);
    REQUIRE(folder.find('/') == std::string::npos);
    REQUIRE(folder != "..");
    REQUIRE(*parse_hive("root/" + folder + "/file=x") == std::vector<HiveKey>{key});
  }
}

}  // namespace millpond
