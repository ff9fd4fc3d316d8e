#include "storage/usrbio_lane.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "storage/errno_status.h"

namespace millpond {
namespace {

// The library keeps a request's entry until all requests before it are done: with room to spare a slow one holds up none.
constexpr int kEntries = 64;
constexpr auto kLook = std::chrono::milliseconds(500);

// Not numbered from 0: an answer without user data is none of ours.
const void* to_user_data(std::size_t slot) { return reinterpret_cast<const void*>(slot + 1); }
std::size_t to_slot(const void* user_data) { return reinterpret_cast<std::size_t>(user_data) - 1; }

timespec realtime_in(std::chrono::nanoseconds duration) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t nanoseconds = now.tv_nsec + duration.count();
  return {now.tv_sec + nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
}

// The library is C++ behind a C interface.
template <typename Call>
int errno_of(const Call& call) {
  try {
    return -call();
  } catch (const std::exception&) {
    return EIO;
  }
}

// Without room the buffer would be made, and each request into it fail.
bool has_shared_memory() {
  struct statvfs info{};
  return ::statvfs("/dev/shm", &info) != 0 || info.f_bavail * info.f_frsize > 2 * UsrbioLane::kBufferBytes;
}

Status no_lane(int error, const char* what, const std::string& mount_point) {
  return errno_status(error, std::string("make ") + what + " of USRBIO for", mount_point);
}

}  // namespace

struct UsrbioLane::Request {
  const UsrbioTarget& target;
  std::int64_t offset;
  std::span<std::byte> out;
  std::chrono::milliseconds patience;
  std::size_t asked = 0;  ///< Bytes for which pieces were prepared.
  std::size_t good;       ///< Bytes before the first short piece.
  Status status = Status::ok();

