#include "runner/frame.h"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace millpond {
namespace {

constexpr std::size_t kHeader = 4;

}  // namespace

Status append_frame(std::string& out, std::string_view payload) {
  if (payload.size() > kMaxFrame) {
    return Status::invalid_argument("a message of " + std::to_string(payload.size()) +
                                        " bytes is larger than the limit of " + std::to_string(kMaxFrame),
                                    "make fewer files a task, with more partitions");
  }
  for (std::size_t i = 0; i < kHeader; ++i) out += static_cast<char>(payload.size() >> (8 * i) & 0xff);
  out += payload;
  return {};
}

Result<std::optional<std::string>> FrameReader::next() {
  const std::size_t size = buffer_.size() - begin_;
  if (size < kHeader) return std::optional<std::string>();
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < kHeader; ++i) {
    length |= static_cast<std::uint32_t>(static_cast<unsigned char>(buffer_[begin_ + i])) << (8 * i);
  }
  if (length > kMaxFrame) return Status::data_corrupt("a frame says it has " + std::to_string(length) + " bytes");
  if (size - kHeader < length) return std::optional<std::string>();
  std::optional<std::string> payload = buffer_.substr(begin_ + kHeader, length);
  begin_ += kHeader + length;
  if (begin_ == buffer_.size() || begin_ > (1u << 20)) {
    buffer_.erase(0, begin_);
    begin_ = 0;
  }
  return payload;
}

Status send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return Status(StatusCode::kUnavailable, std::string("the socket to the driver is gone: ") + std::strerror(errno));
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

}  // namespace millpond
