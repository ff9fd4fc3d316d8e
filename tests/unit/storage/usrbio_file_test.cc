#include "storage/usrbio_file.h"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "storage/usrbio_fake.h"

namespace millpond {
namespace {

constexpr std::size_t kSize = (std::size_t{9} << 20) + 12345;

std::string random_text(std::size_t size) {
  std::mt19937_64 random(7);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

std::unique_ptr<ReadableFile> open_file(const std::shared_ptr<UsrbioPool>& pool, const std::string& path, std::int64_t size) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(fd.is_valid());
  auto file = open_by_usrbio(pool, fd, path, size);
  REQUIRE(file != nullptr);
  CHECK(!fd.is_valid());
  return file;
}

/// A file on the mount and what is in it.
struct Sample {
  explicit Sample(FakeUsrbio& fake) : path(fake.mount / "data") { fake.mount.write("data", content); }
  std::unique_ptr<ReadableFile> open(const std::shared_ptr<UsrbioPool>& pool) const {
    return open_file(pool, path, static_cast<std::int64_t>(content.size()));
  }
  /// Whether a read gives what is there; the status of one that says it can't.
  Status read(ReadableFile& file, std::size_t offset, std::size_t size) const {
    std::vector<std::byte> out(size, std::byte{0x5A});
    const Result<std::size_t> got = file.read_at(static_cast<std::int64_t>(offset), out);
    if (!got.is_ok()) return got.status();
    const std::size_t expected = offset < content.size() ? std::min(size, content.size() - offset) : 0;
    if (*got != expected) return Status::internal("read " + std::to_string(*got) + " of " + std::to_string(expected));
    const bool is_same = std::equal(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(expected),
                                    reinterpret_cast<const std::byte*>(content.data()) + std::min(offset, content.size()));
    return is_same ? Status::ok() : Status::internal("other bytes than there are");
  }

