#include "storage/usrbio_mounts.h"

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <vector>

#include "storage/files_by_scheme.h"
#include "storage/usrbio_fake.h"

namespace millpond {
namespace {

/// The settings of a session on the mount of the stand-in.
struct Settings {
  Settings(const FakeUsrbio& fake, const std::string& library) {
    ::setenv("MILLPOND_3FS_MOUNTS", ("stage=" + fake.mount.path()).c_str(), 1);
    ::setenv("MILLPOND_3FS_USRBIO", library.c_str(), 1);
    begin_usrbio_session();
  }
  ~Settings() {
    for (const char* name : {"MILLPOND_3FS_MOUNTS", "MILLPOND_3FS_USRBIO", "MILLPOND_3FS_USRBIO_TIMEOUT"}) ::unsetenv(name);
    begin_usrbio_session();
    // Asked again, it lets go of what was made.
    (void)is_read_by_usrbio("/");
    (void)take_usrbio_warnings();
  }
};

std::string read(const std::string& path) {
  const auto file = local_file_system()->open(path);
  REQUIRE(file.is_ok());
  std::vector<std::byte> out(100);
  const auto got = (*file)->read_at(0, out);
  REQUIRE(got.is_ok());
  return {reinterpret_cast<const char*>(out.data()), *got};
}

}  // namespace

TEST_CASE("a library that is not 3FS' is refused by the names it lacks") {
  CHECK(load_usrbio("/nowhere/libhf3fs_api_shared.so").status().code() == StatusCode::kNotFound);
  const Status status = load_usrbio("libm.so.6").status();
  CHECK(status.code() == StatusCode::kUnsupported);
  CHECK(status.message().find("hf3fs_is_hf3fs, hf3fs_extract_mount_point") != std::string::npos);
  CHECK(load_usrbio(MILLPOND_TEST_USRBIO).is_ok());
  CHECK(check_descriptor_limit(1 << 20).is_ok());
  CHECK(check_descriptor_limit(1073741816).code() == StatusCode::kUnsupported);
}

TEST_CASE("files below a mount of 3FS are read through its rings, others are not") {
  FakeUsrbio fake;
  const TemporaryDirectory elsewhere;
  elsewhere.write("far", "far");
  fake.mount.write("folder/file", "content");
  fake.mount.write("empty", "");
  std::filesystem::create_symlink(elsewhere / "far", fake.mount / "link");
  {
    const Settings settings(fake, MILLPOND_TEST_USRBIO);
    const auto files = files_by_scheme(local_file_system(), nullptr);
    CHECK(files->is_read_by_rings(fake.mount / "folder/file"));
    CHECK(!files->is_local_disk(fake.mount / "folder/file"));
    CHECK(take_usrbio_warnings().empty());
    for (const std::string& path : {elsewhere / "far", fake.mount.path(), fake.mount.path() + "2/x", std::string("x")}) {
      INFO(path);
      CHECK(files->is_local_disk(path));
      CHECK(!files->is_read_by_rings(path));
    }
    CHECK(!files->is_local_disk("s3:/" + fake.mount.path() + "/x"));
    CHECK(!files->is_read_by_rings("s3:/" + fake.mount.path() + "/x"));

    CHECK(read(fake.mount / "folder/file") == "content");
    CHECK(fake.count(FakeUsrbio::kReads) == 1);
    CHECK(read(elsewhere / "far") == "far");
    CHECK(read(fake.mount / "link") == "far");
    CHECK(read(fake.mount / "empty").empty());
    CHECK(fake.count(FakeUsrbio::kReads) == 1);
    CHECK(fake.count(FakeUsrbio::kFilesLeft) == 0);
    CHECK(files->open(fake.mount / "none").status().code() == StatusCode::kNotFound);

    // Other settings are those of the next session.
    ::setenv("MILLPOND_3FS_USRBIO", "off", 1);
    CHECK(files->is_read_by_rings(fake.mount / "folder/file"));
    begin_usrbio_session();
    CHECK(files->is_local_disk(fake.mount / "folder/file"));
    CHECK(read(fake.mount / "folder/file") == "content");
    CHECK(fake.count(FakeUsrbio::kReads) == 1);
    CHECK(take_usrbio_warnings().empty());
  }
  fake.check_all_given_back();
}

TEST_CASE("where the rings can't be used the kernel reads, with one warning that says why") {
  FakeUsrbio fake;
  fake.mount.write("file", "content");
  const struct {
    const char* library;
    const char* faults;
    const char* reason;
  } cases[] = {{"/nowhere/lib.so", "", "/nowhere/lib.so"},
               {"libm.so.6", "", "hf3fs_iorcreate4"},
               {MILLPOND_TEST_USRBIO, "iov=1", "a buffer of USRBIO"},
               {MILLPOND_TEST_USRBIO, "ior=1", "a ring of USRBIO"}};
  for (const auto& [library, faults, reason] : cases) {
    INFO(reason);
    fake.set_faults(faults);
    const Settings settings(fake, library);
    CHECK(local_file_system()->is_local_disk(fake.mount / "file"));
    CHECK(read(fake.mount / "file") == "content");
    const std::vector<std::string> warnings = take_usrbio_warnings();
    REQUIRE(warnings.size() == 1);
    INFO(warnings.front());
    CHECK(warnings.front().find(reason) != std::string::npos);
    CHECK(warnings.front().find("through the kernel") != std::string::npos);
    CHECK(warnings.front().find('\n') == std::string::npos);
    CHECK(read(fake.mount / "file") == "content");
    CHECK(take_usrbio_warnings().empty());
  }
  // A folder that the library takes for no mount, and a time that is none.
  fake.set_faults("");
  ::setenv("FAKE_USRBIO_MOUNTS", "/nowhere", 1);
  const Settings settings(fake, MILLPOND_TEST_USRBIO);
  CHECK(read(fake.mount / "file") == "content");
  REQUIRE(take_usrbio_warnings().size() == 1);
  ::setenv("FAKE_USRBIO_MOUNTS", fake.mount.path().c_str(), 1);
  ::setenv("MILLPOND_3FS_USRBIO_TIMEOUT", "soon", 1);
  begin_usrbio_session();
  CHECK(local_file_system()->is_read_by_rings(fake.mount / "file"));
  const std::vector<std::string> warnings = take_usrbio_warnings();
  REQUIRE(warnings.size() == 1);
  CHECK(warnings.front().find("\"soon\"") != std::string::npos);
  CHECK(fake.count(FakeUsrbio::kReads) == 0);
}

TEST_CASE("a forked child uses nothing of its parent's rings") {
  FakeUsrbio fake;
  fake.mount.write("file", "content");
  {
    const Settings settings(fake, MILLPOND_TEST_USRBIO);
    auto file = local_file_system()->open(fake.mount / "file");
    REQUIRE(file.is_ok());
    CHECK(read(fake.mount / "file") == "content");
    const std::uint64_t reads = fake.count(FakeUsrbio::kReads);
    const pid_t child = ::fork();
    if (child == 0) {
      std::vector<std::byte> out(100);
      const auto got = (*file)->read_at(0, out);
      bool is_right = got.is_ok() && *got == 7 && local_file_system()->is_local_disk(fake.mount / "file");
      file->reset();
      is_right = is_right && read(fake.mount / "file") == "content" && fake.count(FakeUsrbio::kReads) == reads;
      ::_exit(is_right ? 0 : 1);
    }
    int status = 1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(read(fake.mount / "file") == "content");
    CHECK(fake.count(FakeUsrbio::kReads) == reads + 1);
  }
  fake.check_all_given_back();
}

}  // namespace millpond
