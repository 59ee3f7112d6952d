// What a run showed, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "options.h"
#include "trial.h"

namespace viaduct::viablast {

// One line, each second.
class LiveLine {
 public:
  void print(const Trial& trial, double seconds);

 private:
  uint64_t started_ = 0, answered_ = 0, received_ = 0;
  double seconds_ = 0;
};

struct SearchStep {
  double rate = 0;
  double achieved = 0;
  double loss = 0;
  uint64_t misrouted = 0;
  bool passed = false;
};

void print_summary(const Trial& trial);
nlohmann::ordered_json to_json(const Options& options, const Trial& trial, const dpdk::Wire& wire);
nlohmann::ordered_json to_json(const std::vector<SearchStep>& steps);

}  // namespace viaduct::viablast
