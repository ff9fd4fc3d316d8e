#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace millpond {

/// A split-block Bloom filter over 64-bit hashes, after the specification of Apache Parquet (BloomFilter.md in
/// apache/parquet-format): a hash belongs to one block of 256 bits, by its upper half, and sets one bit in each of the
/// block's eight words, by its lower half. What was added is always found; of the rest about one in a hundred at 12 bits for
/// each hash that was added.
///
/// As bytes: how many blocks there are, and the number of the first one that is written, each in four bytes; then blocks. What
/// lies before and behind those is empty. All numbers are little-endian. A part of the hashes, such as those of one partition,
/// lies in a part of the blocks, since both go by the hash's upper bits.
namespace bloom {

inline constexpr std::uint64_t kBlockBytes = 32;
inline constexpr std::uint64_t kHeaderBytes = 8;
/// 256 MB.
inline constexpr std::uint64_t kMaxBlocks = 1 << 23;

/// How many blocks so many different hashes need.
std::uint64_t blocks_for(std::uint64_t hashes);

/// The block of a hash among `blocks`.
inline std::uint64_t block_of(std::uint64_t hash, std::uint64_t blocks) { return ((hash >> 32) * blocks) >> 32; }

void add(unsigned char* block, std::uint64_t hash);
bool may_hold(const unsigned char* block, std::uint64_t hash);

/// A filter's bytes, taken apart. Borrows them.
struct View {
  std::uint64_t blocks = 0;
  std::uint64_t first = 0;    ///< The first block that is written.
  std::uint64_t written = 0;  ///< Blocks from there.
  const unsigned char* data = nullptr;

  bool may_hold(std::uint64_t hash) const {
    const std::uint64_t at = block_of(hash, blocks) - first;
    return at < written && bloom::may_hold(data + at * kBlockBytes, hash);
  }
};

/// Nothing, when these are no filter's bytes.
std::optional<View> view(std::string_view bytes);

}  // namespace bloom
}  // namespace millpond
