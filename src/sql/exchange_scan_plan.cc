#include "sql/exchange_scan_plan.h"

#include <algorithm>
#include <map>
#include <utility>

#include "data/schema.h"
#include "sql/exchange_types.h"
#include "storage/store_reads.h"

namespace millpond {
namespace {

Status not_as_planned(const std::string& path, const std::string& what) {
  ErrorContext context;
  context.file = path;
  return Status::data_corrupt("the exchange file " + path + " is not what was planned: " + what,
                              "the task that wrote it has to run again")
      .with_context(context);
}

// The position of a planned column in a file.
Result<std::size_t> find_in_file(const ExchangeFile& file, const std::string& name, const duckdb::LogicalType& type) {
  const std::vector<ExchangeColumn>& columns = file.columns();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!same_column_name(columns[i].name, name)) continue;
    MILLPOND_ASSIGN_OR_RETURN(const duckdb::LogicalType stored, exchange_column_type(columns[i]));
    if (stored == type || (columns[i].type == type.ToString() && stored.InternalType() == type.InternalType()))
      return i;
    return not_as_planned(file.path(), "column \"" + name + "\" is " + columns[i].type + ", not " + type.ToString());
  }
  return not_as_planned(file.path(), "it has no column \"" + name + "\"");
}

Result<ExchangeScanFile> open_scan_file(ExchangeContext& context, const ExchangeScan& scan, const SegmentSlice& slice,
                                        const std::vector<std::size_t>& wanted) {
  ExchangeScanFile opened;
  MILLPOND_ASSIGN_OR_RETURN(opened.file, context.open(slice.path, slice.index_digest));
  std::vector<std::size_t> positions;
  for (const std::size_t column : wanted) {
    MILLPOND_ASSIGN_OR_RETURN(const std::size_t position,
                              find_in_file(*opened.file, scan.names[column], scan.types[column]));
    positions.push_back(position);
  }
  opened.columns = positions;
  std::ranges::sort(opened.columns);
  opened.columns.erase(std::unique(opened.columns.begin(), opened.columns.end()), opened.columns.end());
  for (const std::size_t position : positions) {
    opened.wanted.push_back(
        static_cast<std::size_t>(std::ranges::lower_bound(opened.columns, position) - opened.columns.begin()));
  }
  return opened;
}

// Adds the segments of one slice to the units, cut to its row range.
class UnitBuilder {
 public:
  UnitBuilder(std::uint64_t unit_rows, bool cuts_all) : unit_rows_(unit_rows), cuts_all_(cuts_all) {}

  void add(std::size_t file, std::vector<ExchangeSegment> segments, std::uint64_t begin, std::uint64_t end) {
    std::uint64_t first = 0;  // The number of the segment's first row in its partition.
    for (ExchangeSegment& segment : segments) {
      const std::uint64_t rows = segment.rows;
      const std::uint64_t from = std::max(begin, first) - first;
      const std::uint64_t to = end > first ? std::min(end - first, rows) : 0;
      if (from < to) append({file, std::move(segment), from, to});
      first += rows;
    }
  }

  std::vector<ExchangeUnit> take() { return std::move(units_); }

 private:
  void append(ExchangePiece piece) {
    if (units_.empty()) units_.emplace_back();
    while (piece.to - piece.from > room()) {
      if (room() > 0 && (cuts_all_ || piece.segment.rows <= unit_rows_ / kCutShare)) {
        ExchangePiece begin = piece;
        begin.to = piece.from = piece.from + room();
        push(std::move(begin));
      } else if (rows_ == 0) {
        break;
      }
      units_.emplace_back();
      rows_ = 0;
    }
    push(std::move(piece));
  }

  std::uint64_t room() const { return unit_rows_ - std::min(rows_, unit_rows_); }

  void push(ExchangePiece piece) {
    rows_ += piece.to - piece.from;
    units_.back().push_back(std::move(piece));
  }

  // A cut segment is read and checked twice, unless one thread reads both parts: cheap when it is a small share of a unit. Full units are what DuckDB takes
  // as row groups without copying them once more.
  static constexpr std::uint64_t kCutShare = 8;

  const std::uint64_t unit_rows_;
  const bool cuts_all_;
  std::uint64_t rows_ = 0;  // Of the last unit.
  std::vector<ExchangeUnit> units_;
};

// Opens what is on a store, many at once; what fails is met again.
void open_ahead(ExchangeContext& context, const std::vector<SegmentSlice>& slices) {
  std::map<std::string, const SegmentSlice*> stored;
  for (const SegmentSlice& slice : slices) {
    const bool is_kept = !slice.index_digest.empty();
    if (is_kept && context.files().store_of(slice.path) != nullptr) stored.emplace(slice.path, &slice);
  }
  std::vector<const SegmentSlice*> each;
  for (const auto& [path, slice] : stored) each.push_back(slice);
  at_once(each.size(), [&](std::size_t i) { (void)context.open(each[i]->path, each[i]->index_digest); });
}

}  // namespace

