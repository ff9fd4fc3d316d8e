#include "sql/bloom_functions.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "duckdb/common/exception.hpp"
#include "duckdb/common/vector/flat_vector.hpp"
#include "duckdb/common/vector/string_vector.hpp"
#include "duckdb/function/aggregate_function.hpp"
#include "duckdb/common/vector_operations/unary_executor.hpp"
#include "duckdb/execution/expression_executor_state.hpp"
#include "duckdb/function/scalar_function.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/main/client_context_state.hpp"
#include "sql/bloom_filter.h"

namespace millpond {
namespace {

using duckdb::AggregateFunction;
using duckdb::LogicalType;
using duckdb::string_t;

bloom::View view_of(const string_t& filter) {
  const auto view = bloom::view({filter.GetData(), filter.GetSize()});
  if (!view) throw duckdb::InvalidInputException("this BLOB is no filter of millpond_bloom's");
  return *view;
}

// A filter in the making. Its blocks are the allocator's.
struct FilterState {
  std::uint64_t blocks;
  unsigned char* data;
};

void make_room(FilterState& state, std::uint64_t blocks, duckdb::AggregateInputData& input) {
  if (state.blocks == blocks) return;
  if (state.blocks != 0) throw duckdb::InvalidInputException("Bloom filters of %d and of %d blocks don't go together", state.blocks, blocks);
  state.data = input.allocator.Allocate(blocks * bloom::kBlockBytes);
  std::memset(state.data, 0, blocks * bloom::kBlockBytes);
  state.blocks = blocks;
}

void merge(FilterState& state, const bloom::View& other) {
  unsigned char* to = state.data + other.first * bloom::kBlockBytes;
  for (std::uint64_t i = 0; i < other.written * bloom::kBlockBytes; ++i) to[i] |= other.data[i];
}

bool is_empty(const unsigned char* block) {
  static constexpr unsigned char kNone[bloom::kBlockBytes] = {};
  return std::memcmp(block, kNone, bloom::kBlockBytes) == 0;
}

struct Filter {
  template <class State, class Operation>
  static void Combine(const State& source, State& target, duckdb::AggregateInputData& input) {
    if (source.blocks == 0) return;
    make_room(target, source.blocks, input);
    merge(target, {source.blocks, 0, source.blocks, source.data});
  }

  template <class Result, class State>
  static void Finalize(State& state, Result& target, duckdb::AggregateFinalizeData& finalize) {
    if (state.blocks == 0) return finalize.ReturnNull();
    std::uint64_t first = 0;
    std::uint64_t last = state.blocks;
    while (first < last && is_empty(state.data + first * bloom::kBlockBytes)) ++first;
    while (first < last && is_empty(state.data + (last - 1) * bloom::kBlockBytes)) --last;
    const std::uint32_t header[] = {static_cast<std::uint32_t>(state.blocks), static_cast<std::uint32_t>(first == last ? 0 : first)};
    const std::uint64_t size = (last - first) * bloom::kBlockBytes;
    target = duckdb::StringVector::EmptyString(finalize.result, bloom::kHeaderBytes + size);
    std::memcpy(target.GetDataWriteable(), header, sizeof header);
    std::memcpy(target.GetDataWriteable() + sizeof header, state.data + first * bloom::kBlockBytes, size);
    target.Finalize();
  }

  static bool IgnoreNull() { return true; }
};

struct OfHashes : Filter {
  template <class Hash, class Blocks, class State, class>
  static void Operation(State& state, const Hash& hash, const Blocks& blocks, duckdb::AggregateBinaryInput& input) {
    if (blocks < 1 || static_cast<std::uint64_t>(blocks) > bloom::kMaxBlocks) {
      throw duckdb::InvalidInputException("millpond_bloom needs a number of blocks from 1 to %d, got %d", bloom::kMaxBlocks, blocks);
    }
    make_room(state, static_cast<std::uint64_t>(blocks), input.input);
    bloom::add(state.data + bloom::block_of(hash, state.blocks) * bloom::kBlockBytes, hash);
  }
};

struct OfFilters : Filter {
  template <class Input, class State, class>
  static void Operation(State& state, const Input& filter, duckdb::AggregateUnaryInput& input) {
    const bloom::View view = view_of(filter);
    make_room(state, view.blocks, input.input);
    merge(state, view);
  }

