#pragma once

#include <cstddef>
#include <span>

namespace millpond {

/// Memory for large blocks, in whole pages, from the system and back to it; for small ones malloc's. Large blocks that come and go through malloc leave holes in its heap,
/// and make it take the next ones from there, too (mallopt(3), M_MMAP_THRESHOLD): a process grows without holding more.
/// Not cleared, and its pages stay: fresh ones cost more than most work that fills them.
class PageBuffer {
 public:
  PageBuffer() = default;
  PageBuffer(PageBuffer&& other) noexcept;
  PageBuffer& operator=(PageBuffer&& other) noexcept;
  ~PageBuffer();

  /// At least `size` bytes; what it held is lost. Throws std::bad_alloc.
  std::byte* resize(std::size_t size);

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  void release();

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace millpond
