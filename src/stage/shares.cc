#include "stage/shares.h"

#include <algorithm>
#include <numeric>

namespace millpond {
namespace {

// A partition is cut when it holds so many times what half of the partitions hold,
constexpr std::int64_t kSkew = 4;
// and is worth so many tasks,
constexpr std::int64_t kWorthCutting = 8;
// and no part is worth fewer.
constexpr std::int64_t kLeastPart = 2;

std::int64_t median(const std::vector<PartitionSize>& sizes) {
  std::vector<std::int64_t> bytes;
  for (const PartitionSize& size : sizes) bytes.push_back(size.bytes);
  const auto middle = bytes.begin() + static_cast<std::ptrdiff_t>((bytes.size() - 1) / 2);
  std::nth_element(bytes.begin(), middle, bytes.end());
  return *middle;
}

/// Deals partitions to tasks that each have about `target` bytes to read.
class Packing {
 public:
  Packing(const std::vector<PartitionSize>& sizes, std::int64_t least_bytes)
      : sizes_(sizes), least_(least_bytes), largest_uncut_(std::max(kSkew * median(sizes), kWorthCutting * least_bytes)) {}

  std::vector<Share> to_size(std::int64_t target) {
    shares_.clear();
    Share open;
    std::int64_t bytes = 0;
    const auto close = [&] {
      if (!open.is_idle()) shares_.push_back(open);
      bytes = 0;
    };
    for (std::size_t i = 0; i < sizes_.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      const std::int64_t parts = parts_of(sizes_[i], target);
      if (parts > 1 || (bytes > 0 && bytes + sizes_[i].bytes > target)) close();
      if (bytes == 0) open = {at, at, -1, 0, 0};
      open.end = at + 1;
      bytes += std::max<std::int64_t>(sizes_[i].bytes, 1);
      if (parts == 1) continue;
      cut(at, parts);
      open = {};
      bytes = 0;
    }
    close();
    return std::move(shares_);
  }

 private:
  /// In how many parts the partition is to be read.
  std::int64_t parts_of(const PartitionSize& size, std::int64_t target) const {
    if (size.cut_input < 0 || size.pieces.size() < 2 || size.bytes <= std::max(largest_uncut_, target)) return 1;
    const std::int64_t cut = std::accumulate(size.pieces.begin(), size.pieces.end(), std::int64_t{0});
    const std::int64_t whole = size.bytes - cut;
    // Each part reads the other inputs again: no more of that than of what is cut.
    const std::int64_t most = std::min(cut / std::max<std::int64_t>(whole, 1), static_cast<std::int64_t>(size.pieces.size()));
    const std::int64_t part = std::max(target - whole, kLeastPart * least_);
    return std::max<std::int64_t>(1, std::min(most, (cut + part - 1) / part));
  }

  /// Runs of pieces of about equal size.
  void cut(std::int64_t partition, std::int64_t parts) {
    const PartitionSize& size = sizes_[static_cast<std::size_t>(partition)];
    const std::int64_t all = std::accumulate(size.pieces.begin(), size.pieces.end(), std::int64_t{0});
    const auto number = static_cast<std::int64_t>(size.pieces.size());
    std::int64_t bytes = 0;
    std::int64_t begin = 0;
    for (std::int64_t piece = 0, part = 1; piece < number; ++piece) {
      bytes += size.pieces[static_cast<std::size_t>(piece)];
      const bool is_full = part < parts && bytes >= all / parts * part;
      if (!is_full && piece + 1 < number) continue;
      shares_.push_back({partition, partition + 1, size.cut_input, begin, piece + 1});
      begin = piece + 1;
      ++part;
    }
  }

  const std::vector<PartitionSize>& sizes_;
  const std::int64_t least_;
  const std::int64_t largest_uncut_;
  std::vector<Share> shares_;
};

}  // namespace

std::vector<Share> share_partitions(const std::vector<PartitionSize>& sizes, std::int64_t least_bytes) {
  if (sizes.size() < 2 || least_bytes <= 0) return {};
  Packing packing(sizes, least_bytes);
  std::int64_t target = least_bytes;
  std::vector<Share> shares = packing.to_size(target);
  // Parts of large partitions need tasks that joining small ones frees. Nothing is cut once the target is large enough.
  while (shares.size() > sizes.size()) shares = packing.to_size(target += target / 4 + 1);
  const bool is_plain = shares.size() == sizes.size() &&
                        std::all_of(shares.begin(), shares.end(), [](const Share& share) { return share.cut_input < 0; });
  if (is_plain) return {};
  shares.resize(sizes.size());
  return shares;
}

}  // namespace millpond
