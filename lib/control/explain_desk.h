// Explains messages for the running balancer: `explain [from IP:PORT] [to IP:PORT] message HEX`.
//
// With the View that workers have, so health, drains, weights and bans count as they are now. Rules and limits are
// asked in a copy that is compiled when somebody first wants to know after a reload, because a limit counts whom it is
// asked about: an explanation must not use up what a source may send. So limits answer as if the source had sent
// nothing but what was explained. Thread: control.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "config/config.h"
#include "control/policies.h"
#include "dataplane/view.h"

namespace viaduct::control {

class ExplainDesk {
 public:
  // A message as HEX, `from`, `to` and the words between them.
  static constexpr size_t line_bytes_max = 2 * 65535 + 256;

  // `words` is what follows `explain`. One line of JSON, or a sentence that starts with "error: ".
  std::string answer(std::string_view words, const dataplane::View& view, const config::Config& config);
  // There is another configuration.
  void forget_rules() { policies_ = nullptr; }

 private:
  std::unique_ptr<Policies> policies_;
};

}  // namespace viaduct::control
