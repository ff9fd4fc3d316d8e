#include "sql/bloom_filter.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

namespace millpond::bloom {
namespace {

static_assert(std::endian::native == std::endian::little, "filters are little-endian");

using Words = std::array<std::uint32_t, 8>;

// The specification's constants.
constexpr Words kSalts = {0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU, 0x705495c7U, 0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U};

constexpr std::uint64_t kBitsPerHash = 12;

// One bit in each word.
Words mask_of(std::uint64_t hash) {
  const auto low = static_cast<std::uint32_t>(hash);
  Words mask;
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = std::uint32_t{1} << ((low * kSalts[i]) >> 27);
  return mask;
}

// Blocks lie at any address.
Words words_of(const unsigned char* block) {
  Words words;
  std::memcpy(words.data(), block, kBlockBytes);
  return words;
}

}  // namespace

std::uint64_t blocks_for(std::uint64_t hashes) {
  const std::uint64_t most = kMaxBlocks * kBlockBytes * 8 / kBitsPerHash;
  return std::max<std::uint64_t>(1, (std::min(hashes, most) * kBitsPerHash + kBlockBytes * 8 - 1) / (kBlockBytes * 8));
}

void add(unsigned char* block, std::uint64_t hash) {
  const Words mask = mask_of(hash);
  Words words = words_of(block);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] |= mask[i];
  std::memcpy(block, words.data(), kBlockBytes);
}

bool may_hold(const unsigned char* block, std::uint64_t hash) {
  const Words mask = mask_of(hash);
  const Words words = words_of(block);
  std::uint32_t missing = 0;
  for (std::size_t i = 0; i < words.size(); ++i) missing |= mask[i] & ~words[i];
  return missing == 0;
}

std::optional<View> view(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || (bytes.size() - kHeaderBytes) % kBlockBytes != 0) return {};
  std::uint32_t blocks = 0;
  std::uint32_t first = 0;
  std::memcpy(&blocks, bytes.data(), sizeof blocks);
  std::memcpy(&first, bytes.data() + sizeof blocks, sizeof first);
  const std::uint64_t written = (bytes.size() - kHeaderBytes) / kBlockBytes;
  if (blocks == 0 || blocks > kMaxBlocks || first + written > blocks) return {};
  return View{blocks, first, written, reinterpret_cast<const unsigned char*>(bytes.data()) + kHeaderBytes};
}

}  // namespace millpond::bloom
