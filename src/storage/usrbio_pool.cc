#include "storage/usrbio_pool.h"

#include <utility>

namespace millpond {
namespace {

// 3FS may write into these until the process ends.
void give_up(std::vector<std::unique_ptr<UsrbioLane>> lanes) {
  static std::mutex mutex;
  static auto* const given_up = new std::vector<std::unique_ptr<UsrbioLane>>;
  std::lock_guard lock(mutex);
  for (std::unique_ptr<UsrbioLane>& lane : lanes) given_up->push_back(std::move(lane));
}

}  // namespace

Result<std::shared_ptr<UsrbioPool>> UsrbioPool::create(const UsrbioLibrary& library, const std::string& mount_point,
                                                       std::chrono::milliseconds patience) {
  std::shared_ptr<UsrbioPool> pool(new UsrbioPool(library, mount_point, patience));
  MILLPOND_ASSIGN_OR_RETURN(std::unique_ptr<UsrbioLane> lane, UsrbioLane::create(library, mount_point));
  pool->free_.push_back(std::move(lane));
  return pool;
}

UsrbioPool::~UsrbioPool() {
  take_back_quiet_ones();
  give_up(std::move(late_));
}

void UsrbioPool::take_back_quiet_ones() {
  for (std::size_t i = 0; i < late_.size();) {
    if (!late_[i]->is_quiet()) {
      ++i;
      continue;
    }
    free_.push_back(std::move(late_[i]));
    late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

std::optional<UsrbioPool::Lease> UsrbioPool::lease() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (is_closed_) return std::nullopt;
    if (free_.empty()) take_back_quiet_ones();
    if (!free_.empty()) {
      std::unique_ptr<UsrbioLane> lane = std::move(free_.back());
      free_.pop_back();
      ++leased_;
      return Lease(*this, std::move(lane));
    }
    if (leased_ + late_.size() < most_) {
      if (std::optional<Lease> made = lease_new(lock)) return made;
      continue;
    }
    if (leased_ == 0) return std::nullopt;
    given_back_.wait(lock);
  }
}

std::optional<UsrbioPool::Lease> UsrbioPool::lease_new(std::unique_lock<std::mutex>& lock) {
  ++leased_;
  lock.unlock();
  Result<std::unique_ptr<UsrbioLane>> lane = UsrbioLane::create(library_, mount_point_);
  lock.lock();
  if (lane.is_ok()) return Lease(*this, std::move(lane).value());
  --leased_;
  // The lanes that there are must do: others wait for them.
  most_ = leased_ + free_.size() + late_.size();
  given_back_.notify_all();
  return std::nullopt;
}

void UsrbioPool::give_back(std::unique_ptr<UsrbioLane> lane) {
  {
    std::lock_guard lock(mutex_);
    --leased_;
    (lane->is_quiet() ? free_ : late_).push_back(std::move(lane));
  }
  given_back_.notify_all();
}

void UsrbioPool::close() {
  std::vector<std::unique_ptr<UsrbioLane>> lanes;
  std::lock_guard lock(mutex_);
  is_closed_ = true;
  lanes.swap(free_);
  given_back_.notify_all();
}

}  // namespace millpond