  const std::string content = random_text(kSize);
  const std::string path;
};

/// Offsets and sizes, small and large, within, at and behind the end.
std::vector<std::pair<std::size_t, std::size_t>> pieces_to_read(unsigned seed, int count) {
  std::mt19937_64 random(seed);
  std::vector<std::pair<std::size_t, std::size_t>> pieces = {
      {0, kSize}, {0, kSize + 1000}, {kSize - 1, 1}, {kSize - 1, 2}, {kSize, 10}, {kSize + 10, 10}, {0, 0}, {5, 1},
      {UsrbioLane::kPiece - 1, UsrbioLane::kPiece + 2}, {1, UsrbioLane::kBufferBytes}};
  for (int i = 0; i < count; ++i) pieces.emplace_back(random() % kSize, random() % (i % 3 == 0 ? kSize : 70000));
  return pieces;
}

}  // namespace

TEST_CASE("what is read through USRBIO is what is in the file, however 3FS answers") {
  FakeUsrbio fake;
  const Sample sample(fake);
  for (const char* faults : {"", "shuffle", "short=1", "short=3", "late=7", "wait=2", "short=5,late=9,wait=3,shuffle"}) {
    INFO(faults);
    fake.set_faults("");
    const auto pool = fake.pool();
    const auto file = sample.open(pool);
    fake.set_faults(faults);
    for (const auto& [offset, size] : pieces_to_read(1, 12)) {
      INFO(offset << " " << size);
      const Status status = sample.read(*file, offset, size);
      INFO(status.to_string());
      CHECK(status.is_ok());
    }
    CHECK(fake.count(FakeUsrbio::kReads) > 40);
    const std::string text = faults;
    if (text.find('=') != std::string::npos) CHECK(fake.count(FakeUsrbio::kFaults) > 0);
    // Where each takes its time, those of one read are under way together.
    if (text.find("late") != std::string::npos) CHECK(fake.count(FakeUsrbio::kMostAtOnce) > 1);
    CHECK(file->info()->size == static_cast<std::int64_t>(kSize));
  }
  fake.check_all_given_back();
}

TEST_CASE("many threads read files through USRBIO at once, in a bounded number of buffers") {
  FakeUsrbio fake;
  const Sample sample(fake);
  for (const char* faults : {"", "short=4,late=50,wait=7,shuffle"}) {
    INFO(faults);
    fake.set_faults("");
    const std::uint64_t before = fake.count(FakeUsrbio::kBuffersLeft);
    const auto pool = fake.pool();
    fake.set_faults(faults);
    const std::shared_ptr<ReadableFile> shared = sample.open(pool);
    std::atomic<int> wrong{0};
    std::atomic<std::uint64_t> asked{0};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 12; ++i) {
      threads.emplace_back([&, i] {
        UniqueFd fd(::open(sample.path.c_str(), O_RDONLY | O_CLOEXEC));
        const std::shared_ptr<ReadableFile> own = i % 2 == 0 ? nullptr : open_by_usrbio(pool, fd, sample.path, kSize);
        wrong += i % 2 != 0 && own == nullptr;
        ReadableFile& file = own != nullptr ? *own : *shared;
        for (const auto& [offset, size] : pieces_to_read(i, 4)) {
          wrong += !sample.read(file, offset, size).is_ok();
          asked += std::min(size, kSize - std::min(offset, kSize));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    // Who finds no free lane waits for one.
    if (*faults == '\0') CHECK(fake.count(FakeUsrbio::kBytes) == asked);
    CHECK(fake.count(FakeUsrbio::kBuffersLeft) <= before + UsrbioPool::kMaxLanes);
    CHECK(fake.count(FakeUsrbio::kBuffersLeft) > before + 1);
    CHECK(fake.count(FakeUsrbio::kFilesMade) == 7);
  }
  fake.check_all_given_back();
}

TEST_CASE("a read that fails is an error with file, place and errno, and none after it is touched") {
  FakeUsrbio fake;
  const Sample sample(fake);
  for (const char* faults : {"error=1", "error=5", "error=7,short=3,shuffle", "prep=4", "submit=2"}) {
    INFO(faults);
    fake.set_faults("");
    const auto pool = fake.pool();
    const auto file = sample.open(pool);
    fake.set_faults(faults);
    int failed = 0;
    for (const auto& [offset, size] : pieces_to_read(2, 20)) {
      const Status status = sample.read(*file, offset, size);
      INFO(status.to_string());
      if (status.is_ok()) continue;
      ++failed;
      CHECK(status.code() == StatusCode::kIoError);
      CHECK(status.message().find("\"" + sample.path + "\"") != std::string::npos);
      CHECK(status.message().find(" byte ") != std::string::npos);
      CHECK(status.message().find("errno 5") != std::string::npos);
      CHECK(status.context().file == sample.path);
    }
    CHECK(failed > 0);
    CHECK(failed <= static_cast<int>(fake.count(FakeUsrbio::kFaults)));
    fake.set_faults("");
    CHECK(sample.read(*file, 0, kSize).is_ok());
    CHECK(fake.count(FakeUsrbio::kReads) > 0);
  }
  const auto file = sample.open(fake.pool());
  fake.set_faults("error=3");
  const Status status = sample.read(*file, 1000, std::size_t{2} << 20);
  INFO(status.to_string());
  CHECK(status.message().find("read from byte ") != std::string::npos);
}

TEST_CASE("requests that are not answered are an error in time, and their buffers wait for the answer") {
  FakeUsrbio fake;
  const Sample sample(fake);
  {
    const std::uint64_t before = fake.count(FakeUsrbio::kBuffersLeft);
    const auto pool = fake.pool(std::chrono::milliseconds(400));
    const auto file = sample.open(pool);
    fake.set_faults("lost=1");
    for (std::size_t i = 0; i < UsrbioPool::kMaxLanes; ++i) {
      const Status status = sample.read(*file, i * 1000, 10000);
      INFO(status.to_string());
      CHECK(status.code() == StatusCode::kIoError);
      CHECK(status.message().find("byte " + std::to_string(i * 1000) + " of") != std::string::npos);
      CHECK(status.message().find("errno 110") != std::string::npos);
    }
    // No lane is left to wait for: the kernel reads.
    const std::uint64_t reads = fake.count(FakeUsrbio::kReads);
    CHECK(sample.read(*file, 0, kSize).is_ok());
    CHECK(fake.count(FakeUsrbio::kReads) == reads);
    // The answers come, and are taken for nothing else.
    fake.set_faults("");
    fake.answer_lost();
    CHECK(sample.read(*file, 0, kSize).is_ok());
    CHECK(fake.count(FakeUsrbio::kReads) > 0);
    CHECK(fake.count(FakeUsrbio::kBuffersMade) == 0);
    CHECK(fake.count(FakeUsrbio::kBuffersLeft) == before + UsrbioPool::kMaxLanes);
    // One of many pieces is lost.
    fake.set_faults("lost=6,shuffle");
    const Status status = sample.read(*file, 0, kSize);
    INFO(status.to_string());
    CHECK(status.code() == StatusCode::kIoError);
    fake.set_faults("");
    CHECK(sample.read(*file, 0, kSize).is_ok());
    fake.answer_lost();
  }
  fake.check_all_given_back();
}

TEST_CASE("a ring that one slow request keeps full is waited for") {
  FakeUsrbio fake;
  constexpr std::size_t kLarge = std::size_t{80} << 20;
  fake.mount.write("large", "x");
  REQUIRE(::truncate((fake.mount / "large").c_str(), kLarge) == 0);
  {
    const auto file = open_file(fake.pool(), fake.mount / "large", kLarge);
    fake.set_faults("lost=50");
    std::atomic<bool> is_done{false};
    std::thread answers([&] {
      while (!is_done) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        if (fake.count(FakeUsrbio::kFull) > 0) fake.answer_lost();
      }
    });
    std::vector<std::byte> out(kLarge, std::byte{0x5A});
    const Result<std::size_t> got = file->read_at(0, out);
    is_done = true;
    answers.join();
    INFO(got.status().to_string());
    REQUIRE(got.is_ok());
    CHECK(*got == kLarge);
    CHECK(out[0] == std::byte{'x'});
    CHECK(std::count(out.begin(), out.end(), std::byte{0}) == kLarge - 1);
    CHECK(fake.count(FakeUsrbio::kFull) > 0);
  }
  fake.check_all_given_back();
}

TEST_CASE("an answer to what was not asked ends the use of its ring") {
  FakeUsrbio fake;
  const Sample sample(fake);
  const auto pool = fake.pool();
  const auto file = sample.open(pool);
  fake.set_faults("odd=3");
  const Status status = sample.read(*file, 0, kSize);
  INFO(status.to_string());
  CHECK(status.code() == StatusCode::kIoError);
  CHECK(status.message().find("errno 71") != std::string::npos);
  fake.set_faults("");
  CHECK(sample.read(*file, 0, kSize).is_ok());
  CHECK(fake.count(FakeUsrbio::kBuffersMade) == 1);
}

TEST_CASE("what USRBIO has not is read through the kernel") {
  FakeUsrbio fake;
  const Sample sample(fake);
  const auto pool = fake.pool();
  {
    // Rows that were added since, and a hole.
    fake.mount.write("grown", "abc");
    const auto file = open_file(pool, fake.mount / "grown", 3);
    fake.mount.write("grown", "abcdef");
    std::vector<std::byte> out(10);
    CHECK(*file->read_at(1, out) == 5);
    CHECK(static_cast<char>(out[4]) == 'f');
    CHECK(*file->read_at(7, out) == 0);
    CHECK(file->read_at(-1, out).status().code() == StatusCode::kInvalidArgument);
    REQUIRE(::truncate((fake.mount / "grown").c_str(), 1 << 20) == 0);
    out.resize(2 << 20);
    CHECK(*file->read_at(0, out) == 1 << 20);
    REQUIRE(::truncate((fake.mount / "grown").c_str(), 2) == 0);
    CHECK(*file->read_at(0, out) == 2);
  }
  // A file elsewhere, and one for which no descriptor is left.
  const TemporaryDirectory elsewhere;
  elsewhere.write("x", "y");
  UniqueFd fd(::open((elsewhere / "x").c_str(), O_RDONLY | O_CLOEXEC));
  CHECK(open_by_usrbio(pool, fd, elsewhere / "x", 1) == nullptr);
  CHECK(fd.is_valid());
  fake.set_faults("reg=1");
  UniqueFd other(::open(sample.path.c_str(), O_RDONLY | O_CLOEXEC));
  CHECK(open_by_usrbio(pool, other, sample.path, static_cast<std::int64_t>(kSize)) == nullptr);
  CHECK(other.is_valid());
  CHECK(fake.count(FakeUsrbio::kFilesLeft) == 0);
}

TEST_CASE("where no more lanes can be made, those that there are do") {
  FakeUsrbio fake;
  const Sample sample(fake);
  for (const char* faults : {"iov=1", "ior=1"}) {
    fake.set_faults("");
    const std::uint64_t before = fake.count(FakeUsrbio::kBuffersLeft);
    const auto pool = fake.pool();
    const std::shared_ptr<ReadableFile> file = sample.open(pool);
    fake.set_faults(faults);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 6; ++i) threads.emplace_back([&] { wrong += !sample.read(*file, 0, kSize).is_ok(); });
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(fake.count(FakeUsrbio::kBuffersLeft) == before + 1);
    pool->close();
    const std::uint64_t reads = fake.count(FakeUsrbio::kReads);
    CHECK(sample.read(*file, 0, kSize).is_ok());
    CHECK(fake.count(FakeUsrbio::kReads) == reads);
    CHECK(fake.count(FakeUsrbio::kBuffersLeft) == before);
  }
  fake.check_all_given_back();
}

}  // namespace millpond
