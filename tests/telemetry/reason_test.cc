#include "telemetry/reason.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>

namespace viaduct::telemetry {
namespace {

bool is_snake_case(std::string_view name) {
  return !name.empty() && std::islower(static_cast<unsigned char>(name.front())) != 0 &&
         std::ranges::all_of(name,
                             [](unsigned char c) { return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '_'; });
}

TEST(Reasons, HaveNamesThatServeAsMetricLabels) {
  std::set<std::string_view> seen;
  for (const ReasonText& reason : reason_texts) {
    EXPECT_TRUE(is_snake_case(reason.name)) << reason.name;
    EXPECT_TRUE(seen.insert(reason.name).second) << reason.name << " twice";
  }
}

TEST(Reasons, AreEachExplainedInWordsOfTheirOwn) {
  std::set<std::string_view> seen;
  for (const ReasonText& reason : reason_texts) {
    EXPECT_GE(reason.sentence.size(), 10u) << reason.name;
    EXPECT_FALSE(reason.sentence.ends_with('.')) << reason.name << ": sentences are put into others";
    EXPECT_TRUE(seen.insert(reason.sentence).second) << reason.name << " says what another reason says";
    const bool cites = reason.clause.empty() || reason.clause.starts_with("RFC ");
    EXPECT_TRUE(cites) << reason.name << " cites " << reason.clause;
  }
}

TEST(Reasons, AreFoundByTheirEnumerator) {
  EXPECT_EQ(text_of(Reason::keepalive).name, "keepalive");
  EXPECT_EQ(text_of(Reason::shutdown).name, "shutdown");
  EXPECT_EQ(static_cast<size_t>(Reason::shutdown), reason_count - 1);
}

// RFC 3261 sections 8.2.7 and 16.11: what a stateless element may answer, and what it must not.
TEST(Reasons, AreBookedWhereTheStandardPutsThem) {
  struct Row {
    Reason reason;
    LedgerTerm term;
  };
  const Row rows[] = {
      {Reason::too_many_hops, LedgerTerm::replied},     {Reason::extension_unknown, LedgerTerm::replied},
      {Reason::malformed_request, LedgerTerm::replied}, {Reason::no_backend, LedgerTerm::replied},
      {Reason::options_answered, LedgerTerm::replied},  {Reason::malformed_response, LedgerTerm::dropped},
      {Reason::ack_refused, LedgerTerm::dropped},       {Reason::cancel_refused, LedgerTerm::dropped},
      {Reason::via_mac_bad, LedgerTerm::dropped},       {Reason::unanswerable_request, LedgerTerm::dropped},
      {Reason::ack_to_own_reply, LedgerTerm::absorbed}, {Reason::keepalive, LedgerTerm::absorbed},
      {Reason::left_to_kernel, LedgerTerm::punted},
  };
  for (const Row& row : rows) EXPECT_EQ(text_of(row.reason).term, row.term) << text_of(row.reason).name;
}

}  // namespace
}  // namespace viaduct::telemetry
