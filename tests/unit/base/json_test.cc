#include "base/json.h"

#include <cmath>
#include <limits>

#include "base/json_values.h"
#include "catch.hpp"

namespace millpond {

TEST_CASE("values come back from their text as they were") {
  const Json values[] = {
      Json(),
      Json(true),
      Json(0),
      Json(std::numeric_limits<std::int64_t>::min()),
      Json(std::numeric_limits<std::int64_t>::max()),
      Json(0.1),
      Json(-0.0),
      Json(1.0),
      Json(1e300),
      Json(5e-324),
      Json(""),
      Json(std::string("zero \0 byte", 11)),
      Json("quote \" backslash \\ newline \n ü \xF0\x9F\x98\x80"),
      Json(std::string("not UTF-8: \xff\xfe")),
      Json(Json::Array{}),
      Json(Json::Object{}),
      Json::object({{"b", 1}, {"a", Json::array({Json(1), Json("x"), Json()})}, {"", false}}),
  };
  for (const Json& value : values) {
    const std::string text = value.dump();
    INFO(text);
    auto parsed = Json::parse(text);
    REQUIRE(parsed.is_ok());
    CHECK(*parsed == value);
    CHECK(*Json::parse(value.dump(2)) == value);
    CHECK(parsed->dump() == text);
  }
  CHECK(std::signbit(Json::parse(Json(-0.0).dump())->as_double()));
}

TEST_CASE("the text is short, in the order of the keys, and pretty when asked") {
  const Json json = Json::object({{"b", 1}, {"a", Json::array({Json(1.0), Json()})}});
  CHECK(json.dump() == R"({"b":1,"a":[1.0,null]})");
  CHECK(json.dump(2) == "{\n  \"b\": 1,\n  \"a\": [\n    1.0,\n    null\n  ]\n}");
  CHECK(Json(std::nan("")).dump() == "null");
}

TEST_CASE("what is not JSON is refused with its position") {
  const std::string deep(201, '[');
  const std::string cases[] = {
      "",
      "{",
      "[1,]",
      "{\"a\":1",
      "nul",
      "1 2",
      "'a'",
      "{\"a\" 1}",
      "\"\\u12\"",
      "01",
      "18446744073709551615",
      deep + std::string(201, ']'),
      deep,
  };
  for (const std::string& text : cases) {
    INFO(text);
    CHECK(Json::parse(text).status().code() == StatusCode::kDataCorrupt);
  }
  CHECK(Json::parse("[1,]").status().message().find("at byte ") != std::string::npos);
  CHECK(Json::parse(std::string(200, '[') + std::string(200, ']')).is_ok());
}

TEST_CASE("members are found, set and typed") {
  Json json;
  json.set("a", 1);
  json.set("b", "x");
  json.set("a", 2);
  CHECK(json.dump() == R"({"a":2,"b":"x"})");
  CHECK(*json.get_int("a") == 2);
  CHECK(*json.get_double("a") == 2.0);
  CHECK(*json.get_string("b") == "x");
  CHECK(json.get_int("b").status().message() == "JSON member \"b\" is not an integer");
  CHECK(json.get_int("c").status().message() == "JSON member \"c\" is missing");
  CHECK(json.get_bool("a").status().code() == StatusCode::kDataCorrupt);
  CHECK(json.get_array("a").status().code() == StatusCode::kDataCorrupt);
  CHECK(json.get_object("a").status().code() == StatusCode::kDataCorrupt);
  CHECK(json.string_or("c", "d") == "d");
  CHECK(json.int_or("b", 7) == 7);
  CHECK(json.bool_or("a", true));
  CHECK(Json(3).find("a") == nullptr);
  Json list;
  list.push_back(1);
  CHECK(list.dump() == "[1]");
}

TEST_CASE("lists and maps of text") {
  CHECK(*string_list_from_json(string_list_to_json({"a", ""})) == std::vector<std::string>{"a", ""});
  CHECK(string_list_from_json(Json::array({Json(1)})).status().code() == StatusCode::kDataCorrupt);
  CHECK(string_list_from_json(Json("a")).status().code() == StatusCode::kDataCorrupt);
  const std::map<std::string, std::string> map = {{"a", "1"}, {"b", ""}};
  CHECK(*string_map_from_json(string_map_to_json(map)) == map);
  CHECK(string_map_from_json(Json::object({{"a", 1}})).status().code() == StatusCode::kDataCorrupt);
}

}  // namespace millpond
