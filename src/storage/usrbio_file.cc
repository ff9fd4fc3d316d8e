#include "storage/usrbio_file.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "storage/local_file.h"

namespace millpond {
namespace {

class UsrbioFile final : public ReadableFile {
 public:
  UsrbioFile(std::shared_ptr<UsrbioPool> pool, UniqueFd fd, const std::string& path, std::int64_t size)
      : pool_(std::move(pool)), fd_(fd.get()), path_(path), size_(size), by_kernel_(make_local_readable(std::move(fd), path)) {}

  ~UsrbioFile() override {
    // While it is open: the library looks at it.
    if (is_our_process()) pool_->library().dereg_fd(fd_);
  }

  Result<std::size_t> read_at(std::int64_t offset, std::span<std::byte> out) override {
    std::size_t done = 0;
    if (offset >= 0 && offset < size_ && !out.empty() && is_our_process()) {
      const auto left = static_cast<std::size_t>(size_ - offset);
      if (std::optional<UsrbioPool::Lease> lane = pool_->lease()) {
        const auto wanted = out.first(std::min(out.size(), left));
        MILLPOND_ASSIGN_OR_RETURN(done, (*lane)->read({fd_, path_}, offset, wanted, pool_->patience()));
      }
    }
    if (done == out.size()) return done;
    const std::int64_t rest = offset + static_cast<std::int64_t>(done);
    MILLPOND_ASSIGN_OR_RETURN(const std::size_t more, by_kernel_->read_at(rest, out.subspan(done)));
    return done + more;
  }

  Result<FileInfo> info() override { return by_kernel_->info(); }

 private:
  // A forked child has copies of the rings, on which answers to the parent arrive.
  bool is_our_process() const { return ::getpid() == process_; }

  const std::shared_ptr<UsrbioPool> pool_;
  const int fd_;
  const std::string path_;
  const std::int64_t size_;
  const std::unique_ptr<ReadableFile> by_kernel_;  // Owns the descriptor.
  const pid_t process_ = ::getpid();
};

}  // namespace

std::unique_ptr<ReadableFile> open_by_usrbio(std::shared_ptr<UsrbioPool> pool, UniqueFd& fd, const std::string& path,
                                             std::int64_t size) {
  if (!pool->library().is_hf3fs(fd.get()) || pool->library().reg_fd(fd.get(), 0) > 0) return nullptr;
  return std::make_unique<UsrbioFile>(std::move(pool), std::move(fd), path, size);
}

}  // namespace millpond
