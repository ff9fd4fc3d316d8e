#include "base/page_buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <new>
#include <utility>

namespace millpond {

namespace {

// Below it malloc is as good, which never maps blocks this small, and cheaper: that one thread gives pages back, all of the
// process's threads wait for.
constexpr std::size_t kLeastPages = 64 << 10;

void* take_pages(std::size_t size) {
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return data == MAP_FAILED ? nullptr : data;
}

}  // namespace

PageBuffer::PageBuffer(PageBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

PageBuffer& PageBuffer::operator=(PageBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
  return *this;
}

PageBuffer::~PageBuffer() { release(); }

std::byte* PageBuffer::resize(std::size_t size) {
  if (size > capacity_) {
    release();
    std::size_t capacity = size + size / 8;  // The next one is often a little larger.
    if (capacity >= kLeastPages) {
      const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
      capacity = (capacity + page - 1) / page * page;
    }
    void* data = capacity < kLeastPages ? std::malloc(capacity) : take_pages(capacity);
    if (data == nullptr) throw std::bad_alloc();
    data_ = static_cast<std::byte*>(data);
    capacity_ = capacity;
  }
  size_ = size;
  return data_;
}

void PageBuffer::release() {
  if (capacity_ < kLeastPages) {
    std::free(data_);
  } else {
    ::munmap(data_, capacity_);
  }
  data_ = nullptr;
  size_ = capacity_ = 0;
}

}  // namespace millpond
