#include "sql/engine.h"

#include <utility>

#include "duckdb/main/client_context.hpp"
#include "sql/arrow_export.h"
#include "sql/bind_input.h"
#include "sql/call_types.h"
#include "sql/database.h"
#include "sql/engine_impl.h"
#include "sql/errors.h"
#include "sql/file_system_bridge.h"
#include "sql/inputs.h"
#include "sql/lossless_types.h"
#include "sql/pinned_inputs.h"
#include "sql/statements.h"
#include "sql/unreadable_input.h"
#include "sql/verify_files.h"

namespace millpond {

namespace {

std::string for_arrow(duckdb::Connection& connection, const std::string& select, const std::optional<Schema>& schema) {
  if (schema && travels_unchanged(*schema)) return select;
  const auto bound = connection.context->BindStatement(parse_own(connection, select));
  return select_for_arrow(select, schema_of(bound.names, bound.types), bound.types);
}

}  // namespace

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

Result<std::shared_ptr<duckdb::DuckDB>> Engine::Impl::open(const EngineOptions& settings) {
  MILLPOND_ASSIGN_OR_RETURN(std::shared_ptr<duckdb::DuckDB> opened, open_database(settings));
  duckdb::DatabaseInstance& instance = *opened->instance;
  MILLPOND_RETURN_IF_ERROR(bridge_file_system(instance, files, settings.temp_directory));
  MILLPOND_RETURN_IF_ERROR(register_exchange_functions(instance, exchange));
  MILLPOND_RETURN_IF_ERROR(register_bind_input(instance));
  MILLPOND_RETURN_IF_ERROR(RowStreams::register_function(instance, row_streams));
  return opened;
}

Result<std::unique_ptr<Engine>> Engine::open(const EngineOptions& options, std::shared_ptr<FileSystem> files) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->files = std::move(files);
  impl->exchange = std::make_shared<ExchangeContext>(impl->files);
  impl->row_streams = std::make_shared<RowStreams>();
  MILLPOND_ASSIGN_OR_RETURN(impl->database_, impl->open(options));
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Result<std::vector<std::string>> Engine::split_statements(const std::string& script) {
  return without_exceptions([&]() -> Result<std::vector<std::string>> {
    duckdb::Connection connection(*impl_->database());
    MILLPOND_ASSIGN_OR_RETURN(std::vector<ParsedStatement> parsed, parse_statements(connection, script));
    std::vector<std::string> texts;
    texts.reserve(parsed.size());
    for (ParsedStatement& statement : parsed) texts.push_back(std::move(statement.text));
    return texts;
  });
}

Result<ArrowStream> Engine::read(const std::string& query, const std::vector<TaskInput>& inputs, ReadContext context) {
  Result<ArrowStream> rows = without_exceptions([&]() -> Result<ArrowStream> {
    MILLPOND_RETURN_IF_ERROR(verify_untagged(*impl_->files, inputs));
    const std::shared_ptr<duckdb::DuckDB> database = impl_->database();
    auto connection = std::make_unique<duckdb::Connection>(*database);
    PinnedInputs::hold(*connection, inputs);
    MILLPOND_ASSIGN_OR_RETURN(const ParsedStatement select, parse_select(*connection, query));
    QueryText text{select.text, 0};
    MILLPOND_ASSIGN_OR_RETURN(const std::string rows, with_inputs(select.text, inputs, &text.prefix));
    const std::string statement = for_arrow(*connection, rows, context.schema);
    text.prefix += statement.find(rows);
    ExportOptions options;
    options.failure = context.failure;
    options.explain = [database, files = impl_->files, inputs, place = context.place](const Status& cause) {
      return blame_unreadable_input(*database, *files, inputs, cause).with_context(place);
    };
    auto needed = std::make_shared<std::pair<std::shared_ptr<duckdb::DuckDB>, std::shared_ptr<const void>>>(
        database, std::move(context.keep_alive));
    return export_rows(std::move(connection), statement, std::move(text), std::move(needed), std::move(options));
  });
  if (!rows.is_ok()) return rows.status().with_context(context.place);
  return rows;
}

Status Engine::check_writable(const Schema& schema, FileFormat format) {
  return without_exceptions([&]() -> Status {
    duckdb::Connection connection(*impl_->database());
    for (const Column& column : schema) {
      MILLPOND_RETURN_IF_ERROR(check_lossless(column.name, connection.context->ParseLogicalType(column.type), format));
    }
    return Status::ok();
  });
}

std::string Engine::duckdb_version() const { return duckdb::DuckDB::LibraryVersion(); }

}  // namespace millpond
