#pragma once

#include <dlfcn.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "catch.hpp"
#include "storage/usrbio_pool.h"
#include "temporary_directory.h"

namespace millpond {

/// The stand-in for the library of 3FS (tests/usrbio), and a folder that is a mount to it.
class FakeUsrbio {
 public:
  /// In the order of its `enum counter`.
  enum Counter {
    kReads, kBytes, kMostAtOnce, kBuffersMade, kBuffersLeft, kRingsLeft, kFilesMade, kFilesLeft, kNamesLeft, kFaults, kSubmits,
    kFull
  };

  FakeUsrbio() : handle_(::dlopen(MILLPOND_TEST_USRBIO, RTLD_NOW | RTLD_LOCAL)) {
    REQUIRE(handle_ != nullptr);
    ::setenv("FAKE_USRBIO_MOUNTS", mount.path().c_str(), 1);
    set_faults("");
    REQUIRE(count(kBuffersLeft) == given_up_);
  }
  ~FakeUsrbio() {
    ::unsetenv("FAKE_USRBIO_MOUNTS");
    ::unsetenv("FAKE_USRBIO_FAULTS");
    ::unsetenv("FAKE_USRBIO_SHUFFLE");
  }

  /// What goes wrong from now on ("short=3,shuffle"), and all counts from 0.
  void set_faults(const std::string& faults) {
    ::setenv("FAKE_USRBIO_FAULTS", faults.c_str(), 1);
    faults.find("shuffle") != std::string::npos ? ::setenv("FAKE_USRBIO_SHUFFLE", "1", 1) : ::unsetenv("FAKE_USRBIO_SHUFFLE");
    reinterpret_cast<void (*)()>(::dlsym(handle_, "fake_usrbio_restart"))();
  }
  void answer_lost() { reinterpret_cast<void (*)()>(::dlsym(handle_, "fake_usrbio_answer_lost"))(); }
  std::uint64_t count(Counter counter) {
    return reinterpret_cast<std::uint64_t (*)(int)>(::dlsym(handle_, "fake_usrbio_count"))(counter);
  }
  void check_all_given_back() {
    CHECK(count(kBuffersLeft) == given_up_);
    CHECK(count(kRingsLeft) == given_up_);
    CHECK(count(kFilesLeft) == 0);
    CHECK(count(kNamesLeft) == 0);
  }

  std::shared_ptr<UsrbioPool> pool(std::chrono::milliseconds patience = std::chrono::seconds(60)) {
    const Result<UsrbioLibrary> library = load_usrbio(MILLPOND_TEST_USRBIO);
    REQUIRE(library.is_ok());
    auto made = UsrbioPool::create(*library, mount.path(), patience);
    INFO(made.status().to_string());
    REQUIRE(made.is_ok());
    return std::move(made).value();
  }

  TemporaryDirectory mount;

 private:
  void* const handle_;
  const std::uint64_t given_up_ = count(kRingsLeft);  // By tests before, whose requests were never answered rightly.
};

}  // namespace millpond
