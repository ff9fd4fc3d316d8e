#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace millpond {

/// Appends little-endian numbers, LEB128 varints and strings to a growing byte string.
class ByteWriter {
 public:
  void u8(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void u32(std::uint32_t value) { fixed(value, 4); }
  void u64(std::uint64_t value) { fixed(value, 8); }

  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      bytes_.push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    bytes_.push_back(static_cast<char>(value));
  }

  /// A varint length and the bytes.
  void text(std::string_view value) {
    varint(value.size());
    bytes_.append(value);
  }

  void raw(std::string_view value) { bytes_.append(value); }

  const std::string& bytes() const { return bytes_; }
  std::string take() { return std::move(bytes_); }

 private:
  void fixed(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<char>(value >> (8 * i)));
  }

  std::string bytes_;
};

/// Reads what ByteWriter wrote, from bytes that may be damaged: a read past the end or a varint that is too long gives
/// zero and turns ok() off for good. Never allocates more than the bytes it was given.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return position_ == bytes_.size(); }
  std::size_t remaining() const { return bytes_.size() - position_; }

  std::uint8_t u8() { return static_cast<std::uint8_t>(fixed(1)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(fixed(4)); }
  std::uint64_t u64() { return fixed(8); }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint64_t byte = fixed(1);
      if (shift == 63 && byte > 1) ok_ = false;
      value |= (byte & 0x7f) << shift;
      if (!ok_) return 0;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }

  std::string_view text() {
    const std::uint64_t size = varint();
    if (!ok_ || size > remaining()) {
      ok_ = false;
      return {};
    }
    const std::string_view value = bytes_.substr(position_, size);
    position_ += size;
    return value;
  }

 private:
  std::uint64_t fixed(std::size_t size) {
    if (!ok_ || remaining() < size) {
      ok_ = false;
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes_[position_ + i])) << (8 * i);
    }
    position_ += size;
    return value;
  }

  std::string_view bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace millpond
