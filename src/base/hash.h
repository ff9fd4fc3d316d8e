#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace millpond {

/// XXH3-64 of bytes, seed 0.
std::uint64_t xxh3_64(std::string_view bytes);

/// XXH3-64 as 16 lower-case hex digits, most significant first.
std::string xxh3_64_hex(std::string_view bytes);

/// XXH3-128 as 32 lower-case hex digits, most significant first (the canonical form): names the content of files and
/// plans.
std::string xxh3_128_hex(std::string_view bytes);

/// XXH3-128 of bytes that come in pieces. Move-only; not thread-safe.
class ContentHasher {
 public:
  ContentHasher();
  ~ContentHasher();
  ContentHasher(ContentHasher&&) noexcept;
  ContentHasher& operator=(ContentHasher&&) noexcept;

  void update(std::string_view bytes);
  /// The digest of all bytes so far, as xxh3_128_hex gives it. More may follow.
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millpond
