#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "millpond/result.h"
#include "storage/usrbio_library.h"

namespace millpond {

/// A file registered with the library.
struct UsrbioTarget {
  int fd;
  const std::string& path;  ///< For messages.
};

/// A ring for reads and a buffer of 4 MB in memory shared with 3FS' process. For one thread at a time.
class UsrbioLane {
 public:
  static constexpr std::size_t kPiece = std::size_t{512} << 10;
  static constexpr std::size_t kPieces = 8;
  static constexpr std::size_t kBufferBytes = kPiece * kPieces;

  /// The library's errno when it gives none.
  static Result<std::unique_ptr<UsrbioLane>> create(const UsrbioLibrary& library, const std::string& mount_point);
  /// Gives ring and buffer back. Only when the lane is quiet: 3FS may write into the buffer until then.
  ~UsrbioLane();
  UsrbioLane(const UsrbioLane&) = delete;
  UsrbioLane& operator=(const UsrbioLane&) = delete;

  /// Fills `out` from `offset`, in pieces of which up to eight are under way at once; returns how many bytes of its beginning
  /// were read. Fewer than asked at the end, and where 3FS says less. An error names file, offset and errno; so does a request
  /// that was not answered within `patience`. All requests are over then, or the lane is not quiet.
  Result<std::size_t> read(const UsrbioTarget& target, std::int64_t offset, std::span<std::byte> out,
                           std::chrono::milliseconds patience);

  /// Whether no request is under way. What is not can be asked again later, when it takes the answers that came since.
  bool is_quiet();

 private:
  using Clock = std::chrono::steady_clock;
  struct Piece {
    bool is_under_way = false;
    std::size_t at = 0;  ///< Its place in what was asked for.
    std::size_t length = 0;
  };
  struct Request;  ///< One call of read().

  explicit UsrbioLane(const UsrbioLibrary& library) : library_(library) {}

  std::byte* place_of(std::size_t slot) { return reinterpret_cast<std::byte*>(buffer_.base) + slot * kPiece; }
  void prepare_some(Request& request);
  void take_answers(Request& request);
  void take(Request& request, const usrbio::Answer& answer);
  /// Waits for answers until `deadline`, or takes those that are there.
  int wait(std::span<usrbio::Answer> answers, Clock::time_point deadline);

  const UsrbioLibrary library_;
  usrbio::Buffer buffer_{};
  usrbio::Ring ring_{};
  bool has_buffer_ = false;
  bool has_ring_ = false;
  bool is_lost_ = false;  ///< It answered what was not asked: nothing it says counts any more.
  std::array<Piece, kPieces> pieces_;
  std::size_t under_way_ = 0;
};

}  // namespace millpond
