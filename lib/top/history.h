// What the balancer said last and the time before, and so what a second brings.
//
// A balancer that was started anew counts from zero: then what was before says nothing, and there are no rates until it
// has been asked once more. Likewise while it does not answer.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "control/answers.h"
#include "core/clock.h"

namespace viaduct::top {

using Json = nlohmann::ordered_json;

// Commands that `top` asks for.
std::span<const std::string_view> commands_needed();

class History {
 public:
  void add(core::Instant time, control::Told answers);
  // `2026-11-21`: of what happened then the hour is enough.
  void set_today(std::string date) { today_ = std::move(date); }
  const std::string& today() const { return today_; }
  void miss(core::Instant time, std::string problem);  // nobody has answered

  bool empty() const { return !last_; }
  // Rows of the last answer: one of a table that has no rows but is an object. Empty where nothing was said.
  const Json& rows(std::string_view command, std::string_view table) const;
  const Json& value(std::string_view command, std::string_view table, std::string_view column) const;

  // Of a counter, a second; nothing while nothing can be said. A row that is there for the first time was 0 before.
  std::optional<double> rate(std::string_view command, std::string_view table, const Json& row,
                             std::string_view column) const;
  std::optional<double> rate(std::string_view command, std::string_view table, std::string_view column) const;

  std::optional<core::Instant> gone_since() const { return gone_since_; }
  const std::string& problem() const { return problem_; }
  std::optional<core::Instant> restarted() const { return restarted_; }  // when it was seen

 private:
  struct Moment {
    core::Instant time;
    std::map<std::string, Json, std::less<>> tables;    // "stat ledger" -> rows
    std::unordered_map<std::string, const Json*> rows;  // "backends backends proxies p1" -> row
  };
  static std::unique_ptr<Moment> moment(core::Instant time, const control::Told& answers);

  std::unique_ptr<Moment> last_, before_;
  std::string today_;
  std::optional<core::Instant> gone_since_, restarted_;
  std::string problem_;
};

// As a cell shows it: printable, so that nothing of a stranger reaches the terminal.
std::string text_of(const Json& value);
std::optional<double> number_of(const Json& value);

}  // namespace viaduct::top
