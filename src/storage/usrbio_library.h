#pragma once

#include <sys/types.h>
#include <time.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "millpond/result.h"

namespace millpond {

/// What we call of USRBIO, the I/O interface that 3FS publishes (deepseek-ai/3FS, src/lib/api/hf3fs_usrbio.h and UsrbIo.md):
/// layouts and signatures in our own words, so that nothing of 3FS is needed to build. The library tells no version; the layouts
/// are those of the header since March 2025.
namespace usrbio {

/// A buffer shared with 3FS' process on this machine, from and to which data move.
struct Buffer {
  std::uint8_t* base;
  void* handle;
  char id[16];
  char mount_point[256];
  std::size_t size;
  std::size_t block_size;
  int numa;
};

/// A ring of requests. One thread at a time may prepare and submit, one at a time may wait.
struct Ring {
  Buffer memory;
  void* handle;
  char mount_point[256];
  bool for_read;
  int io_depth;
  int priority;
  int timeout;
  std::uint64_t flags;
};

/// The answer to one request: bytes moved, or the negative errno.
struct Answer {
  std::int32_t index;
  std::int32_t reserved;
  std::int64_t result;
  const void* user_data;
};

static_assert(sizeof(Buffer) == 312 && offsetof(Buffer, size) == 288);
static_assert(sizeof(Ring) == 600 && offsetof(Ring, for_read) == 576 && offsetof(Ring, flags) == 592);
static_assert(sizeof(Answer) == 24);

}  // namespace usrbio

/// The functions of a loaded libhf3fs_api_shared.so. Results are 0 or more, or the negative errno, but where it is said.
struct UsrbioLibrary {
  bool (*is_hf3fs)(int fd);
  /// Length with the ending zero; -1 when the path is on no 3FS. Looks at the file system, and may throw.
  int (*extract_mount_point)(char* mount_point, int size, const char* path);
  int (*iovcreate)(usrbio::Buffer*, const char* mount_point, std::size_t size, std::size_t block_size, int numa);
  void (*iovunlink)(usrbio::Buffer*);
  void (*iovdestroy)(usrbio::Buffer*);
  int (*iorcreate4)(usrbio::Ring*, const char* mount_point, int entries, bool for_read, int io_depth, int timeout, int numa,
                    std::uint64_t flags);
  void (*iordestroy)(usrbio::Ring*);
  /// 0 or less when it is registered, the positive errno when not.
  int (*reg_fd)(int fd, std::uint64_t flags);
  void (*dereg_fd)(int fd);
  int (*prep_io)(const usrbio::Ring*, const usrbio::Buffer*, bool read, void* place, int fd, std::size_t offset,
                 std::uint64_t length, const void* user_data);
  int (*submit_ios)(const usrbio::Ring*);
  /// How many answers there were, fewer than `min_results` when `until` (of CLOCK_REALTIME) came first.
  int (*wait_for_ios)(const usrbio::Ring*, usrbio::Answer*, int count, int min_results, const struct timespec* until);
};

/// Loads the library `name`, a path or what the system's loader finds, for as long as the process lives. kNotFound when it can't
/// be loaded, kUnsupported naming the functions that it lacks, or what check_descriptor_limit says.
Result<UsrbioLibrary> load_usrbio(const std::string& name);

/// kUnsupported where a process may open more than four million files: the library takes some bytes for each when it is loaded,
/// gigabytes in containers that set no limit.
Status check_descriptor_limit(std::uint64_t hard_limit);

}  // namespace millpond
