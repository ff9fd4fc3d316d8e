#include "job/write_notes.h"

#include "catch.hpp"
#include "storage/lease.h"
#include "storage/staging.h"
#include "temporary_directory.h"

namespace millpond {

TEST_CASE("a job is removed with what its writes staged anywhere") {
  TemporaryDirectory directory;
  FileSystem& files = *local_file_system();
  const std::string job = directory / "data/nightly";
  REQUIRE(files.make_directories(job).is_ok());
  directory.write("data/nightly/journal", "x");
  const std::string one = directory / "here/out", two = directory / "there/ü \"out\"", done = directory / "here/done";
  for (const std::string& target : {one, two, done}) {
    REQUIRE(note_write(files, job, target).is_ok());
    REQUIRE(note_write(files, job, target).is_ok());
    REQUIRE(files.make_directories(staging_directory(target, "nightly", "f") + "/attempts").is_ok());
  }
  REQUIRE(forget_write(files, job, done).is_ok());
  REQUIRE(forget_write(files, job, directory / "never/noted").is_ok());
  auto noted = noted_writes(files, job);
  REQUIRE(noted.is_ok());
  CHECK(noted->size() == 2);

  {
    auto lease = Lease::acquire(job);
    CHECK(remove_job_directory(files, job).code() == StatusCode::kConflict);
    CHECK(files.stat(staging_directory(one, "nightly", "f")).is_ok());
  }
  CHECK(remove_job_directory(files, job + "/").is_ok());
  CHECK_FALSE(directory.exists("data/nightly"));
  for (const std::string& target : {one, two})
    CHECK_FALSE(files.stat(staging_directory(target, "nightly", "f")).is_ok());
  CHECK(files.stat(staging_directory(done, "nightly", "f")).is_ok());
  CHECK(remove_job_directory(files, job).is_ok());
}

TEST_CASE("with a job goes what says that it wrote files of tables, and the files stay") {
  TemporaryDirectory directory;
  FileSystem& files = *local_file_system();
  const std::string job = directory / "data/nightly";
  REQUIRE(files.make_directories(job).is_ok());
  directory.write("data/nightly/journal", "x");
  for (const char* table : {"named", "unnamed"}) {
    for (const char* name : {"._millpond-0123456789abcdef.json", "p=1/part-00000.parquet", ".hidden"}) {
      directory.write(std::string(table) + "/millpond-1/" + name, "x");
    }
    REQUIRE(note_table_write(files, job, directory / (std::string(table) + "/millpond-1")).is_ok());
  }
  REQUIRE(note_table_write(files, job, directory / "never/written").is_ok());
  REQUIRE(finish_table_write(files, job, directory / "named/millpond-1").is_ok());
  CHECK_FALSE(directory.exists("named/millpond-1/._millpond-0123456789abcdef.json"));
  CHECK(directory.exists("unnamed/millpond-1/._millpond-0123456789abcdef.json"));
  directory.write("named/millpond-1/._millpond-0123456789abcdef.json", "another job's");

  REQUIRE(remove_job_directory(files, job).is_ok());
  CHECK(directory.exists("named/millpond-1/._millpond-0123456789abcdef.json"));
  CHECK_FALSE(directory.exists("unnamed/millpond-1/._millpond-0123456789abcdef.json"));
  for (const char* name : {"p=1/part-00000.parquet", ".hidden"}) {
    CHECK(directory.exists(std::string("unnamed/millpond-1/") + name));
  }
}

TEST_CASE("a folder that is no job's stays") {
  TemporaryDirectory directory;
  directory.write("home/letter", "x");
  CHECK(remove_job_directory(*local_file_system(), directory / "home").code() == StatusCode::kInvalidArgument);
  CHECK(directory.exists("home/letter"));
  CHECK_FALSE(directory.exists("home/lease"));
}

}  // namespace millpond
