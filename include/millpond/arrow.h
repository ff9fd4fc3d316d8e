#pragma once

#include <cstdint>
#include <utility>

// The Arrow C data and stream interfaces, as their specification gives them, so that no Arrow library is needed.
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

extern "C" {
struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  std::int64_t flags;
  std::int64_t n_children;
  struct ArrowSchema** children;
  struct ArrowSchema* dictionary;
  void (*release)(struct ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  std::int64_t length;
  std::int64_t null_count;
  std::int64_t offset;
  std::int64_t n_buffers;
  std::int64_t n_children;
  const void** buffers;
  struct ArrowArray** children;
  struct ArrowArray* dictionary;
  void (*release)(struct ArrowArray*);
  void* private_data;
};
}
#endif  // ARROW_C_DATA_INTERFACE

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

extern "C" {
struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream*, struct ArrowSchema* out);
  int (*get_next)(struct ArrowArrayStream*, struct ArrowArray* out);
  const char* (*get_last_error)(struct ArrowArrayStream*);
  void (*release)(struct ArrowArrayStream*);
  void* private_data;
};
}
#endif  // ARROW_C_STREAM_INTERFACE

namespace millpond {

/// Owns an ArrowArrayStream: releases it when it goes. Move-only.
class ArrowStream {
 public:
  ArrowStream() : stream_{} {}
  explicit ArrowStream(ArrowArrayStream stream) : stream_(stream) {}
  ArrowStream(ArrowStream&& other) noexcept : stream_(std::exchange(other.stream_, {})) {}
  ArrowStream& operator=(ArrowStream&& other) noexcept {
    if (this != &other) {
      reset();
      stream_ = std::exchange(other.stream_, {});
    }
    return *this;
  }
  ArrowStream(const ArrowStream&) = delete;
  ArrowStream& operator=(const ArrowStream&) = delete;
  ~ArrowStream() { reset(); }

  ArrowArrayStream* get() { return &stream_; }
  ArrowArrayStream* operator->() { return &stream_; }
  bool is_valid() const { return stream_.release != nullptr; }

  /// Gives the stream to a consumer, who must release it.
  ArrowArrayStream release() { return std::exchange(stream_, {}); }

 private:
  void reset() {
    if (stream_.release != nullptr) stream_.release(&stream_);
    stream_ = {};
  }
  ArrowArrayStream stream_;
};

}  // namespace millpond
