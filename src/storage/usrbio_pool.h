#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "millpond/result.h"
#include "storage/usrbio_lane.h"

namespace millpond {

/// The lanes of one mount, made when they are needed: as many as there were reads at once, at most `kMaxLanes` (32 MB).
/// Thread-safe.
class UsrbioPool {
 public:
  static constexpr std::size_t kMaxLanes = 8;

  /// A lane for one thread, given back when it goes.
  class Lease {
   public:
    Lease(UsrbioPool& pool, std::unique_ptr<UsrbioLane> lane) : pool_(&pool), lane_(std::move(lane)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (lane_ != nullptr) pool_->give_back(std::move(lane_));
    }
    UsrbioLane* operator->() const { return lane_.get(); }

   private:
    UsrbioPool* pool_;
    std::unique_ptr<UsrbioLane> lane_;
  };

  /// Makes the first lane, to know that it can be done.
  static Result<std::shared_ptr<UsrbioPool>> create(const UsrbioLibrary& library, const std::string& mount_point,
                                                    std::chrono::milliseconds patience);
  /// Gives all lanes back, but those whose requests were never answered: 3FS may still write into them.
  ~UsrbioPool();

  /// Waits for a free lane. Nothing when there is none to wait for: requests on all are unanswered, or close() was called.
  std::optional<Lease> lease();

  /// Gives the free lanes back for good, for the end of the process: later reads go through the kernel.
  void close();

  const UsrbioLibrary& library() const { return library_; }
  /// How long a request may take.
  std::chrono::milliseconds patience() const { return patience_; }

 private:
  UsrbioPool(const UsrbioLibrary& library, std::string mount_point, std::chrono::milliseconds patience)
      : library_(library), mount_point_(std::move(mount_point)), patience_(patience) {}

  void give_back(std::unique_ptr<UsrbioLane> lane);
  void take_back_quiet_ones();
  std::optional<Lease> lease_new(std::unique_lock<std::mutex>& lock);

  const UsrbioLibrary library_;
  const std::string mount_point_;
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable given_back_;
  std::vector<std::unique_ptr<UsrbioLane>> free_;
  std::vector<std::unique_ptr<UsrbioLane>> late_;  ///< With requests that were given up and not answered yet.
  std::size_t leased_ = 0;
  std::size_t most_ = kMaxLanes;  ///< Fewer where no more could be made.
  bool is_closed_ = false;
};

}  // namespace millpond
