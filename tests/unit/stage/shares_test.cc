#include "stage/shares.h"

#include <string>

#include "catch.hpp"

namespace millpond {
namespace {

constexpr std::int64_t kLeast = 100;

/// Partitions of so many bytes; those with pieces may be cut.
std::vector<PartitionSize> whole(const std::vector<std::int64_t>& bytes) {
  std::vector<PartitionSize> sizes;
  for (const std::int64_t one : bytes) sizes.push_back({one, -1, {}});
  return sizes;
}

PartitionSize divisible(std::int64_t others, std::int64_t piece, std::size_t pieces) {
  return {others + piece * static_cast<std::int64_t>(pieces), 0, std::vector<std::int64_t>(pieces, piece)};
}

/// "0-3 3:0-2 3:2-4 -": partitions 0 to 2, two halves of 3, nothing.
std::string text(const std::vector<Share>& shares) {
  std::string text;
  for (const Share& share : shares) {
    text += text.empty() ? "" : " ";
    if (share.is_idle()) {
      text += "-";
    } else if (share.cut_input < 0) {
      text += std::to_string(share.begin) + "-" + std::to_string(share.end);
    } else {
      text += std::to_string(share.begin) + ":" + std::to_string(share.first_piece) + "-" + std::to_string(share.end_piece);
    }
  }
  return text;
}

}  // namespace

TEST_CASE("neighbours that hold little are one task's") {
  CHECK(text(share_partitions(whole({10, 10, 10, 10}), kLeast)) == "0-4 - - -");
  CHECK(text(share_partitions(whole({60, 60, 30, 10}), kLeast)) == "0-1 1-4 - -");
  CHECK(text(share_partitions(whole({0, 0, 0}), kLeast)) == "0-3 - -");
  CHECK(text(share_partitions(whole({0, 500, 0, 0, 0, 50}), kLeast)) == "0-1 1-2 2-6 - - -");
}

TEST_CASE("tasks that have enough to do keep their partitions") {
  CHECK(share_partitions(whole({200, 300, 200}), kLeast).empty());
  CHECK(share_partitions(whole({1}), kLeast).empty());
  CHECK(share_partitions({}, kLeast).empty());
  CHECK(share_partitions(whole({1, 1, 1}), 0).empty());
  // A large one that can't be cut.
  CHECK(share_partitions(whole({200, 300, 20000}), kLeast).empty());
}

TEST_CASE("a partition far larger than the others is read in parts by the tasks that small ones leave") {
  CHECK(text(share_partitions({divisible(0, 500, 8), {10, -1, {}}, {10, -1, {}}, {10, -1, {}}}, kLeast)) ==
        "0:0-3 0:3-6 0:6-8 1-4");
  // As many parts as there are pieces.
  CHECK(text(share_partitions({{10, -1, {}}, {10, -1, {}}, divisible(0, 4000, 2), {10, -1, {}}}, kLeast)) ==
        "0-2 2:0-1 2:1-2 3-4");
  // Not larger by far, or not large, or of one piece.
  CHECK(share_partitions({divisible(0, 500, 8), {2000, -1, {}}, {2000, -1, {}}}, kLeast).empty());
  CHECK(text(share_partitions({divisible(0, 50, 8), {10, -1, {}}, {10, -1, {}}}, kLeast)) == "0-1 1-3 -");
  CHECK(text(share_partitions({divisible(0, 4000, 1), {10, -1, {}}, {10, -1, {}}}, kLeast)) == "0-1 1-3 -");
}

TEST_CASE("parts read the other inputs again, but not more of them than of what is cut") {
  CHECK(text(share_partitions({divisible(3000, 500, 8), {10, -1, {}}, {10, -1, {}}, {10, -1, {}}}, kLeast)) == "0-1 1-4 - -");
  CHECK(text(share_partitions({divisible(2000, 500, 8), {10, -1, {}}, {10, -1, {}}, {10, -1, {}}}, kLeast)) ==
        "0:0-4 0:4-8 1-4 -");
}

TEST_CASE("every partition and piece is read once, whatever the sizes") {
  std::uint64_t state = 7;
  const auto next = [&](std::uint64_t below) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::int64_t>((state >> 33) % below);
  };
  for (int round = 0; round < 2000; ++round) {
    std::vector<PartitionSize> sizes(static_cast<std::size_t>(next(20) + 2));
    for (PartitionSize& size : sizes) {
      size.bytes = next(4) == 0 ? next(100000) : next(300);
      if (next(2) == 0) continue;
      size.cut_input = 1;
      for (std::int64_t i = next(12); i >= 0; --i) size.pieces.push_back(next(3) == 0 ? 0 : next(20000));
      for (const std::int64_t piece : size.pieces) size.bytes += piece;
    }
    const std::vector<Share> shares = share_partitions(sizes, kLeast);
    if (shares.empty()) continue;
    REQUIRE(shares.size() == sizes.size());
    std::int64_t partition = 0;
    std::int64_t piece = 0;
    for (const Share& share : shares) {
      if (share.is_idle()) continue;
      REQUIRE(share.begin == partition);
      if (share.cut_input < 0) {
        REQUIRE(piece == 0);
        partition = share.end;
        continue;
      }
      REQUIRE(share.first_piece == piece);
      REQUIRE(share.end_piece > piece);
      piece = share.end_piece;
      if (piece < static_cast<std::int64_t>(sizes[static_cast<std::size_t>(partition)].pieces.size())) continue;
      piece = 0;
      ++partition;
    }
    REQUIRE(partition == static_cast<std::int64_t>(sizes.size()));
  }
}

}  // namespace millpond
