#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "millpond/result.h"

namespace millpond {

/// A message on a worker's socket: its length as 4 bytes, little-endian, then so many bytes of JSON.
inline constexpr std::uint32_t kMaxFrame = 256u << 20;

/// Appends a frame to `out`. kInvalidArgument when the payload is larger than kMaxFrame.
Status append_frame(std::string& out, std::string_view payload);

/// Cuts a byte stream into frames.
class FrameReader {
 public:
  void add(const char* data, std::size_t size) { buffer_.append(data, size); }
  /// The next whole frame; none until more bytes come; kDataCorrupt when a length can't be one.
  Result<std::optional<std::string>> next();

 private:
  std::string buffer_;
  std::size_t begin_ = 0;
};

/// Sends everything on a blocking socket. kUnavailable when the other side is gone.
Status send_all(int fd, std::string_view bytes);

}  // namespace millpond
