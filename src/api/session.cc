#include "millpond/session.h"

#include <unordered_map>
#include <utility>

#include "api/frames.h"
#include "api/open_session.h"
#include "api/session_impl.h"
#include "base/quote.h"
#include "plan/graphviz.h"
#include "stage/resolve.h"
#include "storage/files_by_scheme.h"
#include "storage/usrbio_mounts.h"

namespace millpond {

Session::Session() = default;
Session::~Session() = default;

Result<std::shared_ptr<Session>> open_session(SessionOptions options, std::shared_ptr<FileSystem> files) {
  MILLPOND_ASSIGN_OR_RETURN(auto impl, Session::Impl::open(std::move(options), std::move(files)));
  std::shared_ptr<Session> session(new Session());
  session->impl_ = std::move(impl);
  return session;
}

Result<std::shared_ptr<Session>> Session::open(SessionOptions options) {
  begin_usrbio_session();
  std::shared_ptr<FileSystem> files = files_by_scheme(local_file_system(), options.object_store);
  return open_session(std::move(options), std::move(files));
}

Result<DataFrame> Session::from_arrow(ArrowStream stream, const std::string& location) {
  FrameContext context{shared_from_this(), "from_arrow", location};
  if (!stream.is_valid()) return context.fail(Status::invalid_argument("the Arrow stream was read already"));
  auto written = impl_->engine().write_exchange(std::move(stream), impl_->new_values_directory());
  if (!written.is_ok()) return context.fail(written.status());
  ValuesOp op;
  op.partitions.emplace_back();
  if (auto slice = segment_slice(*written, 0)) op.partitions.front().push_back(std::move(*slice));
  // The schema tells apart data without rows.
  op.digest = (written->files.empty() ? std::string() : written->files.front().digest) + schema_to_string(written->schema);
  return context.frame(std::move(op), {}, written->schema, single_partition());
}

Status Session::wait(const std::vector<DataFrame>& frames) {
  std::vector<NodePtr> nodes;
  for (const auto& frame : frames) nodes.push_back(frame.node());
  return impl_->run(nodes);
}

std::string Session::graph() const { return plans_to_graphviz(impl_->frames()); }
Status Session::finish() { return impl_->new_reads().finish(); }
bool Session::has_unfinished_reads() const { return impl_->new_reads().has_unfinished(); }
Status Session::note_table_write(const std::string& folder) { return impl_->note_table_write(folder); }
Status Session::finish_table_write(const std::string& folder) { return impl_->finish_table_write(folder); }
Status Session::shutdown() { return impl_->shutdown(); }
void Session::cancel() { impl_->cancel(); }
void Session::set_progress(ProgressCallback callback) { impl_->set_progress(std::move(callback)); }
std::vector<std::string> Session::take_warnings() { return impl_->take_warnings(); }
const SessionOptions& Session::options() const { return impl_->options(); }
const std::string& Session::job_id() const { return impl_->options().job_id; }
std::string Session::job_directory() const { return impl_->job_directory(); }

}  // namespace millpond
