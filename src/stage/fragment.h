#pragma once

#include <memory>
#include <string>
#include <vector>

#include "millpond/result.h"
#include "stage/stage.h"

namespace millpond {

/// A piece of a stage's query before it has names: either a leaf, which is a relation read from somewhere,
/// or a query whose {0}, {1} … are its children. Pieces grow into one SQL text a stage.
struct Fragment {
  // Leaf.
  SourcePtr source;
  Schema schema;
  std::int64_t divisor = 1;  ///< See StageInput.
  // Inner.
  std::string query;
  std::vector<std::string> setup;
  std::vector<std::shared_ptr<const Fragment>> children;

  std::int64_t tasks = 1;
  bool is_volatile = false;
  bool is_row_wise = false;  ///< Each of its rows comes from one row of its only leaf, whatever the others are.
  bool is_global = false;  ///< See PartialSqlOp.
  std::vector<std::size_t> divisible_children;
  std::string name;      ///< The user's word for the topmost operation in it.
  std::string location;

  bool is_leaf() const { return source != nullptr; }
};
using FragmentPtr = std::shared_ptr<const Fragment>;

FragmentPtr leaf_fragment(SourcePtr source, Schema schema);
/// A leaf whose partitions are each read by `divisor` tasks.
FragmentPtr shared_fragment(const FragmentPtr& leaf, std::int64_t divisor);
/// `query` over children; it runs in as many tasks as the child with most partitions.
FragmentPtr query_fragment(std::string query, std::vector<FragmentPtr> children, std::string name, std::string location);

/// `wanted`, with underscores added until no word prefix+digit stands in `text`: names made of it collide with nothing.
std::string free_prefix(const std::string& text, const std::string& wanted);

/// Gives the relations their names (in0, in1 …; s0, s1 … for inner queries; other letters where the user's own text
/// holds such names) and writes the one SQL text. Equal fragments give equal text.
struct RenderedQuery {
  std::string query;
  std::vector<std::string> setup;
  std::vector<StageInput> inputs;
  bool is_volatile = false;
  bool is_global = false;                     ///< All queries in it are, and it isn't volatile.
  std::vector<std::size_t> divisible_inputs;  ///< Inputs that may come in parts, as far as the queries go.
};
Result<RenderedQuery> render(const FragmentPtr& fragment);

}  // namespace millpond
