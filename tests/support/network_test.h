// Cases that each have a peer in a network of its own; the program is in one, too. Skipped where there can be none.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "support/network.h"

namespace viaduct::test {

// Whoever derives begins its SetUp with this one's, and goes on if not IsSkipped(); peer_ is null then.
class NetworkTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    refusal_ = network_refusal();
    if (refusal_.empty()) refusal_ = enter_fresh_network();
  }
  void SetUp() override {
    if (!refusal_.empty()) GTEST_SKIP() << refusal_;
    peer_ = std::make_unique<PeerNetwork>();
  }

  std::unique_ptr<PeerNetwork> peer_;

 private:
  static inline std::string refusal_;
};

}  // namespace viaduct::test
