// The matcher of builds without Hyperscan: each pattern over each of its fields.
#include "policy/matcher.h"
#include "policy/pattern.h"

namespace viaduct::policy {

struct Matcher::Impl {
  struct Entry {
    Field field;
    Pattern pattern;
  };
  std::vector<Entry> entries;
};

std::string matcher_name() { return "plain"; }

Matcher::Matcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Matcher::~Matcher() = default;

Matcher::Compiled Matcher::compile(std::vector<FieldPattern> patterns) {
  auto impl = std::make_unique<Impl>();
  std::vector<PatternProblem> problems;
  for (size_t i = 0; i < patterns.size(); ++i) {
    auto pattern = Pattern::compile(patterns[i].text);
    if (pattern) {
      impl->entries.push_back({patterns[i].field, std::move(*pattern)});
    } else {
      problems.push_back({i, pattern.error()});
    }
  }
  if (!problems.empty()) return problems;
  return std::unique_ptr<const Matcher>(new Matcher(std::move(impl)));
}

std::unique_ptr<Matcher::Scratch> Matcher::make_scratch() const { return std::make_unique<Scratch>(); }

void Matcher::scan(std::string_view buffer, std::span<const Segment> segments, Scratch&, Sink sink,
                   void* context) const {
  for (const Segment& segment : segments) {
    const std::string_view text = buffer.substr(segment.begin, segment.end - segment.begin);
    for (size_t i = 0; i < impl_->entries.size(); ++i) {
      const Impl::Entry& entry = impl_->entries[i];
      if (entry.field == segment.field && entry.pattern.search(text)) sink(context, segment, static_cast<uint32_t>(i));
    }
  }
}

}  // namespace viaduct::policy
