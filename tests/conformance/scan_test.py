"""How scripts/conformance finds rule ids and the tests behind them."""
import importlib.machinery
import importlib.util
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts/conformance"
loader = importlib.machinery.SourceFileLoader("conformance", str(SCRIPT))
conformance = importlib.util.module_from_spec(importlib.util.spec_from_loader("conformance", loader))
loader.exec_module(conformance)

# Ids are put together here so that this file names no rule.
A, B = "AB" "C-", "W" "."


class Ids(unittest.TestCase):
    def check(self, text, expected):
        self.assertEqual(list(conformance.ids_of(text)), expected)

    def test_plain_ones_at_word_boundaries(self):
        self.check(f"// {A}12: text, {{\"{A}03\", x}} Z{A}04 {A}123 {A}5", [A + "12", A + "03"])

    def test_ranges_in_three_notations(self):
        for text in (f"{A}01..03", f"{A}01 to {A}03", f"{A}01–03"):
            self.check(text, [A + "01", A + "02", A + "03"])

    def test_lists_with_slashes(self):
        self.check(f"{A}02/04/{A}05", [A + "02", A + "04", A + "05"])

    def test_flows(self):
        self.check(f"{B}1 and {B}9 to {B}10", [B + "1", B + "9", B + "10"])


SOURCE = '''// A file begins with an essay.
#include "x.h"

namespace viaduct {
namespace {

// one
TEST(Room, first_thing) {
  EXPECT_EQ(R"(
TEST(Not, real) {
}
)", "two");
}

struct Case {
  int value;
};
const Case table[] = {
    {3},
};

void helper() {
  use(table);
}

TEST(Room, second_thing) { helper(); }

const Case rows[] = {{4}};

class Fixture : public testing::TestWithParam<Case> {};
TEST_P(Fixture, each) {
  EXPECT_TRUE(true);
}
INSTANTIATE_TEST_SUITE_P(All, Fixture, testing::ValuesIn(rows));

// nobody uses this
const int orphan = 5;

}  // namespace
}  // namespace viaduct
'''


class Blocks(unittest.TestCase):
    def served_by(self, needle):
        number = next(i for i, line in enumerate(SOURCE.split("\n")) if needle in line)
        blocks = conformance.blocks_of(SOURCE)
        block = next(b for b in blocks if b.begin <= number <= b.end)
        return conformance.tests_behind(block, blocks)

    def test_a_comment_belongs_to_the_test_below(self):
        self.assertEqual(self.served_by("// one"), ["Room.first_thing"])

    def test_raw_strings_are_not_code(self):
        self.assertEqual(self.served_by('"two"'), ["Room.first_thing"])

    def test_a_table_belongs_to_the_test_that_uses_it_through_a_helper(self):
        self.assertEqual(self.served_by("{3}"), ["Room.second_thing"])

    def test_a_parameter_table_belongs_to_the_parametrised_test(self):
        self.assertEqual(self.served_by("{{4}}"), ["Fixture.each"])

    def test_what_no_test_uses_proves_nothing(self):
        self.assertEqual(self.served_by("orphan"), [])


class RuleList(unittest.TestCase):
    def test_every_rule_is_listed_once_with_a_short_title(self):
        rules = conformance.read_rules()
        book = [r for r in rules.values() if r.level not in {"VERDICT", "FLOW", "DECISION"}]
        self.assertEqual(len(book), 284)
        for rule in book:
            self.assertTrue(4 <= len(rule.title.split()) <= 10, f"{rule.id}: {rule.title}")
        families = {family for _, part in conformance.SECTIONS for family in part}
        self.assertEqual({rule.family for rule in book}, families)


if __name__ == "__main__":
    unittest.main()
