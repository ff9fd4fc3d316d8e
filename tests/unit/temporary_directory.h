#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include "base/ids.h"

namespace millpond {

/// An empty folder of this test, removed when it ends. In memory where that is offered: tests that sync after every
/// step of many would wait for the disk otherwise.
class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_(root() / ("millpond-test-" + random_name())) {
    std::filesystem::create_directory(path_);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::string path() const { return path_.string(); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

  /// Writes a file, with the folders above it.
  void write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << content;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path_ / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  bool exists(const std::string& name) const { return std::filesystem::exists(path_ / name); }

 private:
  static std::filesystem::path root() {
    std::error_code error;
    const std::filesystem::path memory = "/dev/shm";
    const auto status = std::filesystem::status(memory, error);
    const bool is_open =
        !error && (status.permissions() & std::filesystem::perms::others_write) != std::filesystem::perms::none;
    return is_open ? memory : std::filesystem::temp_directory_path();
  }

  std::filesystem::path path_;
};

}  // namespace millpond
