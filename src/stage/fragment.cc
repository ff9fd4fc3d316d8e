#include "stage/fragment.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "sql/placeholders.h"

namespace millpond {
namespace {

void collect_text(const FragmentPtr& fragment, std::string& text) {
  text += fragment->query;
  text += '\n';
  for (const auto& statement : fragment->setup) text += statement + "\n";
  for (const auto& child : fragment->children) collect_text(child, text);
}

/// How often each leaf is read.
void count_reads(const FragmentPtr& fragment, std::map<const Fragment*, int>& reads) {
  if (fragment->is_leaf()) ++reads[fragment.get()];
  for (const auto& child : fragment->children) count_reads(child, reads);
}

bool is_all_global(const FragmentPtr& fragment) {
  if (fragment->is_leaf()) return true;
  return fragment->is_global && !fragment->is_volatile && fragment->setup.empty() &&
         std::all_of(fragment->children.begin(), fragment->children.end(), is_all_global);
}

/// The leaves to which only queries lead that take their rows in parts.
void collect_divisible(const FragmentPtr& fragment, std::set<const Fragment*>& leaves) {
  if (fragment->is_leaf()) leaves.insert(fragment.get());
  for (const std::size_t child : fragment->divisible_children) collect_divisible(fragment->children[child], leaves);
}

class Renderer {
 public:
  explicit Renderer(const std::string& text) : input_(free_prefix(text, "in")), inner_(free_prefix(text, "s")) {}

  Result<RenderedQuery> run(const FragmentPtr& root) {
    MILLPOND_ASSIGN_OR_RETURN(const std::string last, name_of(root));
    describe(root);
    if (root->is_leaf()) {
      result_.query = "SELECT * FROM " + last;
    } else if (inner_queries_.size() == 1) {
      result_.query = inner_queries_.front().second;
    } else {
      result_.query = "WITH ";
      for (std::size_t i = 0; i < inner_queries_.size(); ++i) {
        // The newline ends a comment that the user's text may end with.
        result_.query += (i == 0 ? "" : ",\n") + inner_queries_[i].first + " AS (" + inner_queries_[i].second + "\n)";
      }
      result_.query += "\nSELECT * FROM " + last;
    }
    return std::move(result_);
  }

 private:
  /// Says how the inputs' partitions may be read.
  void describe(const FragmentPtr& root) {
    result_.is_global = !root->is_leaf() && is_all_global(root);
    std::map<const Fragment*, int> reads;
    std::set<const Fragment*> divisible;
    count_reads(root, reads);
    collect_divisible(root, divisible);
    for (std::size_t i = 0; i < leaves_.size(); ++i) {
      // A part beside itself is not the whole.
      if (divisible.contains(leaves_[i]) && reads[leaves_[i]] == 1) result_.divisible_inputs.push_back(i);
    }
  }

  Result<std::string> name_of(const FragmentPtr& fragment) {
    if (auto known = names_.find(fragment.get()); known != names_.end()) return known->second;
    std::string name;
    if (fragment->is_leaf()) {
      name = input_ + std::to_string(result_.inputs.size());
      result_.inputs.push_back({name, fragment->schema, fragment->source, fragment->divisor});
      leaves_.push_back(fragment.get());
    } else {
      std::vector<std::string> children;
      for (const auto& child : fragment->children) {
        MILLPOND_ASSIGN_OR_RETURN(std::string child_name, name_of(child));
        children.push_back(std::move(child_name));
      }
      MILLPOND_ASSIGN_OR_RETURN(std::string query, substitute(fragment->query, children));
      name = inner_ + std::to_string(inner_queries_.size());
      inner_queries_.emplace_back(name, std::move(query));
      for (const auto& statement : fragment->setup) {
        MILLPOND_ASSIGN_OR_RETURN(std::string setup, substitute(statement, children));
        result_.setup.push_back(std::move(setup));
      }
      result_.is_volatile = result_.is_volatile || fragment->is_volatile;
    }
    names_.emplace(fragment.get(), name);
    return name;
  }

  std::string input_;
  std::string inner_;
  std::map<const Fragment*, std::string> names_;
  std::vector<const Fragment*> leaves_;  ///< One for each input.
  std::vector<std::pair<std::string, std::string>> inner_queries_;
  RenderedQuery result_;
};

}  // namespace

std::string free_prefix(const std::string& text, const std::string& wanted) {
  std::string prefix = wanted;
  auto is_taken = [&] {
    for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at + 1)) {
      const std::size_t next = at + prefix.size();
      if (next < text.size() && text[next] >= '0' && text[next] <= '9') return true;
    }
    return false;
  };
  while (is_taken()) prefix += '_';
  return prefix;
}

FragmentPtr leaf_fragment(SourcePtr source, Schema schema) {
  auto fragment = std::make_shared<Fragment>();
  fragment->tasks = source->count;
  fragment->source = std::move(source);
  fragment->schema = std::move(schema);
  fragment->is_row_wise = true;
  return fragment;
}

FragmentPtr shared_fragment(const FragmentPtr& leaf, std::int64_t divisor) {
  auto fragment = std::make_shared<Fragment>(*leaf);
  fragment->divisor = divisor;
  return fragment;
}

FragmentPtr query_fragment(std::string query, std::vector<FragmentPtr> children, std::string name, std::string location) {
  auto fragment = std::make_shared<Fragment>();
  fragment->query = std::move(query);
  fragment->tasks = 1;
  for (const auto& child : children) {
    fragment->tasks = std::max(fragment->tasks, child->tasks * child->divisor);
  }
  fragment->children = std::move(children);
  fragment->name = std::move(name);
  fragment->location = std::move(location);
  return fragment;
}

Result<RenderedQuery> render(const FragmentPtr& fragment) {
  std::string text;
  collect_text(fragment, text);
  return Renderer(text).run(fragment);
}

}  // namespace millpond
