#include <map>
#include <optional>
#include <string>

#include "catch.hpp"
#include "publish_sample.h"
#include "storage/fault_file_system.h"
#include "storage/publish.h"
#include "temporary_directory.h"

namespace millpond {

using namespace publish_sample;

// The heart: whatever call a fault or a kill meets, readers see the old or the new, a rerun succeeds, and nothing is
// left.
TEST_CASE("a fault at any call leaves the old or the new, and a rerun ends well") {
  struct Scenario {
    const char* name;
    std::optional<Write> before;
    Write write;
  };
  const Scenario scenarios[] = {
      {"error", std::nullopt, {.text = "new"}},
      {"overwrite nothing", std::nullopt, {.text = "new", .mode = PublishMode::kOverwrite}},
      {"overwrite", Write{.text = "old"}, {.text = "new", .mode = PublishMode::kOverwrite}},
      {"append", Write{.text = "old"}, {.text = "new", .mode = PublishMode::kAppend}},
      {"append to nothing", std::nullopt, {.text = "new", .mode = PublishMode::kAppend}},
      {"single file", std::nullopt, {.text = "new", .single_file = true}},
      {"single file over another",
       Write{.text = "old", .single_file = true},
       {.text = "new", .mode = PublishMode::kOverwrite, .single_file = true}},
  };
  for (const Scenario& scenario : scenarios) {
    const auto old = scenario.before ? output_of(*scenario.before) : std::map<std::string, std::string>();
    const bool is_append = scenario.write.mode == PublishMode::kAppend;
    const auto fresh = is_append ? both(old, output_of(scenario.write)) : output_of(scenario.write);
    for (const char* fault : {"io_error", "io_error+", "out_of_space", "short_write", "stop", "power cut"}) {
      bool was_hit = true;
      for (int n = 0; was_hit; ++n) {
        TemporaryDirectory directory;
        auto files = std::make_shared<FaultFileSystem>(local_file_system());
        if (scenario.before) REQUIRE(run(*local_file_system(), directory, *scenario.before).is_ok());
        const bool has_power_cut = fault == std::string("power cut");
        FaultPlan plan;
        plan.fault = has_power_cut || fault == std::string("stop") ? Fault::kStop
                     : fault == std::string("out_of_space")        ? Fault::kOutOfSpace
                     : fault == std::string("short_write")         ? Fault::kShortWrite
                                                                   : Fault::kIoError;
        plan.is_sticky = fault == std::string("io_error+");
        plan.at_call = n;
        files->set_plan(plan);
        bool was_staged = false;
        const bool succeeded = run(*files, directory, scenario.write, &was_staged).is_ok();
        was_hit = files->calls() > n;
        const bool was_failed = files->faults() > 0;
        files->set_plan(std::nullopt);
        if (has_power_cut) files->power_cut();

        INFO(scenario.name << ", " << fault << " at call " << n);
        const auto seen = look(directory);
        // An append that was killed in its midst, or whose disk died, may show some of its files, each whole.
        if (is_append && scenario.before && (plan.fault == Fault::kStop || plan.is_sticky)) {
          for (const auto& [name, text] : seen) REQUIRE(fresh.at(name) == text);
          for (const auto& [name, text] : old) REQUIRE(seen.at(name) == text);
        } else {
          REQUIRE((seen == old || seen == fresh));
        }
        if (succeeded) REQUIRE(seen == fresh);
        if (!was_failed) REQUIRE(succeeded);

        const bool clean_only = n % 2 == 1;
        if (clean_only) {
          REQUIRE(remove_stale(*files, directory / "out", "job").is_ok());
          REQUIRE((look(directory) == old || look(directory) == fresh));
        } else {
          const Result<OutputManifest> again = rerun(*files, directory, scenario.write, was_staged && !has_power_cut);
          INFO(again.status().to_string());
          REQUIRE(again.is_ok());
          REQUIRE(look(directory) == fresh);
        }
        REQUIRE(leftovers(directory).empty());
      }
    }
  }
}

}  // namespace millpond
