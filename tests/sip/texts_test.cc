// Every fault and every deviation has its texts: they reach peers and operators.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "sip/deviation.h"
#include "sip/fault.h"

namespace viaduct::sip {
namespace {

TEST(Texts, EveryFaultNamesItselfInItsReasonPhrase) {
  SCOPED_TRACE("PAR-20");
  std::set<std::string_view> names;
  int faults = 0;
#define FAULT(symbol, code, phrase, where)                                                  \
  {                                                                                         \
    const FaultText& text = text_of(Fault::symbol);                                         \
    EXPECT_EQ(text.name, #symbol);                                                          \
    EXPECT_EQ(text.status, code);                                                           \
    EXPECT_TRUE(text.status == 400 || text.status == 505 || text.status == 513) << #symbol; \
    EXPECT_FALSE(text.reason_phrase.empty());                                               \
    EXPECT_TRUE(text.clause.starts_with("RFC "));                                           \
    names.insert(text.name);                                                                \
    ++faults;                                                                               \
  }
#include "sip/faults.def"
#undef FAULT
  EXPECT_EQ(names.size(), static_cast<size_t>(faults));
  EXPECT_TRUE(text_of(Fault::none).name.empty());
}

TEST(Texts, EveryDeviationNamesItsSection) {
#define DEVIATION(symbol, where, what)                         \
  {                                                            \
    const DeviationText& text = text_of(Deviation::symbol);    \
    EXPECT_EQ(text.name, #symbol);                             \
    EXPECT_NE(text.section.find('-'), std::string_view::npos); \
    EXPECT_FALSE(text.sentence.empty());                       \
    Deviations set;                                            \
    EXPECT_FALSE(set.has(Deviation::symbol));                  \
    set.note(Deviation::symbol);                               \
    EXPECT_TRUE(set.has(Deviation::symbol));                   \
  }
#include "sip/deviations.def"
#undef DEVIATION
}

}  // namespace
}  // namespace viaduct::sip
