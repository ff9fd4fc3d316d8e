#include "storage/glob.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "catch.hpp"
#include "storage/fault_file_system.h"
#include "temporary_directory.h"

namespace millpond {
namespace {

// The paths found, below the folder, joined by spaces; or the name of the error.
std::string find(const TemporaryDirectory& directory, const std::string& pattern, const GlobOptions& options = {}) {
  auto found = expand(*local_file_system(), directory / pattern, options);
  if (!found.is_ok()) return std::string(status_code_name(found.status().code()));
  std::string text;
  for (const FileInfo& file : *found) {
    REQUIRE(file.path.rfind(directory.path(), 0) == 0);
    REQUIRE_FALSE(file.is_directory);
    text += (text.empty() ? "" : " ") + file.path.substr(directory.path().size() + 1);
  }
  return text;
}

Status failure(const TemporaryDirectory& directory, const std::string& pattern, const GlobOptions& options = {}) {
  auto found = expand(*local_file_system(), directory / pattern, options);
  REQUIRE_FALSE(found.is_ok());
  return found.status();
}

}  // namespace

TEST_CASE("names are matched as Python does") {
  struct Case {
    const char* pattern;
    const char* name;
    bool expected;
  };
  const Case cases[] = {
      {"*", "abc", true},
      {"*", "", true},
      {"*", ".abc", false},
      {".*", ".abc", true},
      {"a*c", "abc", true},
      {"a*c", "ac", true},
      {"a*c", "acb", false},
      {"*a*b*", "xaybz", true},
      {"*a*b*", "xbya", false},
      {"?", "a", true},
      {"?", "", false},
      {"?", "ab", false},
      {"?", "ü", true},
      {"??", "ü", false},
      {"[a-c]", "b", true},
      {"[a-c]", "d", false},
      {"[!a-c]", "d", true},
      {"[!a-c]", "a", false},
      {"[]]", "]", true},
      {"[!]]", "a", true},
      {"[!]]", "]", false},
      {"[", "[", true},
      {"[a", "[a", true},
      {"[a", "a", false},
      {"[]", "[]", true},
      {"[a-]", "-", true},
      {"[-a]", "-", true},
      {"[ä-ü]", "ö", true},
      {"[*]", "*", true},
      {"[*]", "a", false},
      {"a\\*", "a\\b", true},
      {"part-[0-9][0-9]", "part-07", true},
      {"abc", "abc", true},
      {"abc", "ABC", false},
      {"", "", true},
      {"", "a", false},
      {"*.parquet", "a.parquet", true},
      {"*.parquet", ".parquet", false},
      {"**", "abc", true},
      {"\xff?", "\xff\xfe", true},
      {"*aaaaaaaaaaaaaaaaaaaaab", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
  };
  for (const Case& test : cases) {
    INFO(test.pattern << " on " << test.name);
    CHECK(matches_name(test.pattern, test.name) == test.expected);
  }
}

TEST_CASE("patterns, files and folders are expanded in order, each file once") {
  TemporaryDirectory directory;
  for (const char* name :
       {"b.parquet", "a.parquet", "c.csv", "a[1].parquet", "a1.parquet", ".hidden.parquet", "_SUCCESS", "sub/d.parquet",
        "sub/deep/e.parquet", "sub/.cache/f.parquet", "sub/_tmp/g.parquet"}) {
    directory.write(name, "x");
  }
  struct Case {
    const char* pattern;
    const char* expected;
  };
  const Case cases[] = {
      {"a.parquet", "a.parquet"},
      {"*.parquet", "a.parquet a1.parquet a[1].parquet b.parquet"},
      {"a[1].parquet", "a[1].parquet"},
      {"a[[]1].parquet", "a[1].parquet"},
      {"?.parquet", "a.parquet b.parquet"},
      {"[!a]*", "_SUCCESS b.parquet c.csv"},
      {"**/*.parquet",
       "a.parquet a1.parquet a[1].parquet b.parquet sub/_tmp/g.parquet sub/d.parquet sub/deep/e.parquet"},
      {"sub/**", "sub/_tmp/g.parquet sub/d.parquet sub/deep/e.parquet"},
      {"**/**/e.parquet", "sub/deep/e.parquet"},
      {"**/deep/*", "sub/deep/e.parquet"},
      {"s*/d*.parquet", "sub/d.parquet"},
      {"s*", "sub/d.parquet"},
      {"s*/", "sub/d.parquet"},
      {"sub", "sub/d.parquet"},
      {"sub/", "sub/d.parquet"},
      {"sub//d.parquet", "sub//d.parquet"},
      {"*/../sub/d.parquet", "sub/../sub/d.parquet"},
      {".*.parquet", ".hidden.parquet"},
      {"x*.parquet", "not_found"},
      {"x.parquet", "not_found"},
      {"nowhere/*.parquet", "not_found"},
      {"a.parquet/*", "not_found"},
  };
  for (const Case& test : cases) {
    INFO(test.pattern);
    CHECK(find(directory, test.pattern) == test.expected);
  }
}

TEST_CASE("a folder stands for its data files") {
  TemporaryDirectory directory;
  const GlobOptions parquet{false, {".parquet"}}, recursive{true, {".parquet"}};
  for (const char* name :
       {"flat/a.parquet", "flat/B.PARQUET", "flat/notes.txt", "flat/_metadata.parquet", "flat/._millpond-0.json",
        "flat/sub/c.parquet", "hive/p=1/a.parquet", "hive/p=2/q=x/b.parquet", "hive/_p=3/d.parquet",
        "hive/other/c.parquet", "only/sub/a.parquet", "text/a.txt", "void/.x"}) {
    directory.write(name, "x");
  }
  CHECK(find(directory, "flat", parquet) == "flat/B.PARQUET flat/a.parquet");
  CHECK(find(directory, "flat", recursive) == "flat/B.PARQUET flat/a.parquet flat/sub/c.parquet");
  CHECK(find(directory, "hive", parquet) ==
        "hive/_p=3/d.parquet hive/other/c.parquet hive/p=1/a.parquet hive/p=2/q=x/b.parquet");
  CHECK(find(directory, "hive/p=*", parquet) == "hive/p=1/a.parquet hive/p=2/q=x/b.parquet");
  CHECK(find(directory, "*", parquet) ==
        "flat/B.PARQUET flat/a.parquet hive/_p=3/d.parquet hive/other/c.parquet hive/p=1/a.parquet "
        "hive/p=2/q=x/b.parquet");
  CHECK(find(directory, "flat/*", parquet) == "flat/B.PARQUET flat/_metadata.parquet flat/a.parquet flat/notes.txt");
  CHECK(find(directory, "flat/*", recursive) ==
        "flat/B.PARQUET flat/_metadata.parquet flat/a.parquet flat/notes.txt flat/sub/c.parquet");
  CHECK(failure(directory, "only", parquet).hint().find("recursive=True") != std::string::npos);
  CHECK(failure(directory, "text", parquet).message().find("no file that ends in .parquet") != std::string::npos);
  CHECK(failure(directory, "void", parquet).message().find("no data files") != std::string::npos);
}

TEST_CASE("what is not there is named with what might be meant") {
  TemporaryDirectory directory;
  directory.write("prices/day1.parquet", "x");
  const Status literal = failure(directory, "prices/day2.parquet");
  CHECK(literal.code() == StatusCode::kNotFound);
  CHECK(literal.message() == "there is no file or folder \"" + (directory / "prices/day2.parquet") + "\"");
  CHECK(literal.hint().find("Did you mean \"day1.parquet\"?") != std::string::npos);
  CHECK(failure(directory, "price/*.parquet").hint().find("Did you mean \"prices\"?") != std::string::npos);
  const Status pattern = failure(directory, "prices/*.csv");
  CHECK(pattern.message() == "no file matches \"" + (directory / "prices/*.csv") + "\"");
  CHECK(pattern.hint().find("The folder \"" + (directory / "prices") + "\" is there") != std::string::npos);
}

TEST_CASE("odd names are only names") {
  TemporaryDirectory directory;
  for (const char* name : {"a b'\"{}%;--\n.parquet", "ü 😀.parquet", "-x.parquet", "*.parquet"})
    directory.write(name, "x");
  for (const char* name : {"a b'\"{}%;--\n.parquet", "ü 😀.parquet", "-x.parquet", "*.parquet"})
    CHECK(find(directory, name) == name);
  CHECK(find(directory, "?x.parquet") == "-x.parquet");
  CHECK(find(directory, "[*].parquet") == "*.parquet");
  CHECK(expand(*local_file_system(), std::string("/tmp/\0*", 7)).status().code() == StatusCode::kInvalidArgument);
  CHECK(expand(*local_file_system(), "").status().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("links are followed, but not in circles") {
  TemporaryDirectory directory;
  directory.write("data/sub/a.parquet", "x");
  directory.write("elsewhere/b.parquet", "x");
  REQUIRE(::symlink((directory / "elsewhere").c_str(), (directory / "data/link").c_str()) == 0);
  REQUIRE(::symlink((directory / "data").c_str(), (directory / "data/sub/loop").c_str()) == 0);
  CHECK(find(directory, "data", {true, {}}) == "data/link/b.parquet data/sub/a.parquet");
  CHECK(find(directory, "data/**/*.parquet") == "data/link/b.parquet data/sub/a.parquet");
  CHECK(find(directory, "data/link/*") == "data/link/b.parquet");
}

TEST_CASE("a folder that can't be looked into is an error, not an absence") {
  TemporaryDirectory directory;
  directory.write("data/sub/a.parquet", "x");
  FaultFileSystem files(local_file_system());
  files.set_hook([&](const std::string& call) {
    files.set_plan(call == "list " + (directory / "data/sub") ? FaultPlan::parse("io_error@0").value()
                                                              : std::optional<FaultPlan>());
  });
  CHECK(expand(files, directory / "data/**/*.parquet").status().code() == StatusCode::kIoError);
  CHECK(expand(files, directory / "data", {true, {}}).status().code() == StatusCode::kIoError);
  if (::geteuid() == 0) return;  // Root may read anything.
  ::chmod((directory / "data/sub").c_str(), 0);
  CHECK(find(directory, "data/**/*.parquet") == "permission_denied");
  CHECK(find(directory, "data/sub/*.parquet") == "permission_denied");
  ::chmod((directory / "data/sub").c_str(), 0700);
}

TEST_CASE("relative patterns stay relative") {
  TemporaryDirectory directory;
  directory.write("a/x.parquet", "x");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(directory.path());
  auto found = expand(*local_file_system(), "*/*.parquet");
  auto all = expand(*local_file_system(), "**");
  auto here = expand(*local_file_system(), ".", {true, {}});
  auto missing = expand(*local_file_system(), "b*").status();
  std::filesystem::current_path(before);
  REQUIRE(found.is_ok());
  CHECK((*found)[0].path == "a/x.parquet");
  CHECK((*all)[0].path == "a/x.parquet");
  CHECK((*here)[0].path == "./a/x.parquet");
  CHECK(missing.code() == StatusCode::kNotFound);
}

}  // namespace millpond