Status read_scan_schema(ExchangeContext& context, ExchangeScan& scan) {
  if (scan.slices.empty()) {
    return Status::invalid_argument("millpond_exchange needs names and types when there is no file to take them from");
  }
  MILLPOND_ASSIGN_OR_RETURN(const auto file, context.open(scan.slices[0].path, scan.slices[0].index_digest));
  for (const ExchangeColumn& column : file->columns()) {
    MILLPOND_ASSIGN_OR_RETURN(duckdb::LogicalType type, exchange_column_type(column));
    scan.names.push_back(column.name);
    scan.types.push_back(std::move(type));
  }
  return Status::ok();
}

Status count_scan_rows(ExchangeContext& context, ExchangeScan& scan) {
  for (SegmentSlice& slice : scan.slices) {
    if (slice.num_rows < 0) {
      MILLPOND_ASSIGN_OR_RETURN(const auto file, context.open(slice.path, slice.index_digest));
      MILLPOND_ASSIGN_OR_RETURN(const ExchangePartition partition, file->partition(slice.partition));
      slice.num_rows = static_cast<std::int64_t>(partition.rows);
    }
    if (slice.rows.has_value()) {
      const RowRange& range = *slice.rows;
      if (range.begin < 0 || range.begin > range.end || range.end > slice.num_rows) {
        return Status::invalid_argument("rows " + std::to_string(range.begin) + " to " + std::to_string(range.end) +
                                        " are no range of the " + std::to_string(slice.num_rows) +
                                        " rows of partition " + std::to_string(slice.partition) + " of " + slice.path);
      }
    }
    scan.rows += static_cast<std::uint64_t>(slice.rows.has_value() ? slice.rows->size() : slice.num_rows);
  }
  return Status::ok();
}

Result<ExchangeScanPlan> plan_exchange_scan(ExchangeContext& context, const ExchangeScan& scan,
                                            const std::vector<std::size_t>& wanted, std::uint64_t unit_rows,
                                            bool cuts_all) {
  open_ahead(context, scan.slices);
  ExchangeScanPlan plan;
  UnitBuilder units(unit_rows, cuts_all);
  std::map<std::pair<std::string, std::string>, std::size_t> seen;  // A file may stand in several slices.
  std::shared_ptr<ReadableFile> data;  // The file of the last slice: one open file at a time.
  std::string data_path;
  for (const SegmentSlice& slice : scan.slices) {
    const auto [found, is_new] = seen.try_emplace({slice.path, slice.index_digest}, plan.files.size());
    if (is_new) {
      MILLPOND_ASSIGN_OR_RETURN(ExchangeScanFile opened, open_scan_file(context, scan, slice, wanted));
      plan.files.push_back(std::move(opened));
    }
    const ExchangeFile& file = *plan.files[found->second].file;
    MILLPOND_ASSIGN_OR_RETURN(const ExchangePartition partition, file.partition(slice.partition));
    if (partition.rows != static_cast<std::uint64_t>(slice.num_rows)) {
      return not_as_planned(slice.path, "partition " + std::to_string(slice.partition) + " has " +
                                            std::to_string(partition.rows) + " rows, not " +
                                            std::to_string(slice.num_rows));
    }
    if (partition.rows == 0) continue;
    if (data_path != slice.path) {
      MILLPOND_ASSIGN_OR_RETURN(data, file.open_data(context.files()));
      data_path = slice.path;
    }
    MILLPOND_ASSIGN_OR_RETURN(auto segments, file.segments(*data, slice.partition));
    const RowRange range = slice.rows.value_or(RowRange{0, slice.num_rows});
    units.add(found->second, std::move(segments), static_cast<std::uint64_t>(range.begin),
              static_cast<std::uint64_t>(range.end));
  }
  plan.units = units.take();
  return plan;
}

Result<std::vector<ExchangeChunks>> read_pieces(FileSystem& files, const ExchangeScanPlan& plan, std::span<const ExchangePiece> pieces) {
  std::vector<Result<ExchangeChunks>> read(pieces.size(), Result<ExchangeChunks>(ExchangeChunks{}));
  at_once(pieces.size(), [&](std::size_t i) {
    const ExchangeScanFile& file = plan.files[pieces[i].file];
    const Result<std::shared_ptr<ReadableFile>> data = file.file->open_data(files);
    read[i] = data.is_ok() ? file.file->read(**data, pieces[i].segment, file.columns) : Result<ExchangeChunks>(data.status());
  });
  std::vector<ExchangeChunks> chunks;
  for (Result<ExchangeChunks>& one : read) {
    MILLPOND_ASSIGN_OR_RETURN(ExchangeChunks piece, std::move(one));
    chunks.push_back(std::move(piece));
  }
  return chunks;
}

}  // namespace millpond
