#include "sql/file_literals.h"

#include "catch.hpp"

namespace millpond {
namespace {

TEST_CASE("literals of files and structs hold any text") {
  CHECK(quote_files({"/a'b.parquet", "c*d"}) == "[{'filename': '/a''b.parquet'}, {'filename': 'c*d'}]");
  CHECK(quote_files(std::vector<std::string>(9, "a'*")) ==
        "[{'filename': file} FOR file IN ['a''*', 'a''*', 'a''*', 'a''*', 'a''*', 'a''*', 'a''*', 'a''*', 'a''*']]");
  CHECK(quote_struct({{"a b", "DECIMAL(1,0)"}, {"it's", "ENUM('x')"}}) == "{'a b': 'DECIMAL(1,0)', 'it''s': 'ENUM(''x'')'}");
}

TEST_CASE("an escaped path matches only itself") {
  CHECK(escape_glob("/a/b.csv") == "/a/b.csv");
  CHECK(escape_glob("/a*/[b]?.csv") == "/a[*]/[[]b][?].csv");
}

}  // namespace
}  // namespace millpond
