#include "sql/arrow_export.h"

#include <cerrno>
#include <utility>

#include "base/stream_errno.h"
#include "duckdb/common/arrow/arrow_converter.hpp"
#include "duckdb/common/arrow/arrow_format.hpp"
#include "duckdb/main/query_result_stream.hpp"
#include "sql/statements.h"

namespace millpond {
namespace {

using RowStream = duckdb::QueryResultStream<duckdb::ArrowFormat>;

struct Export {
  std::shared_ptr<void> keep_alive;  // First: it goes last.
  std::unique_ptr<duckdb::Connection> connection;
  std::unique_ptr<RowStream> rows;
  QueryText text;
  ExportOptions options;
  std::string error;
  int number = EIO;

  int fail(const Status& cause) {
    const Status status = options.explain ? options.explain(cause) : cause;
    error = status.to_string();
    number = stream_errno(status.code());
    if (options.failure != nullptr) *options.failure = status;
    return number;
  }

  // The next batch; null at the end and on an error. A cancelled task's query is interrupted, which is an error too.
  std::unique_ptr<duckdb::ArrowFormat::T> fetch() {
    if (options.cancel == nullptr) return rows->Fetch();
    using duckdb::QueryResultState;
    bool interrupted = false;
    for (;;) {
      if (!interrupted && options.cancel->load(std::memory_order_relaxed)) {
        connection->Interrupt();
        interrupted = true;
      }
      duckdb::unique_ptr<duckdb::ArrowFormat::T> batch;
      if (duckdb::IsTerminal(rows->TryFetch(batch)) || batch != nullptr) return batch;
      const QueryResultState state = rows->ExecuteTask();
      if (state == QueryResultState::BLOCKED || state == QueryResultState::NO_TASKS_AVAILABLE) rows->WaitForTask();
    }
  }
};

Export& of(ArrowArrayStream* stream) { return *static_cast<Export*>(stream->private_data); }

int get_schema(ArrowArrayStream* stream, ArrowSchema* out) {
  Export& self = of(stream);
  const Status status = without_exceptions([&]() -> Status {
    duckdb::vector<duckdb::string> names;
    for (const auto& name : self.rows->GetNames()) names.push_back(name.GetIdentifierName());
    duckdb::QueryResult::DeduplicateColumns(names);
    duckdb::ArrowConverter::ToArrowSchema(out, self.rows->GetTypes(), names, self.rows->GetClientProperties());
    return Status::ok();
  });
  return status.is_ok() ? 0 : self.fail(status);
}

int get_next(ArrowArrayStream* stream, ArrowArray* out) {
  Export& self = of(stream);
  *out = {};
  if (!self.error.empty()) return self.number;
  const Status status = without_exceptions(self.text, [&]() -> Status {
    auto batch = self.fetch();
    if (self.rows->HasError()) return to_status(self.rows->GetErrorObject(), self.text);
    if (batch != nullptr) batch->MoveTo(*out);
    return Status::ok();
  });
  return status.is_ok() ? 0 : self.fail(status);
}

const char* get_last_error(ArrowArrayStream* stream) {
  const Export& self = of(stream);
  return self.error.empty() ? nullptr : self.error.c_str();
}

void release(ArrowArrayStream* stream) {
  const std::unique_ptr<Export> self(static_cast<Export*>(stream->private_data));
  stream->release = nullptr;
  stream->private_data = nullptr;
  // The rows hold the connection's query: they go first, and a failure to end it is nobody's concern any more.
  (void)without_exceptions([&]() -> Status {
    self->rows.reset();
    self->connection.reset();
    return Status::ok();
  });
}

}  // namespace

std::string type_to_sql(const duckdb::LogicalType& type) { return type.ToString(); }

Schema schema_of(const duckdb::vector<duckdb::Identifier>& names, const duckdb::vector<duckdb::LogicalType>& types) {
  auto unique = names;
  duckdb::QueryResult::DeduplicateColumns(unique);
  Schema schema;
  schema.reserve(unique.size());
  for (std::size_t i = 0; i < unique.size(); ++i) {
    schema.push_back({unique[i].GetIdentifierName(), type_to_sql(types[i])});
  }
  return schema;
}

Result<ArrowStream> export_rows(std::unique_ptr<duckdb::Connection> connection, const std::string& statement,
                                QueryText text, std::shared_ptr<void> keep_alive, ExportOptions options) {
  return without_exceptions(text, [&]() -> Result<ArrowStream> {
    const auto format = duckdb::make_shared_ptr<duckdb::ArrowFormat>(static_cast<duckdb::idx_t>(options.batch_rows));
    auto result = connection->Submit(parse_own(*connection, statement), format);
    if (result->HasError()) {
      const Status status = to_status(result->GetErrorObject(), text);
      return options.explain ? options.explain(status) : status;
    }
    auto state = std::make_unique<Export>();
    state->rows = std::make_unique<RowStream>(std::move(result));
    state->connection = std::move(connection);
    state->keep_alive = std::move(keep_alive);
    state->text = std::move(text);
    state->options = std::move(options);
    ArrowArrayStream stream = {get_schema, get_next, get_last_error, release, state.release()};
    return ArrowStream(stream);
  });
}

}  // namespace millpond
