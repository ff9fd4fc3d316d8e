#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "memory_store.h"
#include "storage/committed_files.h"
#include "storage/files_by_scheme.h"
#include "storage/publish.h"
#include "storage/staging.h"

namespace millpond {
namespace {

const std::string kTarget = "s3://bucket/out";

struct Write {
  std::string text;
  PublishMode mode = PublishMode::kError;
  bool single_file = false;
  int num_files = 3;
};

struct World {
  std::shared_ptr<MemoryStore> store = std::make_shared<MemoryStore>();
  std::shared_ptr<FileSystem> files = files_by_scheme(local_file_system(), store);
};

std::string job_of(const Write& write) { return "job-" + write.text; }

PublishRequest request_of(const Write& write) {
  PublishRequest request;
  request.target = kTarget;
  request.mode = write.mode;
  request.single_file = write.single_file;
  request.job_id = job_of(write);
  request.fingerprint = "fingerprint-" + write.text;
  request.staging = staging_directory(kTarget, request.job_id, request.fingerprint);
  return request;
}

// A whole job: what is staged already is not staged again, as with a journal.
Status run(World& world, const Write& write) {
  PublishRequest request = request_of(write);
  Result<std::optional<OutputManifest>> done = check_target(*world.files, request);
  if (!done.is_ok()) return done.status();
  if (done->has_value()) return world.files->remove_tree(request.staging);
  Result<BegunWrite> begun = begin_write(*world.files, request);
  if (!begun.is_ok()) return begun.status();
  request.observed = begun->observed;
  for (int i = 0; i < (write.single_file ? 1 : write.num_files); ++i) {
    const std::string name = "part-0000" + std::to_string(i) + "-" + write.text + ".csv";
    const std::string staged = request.staging + "/attempts/" + name;
    const std::string content = write.text + std::to_string(i);
    world.store->put(staged, content);
    request.files.push_back({staged, {name, 1, static_cast<std::int64_t>(content.size()), ""}});
  }
  return publish(*world.files, request).status();
}

// What a reader of millpond's sees.
std::map<std::string, std::string> read(World& world) {
  std::map<std::string, std::string> contents;
  const Result<std::vector<FileInfo>> found = expand_committed(*world.files, kTarget);
  if (!found.is_ok()) return contents;
  for (const FileInfo& file : *found) contents[file.path] = world.store->objects().at(file.path).content;
  return contents;
}

std::vector<std::string> paths(World& world) {
  std::vector<std::string> all;
  for (const auto& object : world.store->objects()) all.push_back(object.first);
  return all;
}

// The names carry 16 hex digits, as the job's commit gives them: by these readers know what may be a write's.
const std::string kOld = "0123456789abcdef";
const std::string kNew = "fedcba9876543210";

struct Scenario {
  const char* name;
  std::optional<Write> before;
  Write write;
};

std::vector<Scenario> scenarios() {
  return {
      {"error", std::nullopt, {kNew}},
      {"overwrite nothing", std::nullopt, {kNew, PublishMode::kOverwrite}},
      {"overwrite", Write{kOld, PublishMode::kError, false, 5}, {kNew, PublishMode::kOverwrite}},
      {"append", Write{kOld}, {kNew, PublishMode::kAppend}},
      {"append to nothing", std::nullopt, {kNew, PublishMode::kAppend}},
      {"single file", std::nullopt, {kNew, PublishMode::kError, true}},
      {"single file over another", Write{kOld, PublishMode::kError, true}, {kNew, PublishMode::kOverwrite, true}},
  };
}

}  // namespace

TEST_CASE("a fault at any call to the store leaves the old or the new, and a rerun or clean-up ends well") {
  for (const Scenario& scenario : scenarios()) {
    std::map<std::string, std::string> old;
    std::map<std::string, std::string> fresh;
    std::vector<std::string> old_paths;
    std::vector<std::string> new_paths;
    {
      World world;
      if (scenario.before) REQUIRE(run(world, *scenario.before).is_ok());
      old = read(world);
      old_paths = paths(world);
      REQUIRE(run(world, scenario.write).is_ok());
      fresh = read(world);
      new_paths = paths(world);
      REQUIRE(old != fresh);
    }
    for (const auto fault : {MemoryStore::Fault::kBefore, MemoryStore::Fault::kAfter, MemoryStore::Fault::kDeath}) {
      for (const bool is_rerun : {true, false}) {
        bool was_hit = true;
        for (int n = 0; was_hit; ++n) {
          World world;
          if (scenario.before) REQUIRE(run(world, *scenario.before).is_ok());
          world.store->fail_at(n, fault);
          const bool succeeded = run(world, scenario.write).is_ok();
          was_hit = world.store->calls() > n;
          world.store->heal();
          INFO(scenario.name << ", fault " << static_cast<int>(fault) << " at call " << n);
          const auto seen = read(world);
          REQUIRE((seen == old || seen == fresh));
          if (succeeded) REQUIRE(seen == fresh);
          if (is_rerun) {
            REQUIRE(run(world, scenario.write).is_ok());
            REQUIRE(read(world) == fresh);
            REQUIRE(paths(world) == new_paths);
          } else {
            REQUIRE(remove_stale(*world.files, kTarget, job_of(scenario.write)).is_ok());
            REQUIRE(read(world) == seen);
            // A head that names nothing may stay, and what an overwrite replaced until the next one.
            for (const std::string& path : paths(world)) {
              INFO(path);
              REQUIRE(path.find(".millpond-") == std::string::npos);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("a reader at any moment of a write sees the old or the new") {
  for (const Scenario& scenario : scenarios()) {
    World world;
    if (scenario.before) REQUIRE(run(world, *scenario.before).is_ok());
    const auto old = read(world);
    std::vector<std::map<std::string, std::string>> seen;
    world.store->set_hook([&](int) { seen.push_back(read(world)); });
    REQUIRE(run(world, scenario.write).is_ok());
    world.store->set_hook(nullptr);
    const auto fresh = read(world);
    INFO(scenario.name);
    REQUIRE(seen.size() > 5);
    for (const auto& view : seen) REQUIRE((view == old || view == fresh));
    REQUIRE(std::is_partitioned(seen.begin(), seen.end(), [&](const auto& view) { return view == old; }));
  }
}

TEST_CASE("a write at any moment of a reading doesn't show half of it") {
  for (const Scenario& scenario : scenarios()) {
    for (int at = 0; at < 40; ++at) {
      World world;
      if (scenario.before) REQUIRE(run(world, *scenario.before).is_ok());
      const auto old = read(world);
      int calls = 0;
      world.store->set_hook([&](int) {
        if (calls++ == at) REQUIRE(run(world, scenario.write).is_ok());
      });
      std::vector<std::string> found;
      const Result<std::vector<FileInfo>> listed = expand_committed(*world.files, kTarget);
      world.store->set_hook(nullptr);
      if (listed.is_ok()) {
        for (const FileInfo& file : *listed) found.push_back(file.path);
      }
      const auto names = [](const std::map<std::string, std::string>& contents) {
        std::vector<std::string> result;
        for (const auto& entry : contents) result.push_back(entry.first);
        return result;
      };
      INFO(scenario.name << ", at call " << at);
      REQUIRE((found == names(old) || found == names(read(world))));
    }
  }
}

TEST_CASE("of two writers at any moment one wins and the other leaves nothing") {
  for (const Scenario& scenario : scenarios()) {
    if (scenario.write.mode == PublishMode::kAppend) continue;
    for (int at = 0; at < 40; ++at) {
      World world;
      if (scenario.before) REQUIRE(run(world, *scenario.before).is_ok());
      Write other = scenario.write;
      other.text = "aaaaaaaaaaaaaaaa";
      int calls = 0;
      std::optional<Status> second;
      world.store->set_hook([&](int) {
        if (calls++ == at) second = run(world, other);
      });
      const Status first = run(world, scenario.write);
      world.store->set_hook(nullptr);
      if (!second) second = run(world, other);
      INFO(scenario.name << ", at call " << at << ": " << first.message() << " / " << second->message());
      const bool both_in_turn = scenario.write.mode == PublishMode::kOverwrite;
      REQUIRE((first.is_ok() || second->is_ok()));
      if (!both_in_turn) REQUIRE(first.is_ok() != second->is_ok());
      const auto seen = read(world);
      REQUIRE(!seen.empty());
      const std::string winner = seen.begin()->second.substr(0, 16);
      for (const auto& file : seen) REQUIRE(file.second.substr(0, 16) == winner);
      REQUIRE(seen.size() == (scenario.write.single_file ? 1U : 3U));
      if (!first.is_ok()) REQUIRE(winner == other.text);
      if (!second->is_ok()) REQUIRE(winner == scenario.write.text);
      REQUIRE(remove_stale(*world.files, kTarget, job_of(scenario.write)).is_ok());
      REQUIRE(remove_stale(*world.files, kTarget, job_of(other)).is_ok());
      REQUIRE(paths(world).size() == seen.size() + (scenario.write.single_file ? 0 : 1));
    }
  }
}

TEST_CASE("an append that an overwrite comes across is whole or has failed") {
  for (int at = 0; at < 40; ++at) {
    World world;
    REQUIRE(run(world, {kOld}).is_ok());
    int calls = 0;
    std::optional<Status> second;
    const Write other{"aaaaaaaaaaaaaaaa", PublishMode::kOverwrite};
    world.store->set_hook([&](int) {
      if (calls++ == at) second = run(world, other);
    });
    const Status first = run(world, {kNew, PublishMode::kAppend});
    world.store->set_hook(nullptr);
    if (!second) second = run(world, other);
    INFO("at call " << at << ": " << first.message() << " / " << second->message());
    REQUIRE(second->is_ok());
    const auto seen = read(world);
    REQUIRE((seen.size() == 3 || (first.is_ok() && seen.size() == 6)));
    for (const auto& file : seen) REQUIRE(file.second.substr(0, 16) != kOld);
    REQUIRE(remove_stale(*world.files, kTarget, job_of({kNew})).is_ok());
    REQUIRE(read(world) == seen);
    REQUIRE(paths(world).size() == seen.size() + 1);
  }
}

TEST_CASE("a write whose conditional request went through is no conflict") {
  for (const PublishMode mode : {PublishMode::kError, PublishMode::kOverwrite, PublishMode::kAppend}) {
    for (int at = 0; at < 40; ++at) {
      World world;
      const bool is_beside = mode == PublishMode::kAppend;
      if (is_beside) REQUIRE(run(world, {kOld}).is_ok());
      world.store->fail_at(at, MemoryStore::Fault::kRace);
      const Status status = run(world, {kNew, mode});
      world.store->heal();
      INFO("mode " << static_cast<int>(mode) << ", at call " << at << ": " << status.message());
      REQUIRE(status.is_ok());
      REQUIRE(read(world).size() == (is_beside ? 6 : 3));
    }
  }
}

TEST_CASE("files of other makers count, until an overwrite replaces them, and again when they come anew") {
  World world;
  world.store->put(kTarget + "/x.csv", "x");
  REQUIRE(run(world, {kOld}).code() == StatusCode::kAlreadyExists);
  REQUIRE(run(world, {kOld, PublishMode::kAppend}).is_ok());
  REQUIRE(read(world).size() == 4);
  REQUIRE(run(world, {kNew, PublishMode::kOverwrite}).is_ok());
  REQUIRE(read(world).size() == 3);
  world.store->put(kTarget + "/x.csv", "y");
  REQUIRE(read(world).size() == 4);
}

TEST_CASE("a file that comes at the same time under the name of one that was replaced counts, whatever came between") {
  const std::string path = kTarget + "/x.csv";
  bool was_replaced_and_left = false;
  for (int n = 0; n < 40; ++n) {
    World world;
    world.store->stop_clock();
    world.store->put(path, "x");
    world.store->fail_at(n, MemoryStore::Fault::kDeath);
    (void)run(world, {kNew, PublishMode::kOverwrite});
    world.store->heal();
    const bool is_replaced = !read(world).contains(path);
    was_replaced_and_left |= is_replaced && world.store->objects().contains(path);
    world.store->put(path, "y");
    INFO("killed at call " << n);
    REQUIRE(read(world).contains(path));
    REQUIRE(run(world, {kNew, PublishMode::kOverwrite}).is_ok());  // It removes what was replaced.
    REQUIRE(read(world).contains(path) == is_replaced);
  }
  REQUIRE(was_replaced_and_left);
}

TEST_CASE("a head that can't be read is an error, not a folder without one") {
  World world;
  REQUIRE(run(world, {kOld}).is_ok());
  world.store->put(kTarget + "/._millpond-head.json", "{");
  REQUIRE(expand_committed(*world.files, kTarget).status().code() == StatusCode::kDataCorrupt);
  REQUIRE(run(world, {kNew, PublishMode::kOverwrite}).code() == StatusCode::kDataCorrupt);
}

}  // namespace millpond