  template <class Input, class State, class Self>
  static void ConstantOperation(State& state, const Input& filter, duckdb::AggregateUnaryInput& input, duckdb::idx_t) {
    Self::template Operation<Input, State, Self>(state, filter, input);
  }
};

// The filters that a query has opened: a number goes along with its rows where a filter would be copied with them.
class OpenFilters final : public duckdb::ClientContextState {
 public:
  static OpenFilters& of(duckdb::ExpressionState& state) {
    return *state.GetContext().registered_state->GetOrCreate<OpenFilters>("millpond_bloom");
  }

  std::uint64_t open(std::string_view bytes) {
    std::lock_guard lock(mutex_);
    const auto same = std::find(filters_.begin(), filters_.end(), bytes);
    if (same != filters_.end()) return static_cast<std::uint64_t>(same - filters_.begin());
    filters_.emplace_back(bytes);
    return filters_.size() - 1;
  }

  bloom::View opened(std::uint64_t number) {
    std::lock_guard lock(mutex_);
    if (number >= filters_.size()) throw duckdb::InvalidInputException("no filter was opened as %d in this query", number);
    return *bloom::view(filters_[number]);
  }

  void QueryEnd() override {
    std::lock_guard lock(mutex_);
    filters_.clear();
  }

 private:
  std::mutex mutex_;
  std::deque<std::string> filters_;  // Stay where they are.
};

void open_rows(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, duckdb::Vector& result) {
  OpenFilters& filters = OpenFilters::of(state);
  duckdb::UnaryExecutor::Execute<string_t, std::uint64_t>(arguments.data[0], result, arguments.size(), [&](const string_t& filter) {
    view_of(filter);
    return filters.open({filter.GetData(), filter.GetSize()});
  });
}

void contain_rows(duckdb::DataChunk& arguments, duckdb::ExpressionState& state, duckdb::Vector& result) {
  OpenFilters& filters = OpenFilters::of(state);
  const std::size_t count = arguments.size();
  duckdb::UnifiedVectorFormat opened;
  duckdb::UnifiedVectorFormat hashes;
  arguments.data[0].ToUnifiedFormat(opened);
  arguments.data[1].ToUnifiedFormat(hashes);
  const auto* numbers = duckdb::UnifiedVectorFormat::GetData<std::uint64_t>(opened);
  const auto* hash_values = duckdb::UnifiedVectorFormat::GetData<std::uint64_t>(hashes);
  duckdb::FlatVector::SetSize(result, count);
  auto* found = duckdb::FlatVector::GetDataMutable<bool>(result);
  bloom::View view;
  std::optional<std::uint64_t> viewed;  // Nearly always one filter for all rows.
  for (std::size_t row = 0; row < count; ++row) {
    const std::size_t at = opened.sel->get_index(row);
    const std::size_t hash = hashes.sel->get_index(row);
    if (!opened.validity.RowIsValid(at) || !hashes.validity.RowIsValid(hash)) {
      found[row] = false;
      continue;
    }
    if (viewed != numbers[at]) {
      view = filters.opened(numbers[at]);
      viewed = numbers[at];
    }
    found[row] = view.may_hold(hash_values[hash]);
  }
}

void register_aggregate(duckdb::ExtensionLoader& loader, const char* name, AggregateFunction function) {
  function.SetName(name);
  function.SetOrderDependent(duckdb::AggregateOrderDependent::NOT_ORDER_DEPENDENT);
  function.SetDistinctDependent(duckdb::AggregateDistinctDependent::NOT_DISTINCT_DEPENDENT);
  function.SetFallible();
  loader.RegisterFunction(std::move(function));
}

}  // namespace

void register_bloom_functions(duckdb::ExtensionLoader& loader) {
  register_aggregate(loader, "millpond_bloom",
                     AggregateFunction::BinaryAggregate<FilterState, std::uint64_t, std::int64_t, string_t, OfHashes>(
                         LogicalType::UBIGINT, LogicalType::BIGINT, LogicalType::BLOB));
  register_aggregate(loader, "millpond_bloom_merge",
                     AggregateFunction::UnaryAggregate<FilterState, string_t, string_t, OfFilters>(LogicalType::BLOB, LogicalType::BLOB));
  duckdb::ScalarFunction open("millpond_bloom_open", {LogicalType::BLOB}, LogicalType::UBIGINT, open_rows);
  open.SetVolatile();
  open.SetFallible();
  loader.RegisterFunction(std::move(open));
  duckdb::ScalarFunction contains("millpond_bloom_contains", {LogicalType::UBIGINT, LogicalType::UBIGINT}, LogicalType::BOOLEAN,
                                  contain_rows);
  contains.SetNullHandling(duckdb::FunctionNullHandling::SPECIAL_HANDLING);
  contains.SetFallible();
  loader.RegisterFunction(std::move(contains));
}

}  // namespace millpond