  void fail(int error, const char* action, std::size_t at) {
    if (!status.is_ok()) return;
    const std::string place = " byte " + std::to_string(offset + static_cast<std::int64_t>(at)) + " of";
    const Status cause = errno_status(error, action + place, target.path);
    status = Status(cause.code(), cause.message() + " (errno " + std::to_string(error) + " through USRBIO of 3FS)", cause.hint())
                 .with_context(cause.context());
  }
};

Result<std::unique_ptr<UsrbioLane>> UsrbioLane::create(const UsrbioLibrary& library, const std::string& mount_point) {
  std::unique_ptr<UsrbioLane> lane(new UsrbioLane(library));
  if (!has_shared_memory()) return no_lane(ENOSPC, "a buffer in /dev/shm", mount_point);
  int error = errno_of([&] { return library.iovcreate(&lane->buffer_, mount_point.c_str(), kBufferBytes, 0, -1); });
  if (error > 0) return no_lane(error, "a buffer", mount_point);
  lane->has_buffer_ = true;
  // 3FS has it by now. Without its name nothing is left in /dev/shm when this process is killed.
  library.iovunlink(&lane->buffer_);
  error = errno_of([&] { return library.iorcreate4(&lane->ring_, mount_point.c_str(), kEntries, true, 0, 0, -1, 0); });
  if (error > 0) return no_lane(error, "a ring", mount_point);
  lane->has_ring_ = true;
  return lane;
}

UsrbioLane::~UsrbioLane() {
  if (has_ring_) library_.iordestroy(&ring_);
  if (has_buffer_) library_.iovdestroy(&buffer_);
}

Result<std::size_t> UsrbioLane::read(const UsrbioTarget& target, std::int64_t offset, std::span<std::byte> out,
                                     std::chrono::milliseconds patience) {
  Request request{target, offset, out, patience, 0, out.size()};
  do {
    prepare_some(request);
    if (under_way_ > 0) take_answers(request);
  } while (under_way_ > 0 || (request.status.is_ok() && request.asked < request.good));
  MILLPOND_RETURN_IF_ERROR(request.status);
  return request.good;
}

void UsrbioLane::prepare_some(Request& request) {
  bool has_new = false;
  for (std::size_t slot = 0; slot < kPieces && request.status.is_ok() && request.asked < request.good; ++slot) {
    Piece& piece = pieces_[slot];
    if (piece.is_under_way) continue;
    const std::size_t length = std::min(kPiece, request.good - request.asked);
    const std::size_t place = static_cast<std::size_t>(request.offset) + request.asked;
    const int index =
        library_.prep_io(&ring_, &buffer_, true, place_of(slot), request.target.fd, place, length, to_user_data(slot));
    if (index == -EAGAIN && under_way_ > 0) break;  // The ring is full until more of it is answered.
    if (index < 0) {
      request.fail(-index, "ask for", request.asked);
      break;
    }
    piece = {true, request.asked, length};
    request.asked += length;
    ++under_way_;
    has_new = true;
  }
  if (!has_new) return;
  // What was prepared may be under way whatever this says.
  if (const int error = library_.submit_ios(&ring_); error < 0) request.fail(-error, "submit the request for", request.asked);
}

int UsrbioLane::wait(std::span<usrbio::Answer> answers, Clock::time_point deadline) {
  const int count = static_cast<int>(answers.size());
  for (;;) {
    // In short steps: the library goes by the time of day, which may be set back.
    const auto left = std::max<Clock::duration>(deadline - Clock::now(), {});
    const timespec until = realtime_in(std::min<std::chrono::nanoseconds>(left, kLook));
    const int got = library_.wait_for_ios(&ring_, answers.data(), count, left.count() > 0 ? 1 : 0, &until);
    if (got > 0 || (got < 0 && got != -EINTR)) return got;
    if (left.count() <= 0) return 0;
  }
}

void UsrbioLane::take_answers(Request& request) {
  std::array<usrbio::Answer, kPieces> answers{};
  const int got = wait(answers, Clock::now() + request.patience);
  if (got > static_cast<int>(kPieces)) is_lost_ = true;
  for (int i = 0; i < got && !is_lost_; ++i) take(request, answers[i]);
  if (got > 0 && !is_lost_) return;
  std::size_t at = request.good;
  for (const Piece& piece : pieces_) {
    if (piece.is_under_way) at = std::min(at, piece.at);
  }
  request.fail(is_lost_ ? EPROTO : got < 0 ? -got : ETIMEDOUT, "read from", at);
  // Requests may still be answered, into this buffer: is_quiet() tells when none is left.
  under_way_ = 0;
}

void UsrbioLane::take(Request& request, const usrbio::Answer& answer) {
  const std::size_t slot = to_slot(answer.user_data);
  if (slot >= kPieces || !pieces_[slot].is_under_way ||
      answer.result > static_cast<std::int64_t>(pieces_[slot].length)) {
    is_lost_ = true;
    return;
  }
  Piece& piece = pieces_[slot];
  piece.is_under_way = false;
  --under_way_;
  if (answer.result < 0) {
    request.fail(static_cast<int>(-answer.result), "read from", piece.at);
    return;
  }
  const auto length = static_cast<std::size_t>(answer.result);
  std::memcpy(request.out.data() + piece.at, place_of(slot), length);
  if (length < piece.length) request.good = std::min(request.good, piece.at + length);
}

bool UsrbioLane::is_quiet() {
  if (is_lost_) return false;
  const auto is_busy = [](const Piece& piece) { return piece.is_under_way; };
  if (std::none_of(pieces_.begin(), pieces_.end(), is_busy)) return true;
  std::array<usrbio::Answer, kPieces> answers{};
  const int got = wait(answers, Clock::now());
  for (int i = 0; i < std::min(got, static_cast<int>(kPieces)); ++i) {
    const std::size_t slot = to_slot(answers[i].user_data);
    if (slot >= kPieces || !pieces_[slot].is_under_way) is_lost_ = true;
    if (is_lost_) return false;
    pieces_[slot].is_under_way = false;
  }
  return std::none_of(pieces_.begin(), pieces_.end(), is_busy);
}

}  // namespace millpond
