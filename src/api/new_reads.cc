#include "api/new_reads.h"

#include <utility>

namespace millpond {
namespace {

void collect(const NodePtr& node, std::set<const Node*>& visited, std::set<ScanOp::NewRead>& reads) {
  // Below a limit perhaps not all rows were looked at.
  if (!visited.insert(node.get()).second || std::holds_alternative<LimitOp>(node->op)) return;
  if (const auto* scan = std::get_if<ScanOp>(&node->op); scan != nullptr && scan->new_read) reads.insert(*scan->new_read);
  for (const NodePtr& input : node->inputs) collect(input, visited, reads);
}

/// What an action did: a write that is tried once more is the same one, though each append has its own number.
std::string action_of(const Node& root) {
  const auto* write = std::get_if<WriteOp>(&root.op);
  return write == nullptr ? root.fingerprint : root.inputs.front()->fingerprint + " " + write->path;
}

}  // namespace

Result<ScanOp::NewRead> NewReads::take(const std::string& name, std::vector<FileSlice>& found) {
  const std::lock_guard lock(mutex_);
  auto known = names_.find(name);
  if (known == names_.end()) {
    MILLPOND_ASSIGN_OR_RETURN(auto seen, SeenFiles::open(files_, data_root_, name, job_id_));
    known = names_.emplace(name, std::move(seen)).first;
  }
  MILLPOND_ASSIGN_OR_RETURN(SeenFiles::Read read, known->second->take_new(found));
  ScanOp::NewRead id{name, read.number};
  found = std::move(read.files);
  if (!found.empty()) open_.insert(id);
  return id;
}

void NewReads::note(const std::vector<NodePtr>& roots, bool has_succeeded) {
  const std::lock_guard lock(mutex_);
  if (open_.empty()) return;
  for (const NodePtr& root : roots) {
    Reads reads;
    std::set<const Node*> visited;
    collect(root, visited, reads);
    if (has_succeeded) {
      failed_.erase(action_of(*root));
      done_.merge(reads);
    } else if (!reads.empty()) {
      failed_[action_of(*root)] = std::move(reads);
    }
  }
}

Status NewReads::finish() {
  const std::lock_guard lock(mutex_);
  Reads good = done_;
  for (const auto& [action, reads] : failed_) {
    for (const auto& read : reads) good.erase(read);
  }
  for (const auto& [name, seen] : names_) {
    std::set<std::int64_t> numbers;
    for (const auto& read : good) {
      if (read.name == name && open_.contains(read)) numbers.insert(read.number);
    }
    if (!numbers.empty()) MILLPOND_RETURN_IF_ERROR(seen->finish(numbers));
  }
  open_.clear();
  done_.clear();
  failed_.clear();
  return Status::ok();
}

bool NewReads::has_unfinished() const {
  const std::lock_guard lock(mutex_);
  return !open_.empty();
}

void NewReads::close() {
  const std::lock_guard lock(mutex_);
  names_.clear();
}

}  // namespace millpond
