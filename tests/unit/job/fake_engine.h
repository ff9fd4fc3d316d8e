#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "exchange/reader.h"
#include "exchange/writer.h"
#include "runner/runner.h"
#include "storage/file_system.h"

namespace millpond {

/// Carries out tasks without DuckDB, on several threads at once: rows are numbers in real exchange files and in plain
/// text. A task without inputs makes kRowsATask numbers; one with inputs passes on what it reads. With a placement, row v
/// goes to partition v % count. The thread sanitizer sees all of it, which it can't with DuckDB's library.
class FakeEngine {
 public:
  static constexpr std::int64_t kRowsATask = 100;

  TaskResult run(const Task& task, const std::atomic<bool>& cancel) {
    const std::int64_t number = ++num_runs;
    TaskResult result;
    result.directory = task.output.directory;
    result.schema = {{"v", "BIGINT"}};
    result.status = work(task, number, cancel, result);
    return result;
  }

  RunTask as_function() {
    return [this](const Task& task, const std::atomic<bool>& cancel) { return run(task, cancel); };
  }

  /// Every so many runs, one fails as if its machine were out of reach; 0: none.
  std::atomic<std::int64_t> fail_every = 0;
  /// So many readers find a file of the exchange gone.
  std::atomic<std::int64_t> losses = 0;
  std::atomic<std::int64_t> num_runs = 0;
  /// Runs after so many do not end until they are cancelled.
  std::atomic<std::int64_t> holds_after = std::numeric_limits<std::int64_t>::max();

 private:
  using Rows = std::vector<std::int64_t>;

  Status work(const Task& task, std::int64_t number, const std::atomic<bool>& cancel, TaskResult& result) {
    if (fail_every > 0 && number % fail_every == 0) return Status(StatusCode::kUnavailable, "this one fails");
    MILLPOND_ASSIGN_OR_RETURN(const Rows rows, read(task));
    const std::chrono::microseconds a_while(200);
    std::this_thread::sleep_for(a_while);
    while (number > holds_after && !cancel) std::this_thread::sleep_for(a_while);
    if (cancel) return Status(StatusCode::kCancelled, "not wanted any more");
    MILLPOND_RETURN_IF_ERROR(files_->make_directories(result.directory));
    result.metrics.rows_out = static_cast<std::int64_t>(rows.size());
    return task.output.exchange ? write_exchange(task.output, rows, result) : write_text(rows, result);
  }

  Result<Rows> read(const Task& task) {
    Rows rows;
    for (std::int64_t i = 0; task.inputs.empty() && i < kRowsATask; ++i) rows.push_back(task.partition * kRowsATask + i);
    for (const TaskInput& input : task.inputs) {
      for (const Slice& slice : input.slices) {
        MILLPOND_RETURN_IF_ERROR(read_segment(std::get<SegmentSlice>(slice), rows));
      }
    }
    return rows;
  }

  Status read_segment(const SegmentSlice& slice, Rows& rows) {
    if (losses > 0 && losses-- > 0) (void)files_->remove_file(slice.path);
    auto opened = ExchangeFile::open(*files_, slice.path, slice.index_digest);
    if (!opened.is_ok()) return opened.status().with_context({{}, {}, {}, slice.path, {}});
    auto data = files_->open(slice.path);
    if (!data.is_ok()) return data.status().with_context({{}, {}, {}, slice.path, {}});
    MILLPOND_ASSIGN_OR_RETURN(const auto segments, (*opened)->segments(**data, slice.partition));
    const std::vector<std::size_t> columns = {0};
    for (const ExchangeSegment& segment : segments) {
      MILLPOND_ASSIGN_OR_RETURN(const ExchangeChunks chunks, (*opened)->read(**data, segment, columns));
      const std::string_view bytes = chunks.chunk(0);
      const std::size_t before = rows.size();
      rows.resize(before + segment.rows);
      bytes.copy(reinterpret_cast<char*>(rows.data() + before), bytes.size());
    }
    return Status::ok();
  }

  Status write_exchange(const TaskOutput& output, const Rows& rows, TaskResult& result) {
    const Placement& placement = *output.exchange;
    std::vector<Rows> parts(static_cast<std::size_t>(placement.count));
    for (const std::int64_t row : rows) parts[static_cast<std::size_t>(row % placement.count)].push_back(row);
    MILLPOND_ASSIGN_OR_RETURN(const auto writer, ExchangeWriter::create(*files_, output.directory + "/" + output.exchange_file,
                                                                        {{"v", "BIGINT", "blob"}}, placement.count));
    OutputFile file;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].empty()) continue;
      ExchangeBatch batch;
      const auto bytes = std::as_bytes(std::span(parts[i]));
      batch.parts = {{static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(parts[i].size())}};
      batch.chunks = {{bytes.size(), xxh3_64({reinterpret_cast<const char*>(bytes.data()), bytes.size()})}};
      MILLPOND_ASSIGN_OR_RETURN(batch.offset, writer->write(bytes));
      MILLPOND_RETURN_IF_ERROR(writer->append(batch));
      file.segments.push_back({static_cast<std::int64_t>(i), static_cast<std::int64_t>(parts[i].size()),
                               static_cast<std::int64_t>(bytes.size())});
    }
    MILLPOND_ASSIGN_OR_RETURN(const ExchangeTotals totals, writer->finish(rows.size(), false));
    file.path = output.exchange_file;
    file.num_bytes = static_cast<std::int64_t>(totals.file_size);
    file.num_rows = static_cast<std::int64_t>(rows.size());
    file.digest = totals.digest;
    result.metrics.bytes_out = file.num_bytes;
    result.files = {file};
    return Status::ok();
  }

  static Status write_text(const Rows& rows, TaskResult& result) {
    std::string text;
    for (const std::int64_t row : rows) text += std::to_string(row) + "\n";
    std::ofstream(result.directory + "/rows.csv") << text;
    result.files = {{"rows.csv", static_cast<std::int64_t>(text.size()), static_cast<std::int64_t>(rows.size()), "", {}}};
    return Status::ok();
  }

  std::shared_ptr<FileSystem> files_ = local_file_system();
};

/// The numbers in all files of an output, each as often as it is there.
inline std::multiset<std::int64_t> numbers_in(const std::string& output) {
  std::multiset<std::int64_t> numbers;
  for (const auto& entry : std::filesystem::directory_iterator(output)) {
    if (entry.path().extension() != ".csv") continue;
    std::ifstream file(entry.path());
    for (std::int64_t number = 0; file >> number;) numbers.insert(number);
  }
  return numbers;
}

}  // namespace millpond
