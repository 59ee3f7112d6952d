// The door to Hyperscan: the only file that includes it.
//
// One database holds every pattern loosened (loosened.h), so that it reports wherever the pattern itself could match,
// with the place where the match ends. A pattern that has no anchors and stays in its line needs no second look. The
// others are compiled alone as well, and asked about the one field in question.
#include <hs/hs.h>

#include <algorithm>

#include "policy/loosened.h"
#include "policy/matcher.h"

namespace viaduct::policy {
namespace {

struct FreeDatabase {
  void operator()(hs_database_t* database) const { hs_free_database(database); }
};
using Database = std::unique_ptr<hs_database_t, FreeDatabase>;

// Its message as a clause of a sentence; frees it.
std::string sentence_of(hs_compile_error_t* error) {
  std::string sentence = error == nullptr ? "not enough memory" : error->message;
  hs_free_compile_error(error);
  while (!sentence.empty() && sentence.back() == '.') sentence.pop_back();
  return sentence;
}

struct Alone {
  Database database;
  std::string problem;
};

// The pattern as it is meant, for one field.
Alone compile_alone(const std::string& pattern) {
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  const unsigned flags = HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY;
  if (hs_compile(pattern.c_str(), flags, HS_MODE_BLOCK, nullptr, &database, &error) != HS_SUCCESS) {
    return {nullptr, sentence_of(error)};
  }
  return {Database(database), ""};
}

bool compiles_without_empty_match(const std::string& pattern) {
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  const bool done = hs_compile(pattern.c_str(), 0, HS_MODE_BLOCK, nullptr, &database, &error) == HS_SUCCESS;
  hs_free_database(database);
  hs_free_compile_error(error);
  return done;
}

int note_match(unsigned, unsigned long long, unsigned long long, unsigned, void* context) {
  *static_cast<bool*>(context) = true;
  return 1;
}

}  // namespace

struct Matcher::Impl {
  struct Entry {
    Field field = 0;
    Database alone;  // null: what the database reports is the truth
  };
  std::vector<Entry> entries;
  Database all;                      // null: none can be loosened
  std::vector<uint32_t> unloosened;  // asked about each of their fields
};

namespace {

class HyperscanScratch : public Matcher::Scratch {
 public:
  explicit HyperscanScratch(size_t patterns) : asked(patterns) {}

  // Two: a pattern is asked about alone while the scan of all is under way.
  hs_scratch_t* all = nullptr;
  hs_scratch_t* alone = nullptr;
  std::vector<uint64_t> asked;  // by pattern: the last segment that it was asked about, of all ever
  uint64_t segments_before = 1;

  ~HyperscanScratch() override {
    hs_free_scratch(all);
    hs_free_scratch(alone);
  }
};

}  // namespace

std::string matcher_name() {
  const std::string version = hs_version();
  return "hyperscan " + version.substr(0, version.find(' '));
}

Matcher::Matcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Matcher::~Matcher() = default;

namespace {

// What goes into the common database.
struct Loose {
  std::vector<std::string> texts;
  std::vector<unsigned> ids;

  // Null where one of them is refused.
  Database compile() const {
    std::vector<const char*> pointers;
    for (const std::string& text : texts) pointers.push_back(text.c_str());
    const std::vector<unsigned> flags(texts.size(), 0);
    hs_database_t* database = nullptr;
    hs_compile_error_t* error = nullptr;
    hs_compile_multi(pointers.data(), flags.data(), ids.data(), static_cast<unsigned>(texts.size()), HS_MODE_BLOCK,
                     nullptr, &database, &error);
    hs_free_compile_error(error);
    return Database(database);
  }
};

}  // namespace

Matcher::Compiled Matcher::compile(std::vector<FieldPattern> patterns) {
  auto impl = std::make_unique<Impl>();
  std::vector<PatternProblem> problems;
  Loose loose;
  for (size_t i = 0; i < patterns.size(); ++i) {
    const std::string& text = patterns[i].text;
    Impl::Entry entry{.field = patterns[i].field, .alone = nullptr};
    const auto loosened = without_anchors(text);
    const bool exact = loosened == text && stays_in_line(text);
    if (!exact) {
      Alone alone = compile_alone(text);
      if (!alone.database) problems.push_back({i, std::move(alone.problem)});
      entry.alone = std::move(alone.database);
    }
    if (loosened && (exact || compiles_without_empty_match(*loosened))) {
      loose.texts.push_back(*loosened);
      loose.ids.push_back(static_cast<unsigned>(i));
    } else {
      impl->unloosened.push_back(static_cast<uint32_t>(i));
    }
    impl->entries.push_back(std::move(entry));
  }
  if (problems.empty() && !loose.texts.empty()) impl->all = loose.compile();
  if (!impl->all) {
    // One of them is wrong, or matches no octet at all: which, only one by one can tell.
    Loose rest;
    for (size_t i = 0; i < loose.ids.size(); ++i) {
      if (compiles_without_empty_match(loose.texts[i])) {
        rest.texts.push_back(std::move(loose.texts[i]));
        rest.ids.push_back(loose.ids[i]);
        continue;
      }
      const unsigned id = loose.ids[i];
      Alone alone = compile_alone(patterns[id].text);
      if (!alone.database) problems.push_back({id, std::move(alone.problem)});
      impl->entries[id].alone = std::move(alone.database);
      impl->unloosened.push_back(id);
    }
    if (problems.empty() && !rest.texts.empty()) impl->all = rest.compile();
    if (!impl->all && problems.empty() && !rest.texts.empty()) {
      problems.push_back({rest.ids.front(), "this and the other patterns together are too much for one database"});
    }
  }
  if (!problems.empty()) {
    std::sort(problems.begin(), problems.end(), [](const auto& a, const auto& b) { return a.pattern < b.pattern; });
    return problems;
  }
  return std::unique_ptr<const Matcher>(new Matcher(std::move(impl)));
}

std::unique_ptr<Matcher::Scratch> Matcher::make_scratch() const {
  auto scratch = std::make_unique<HyperscanScratch>(impl_->entries.size());
  if (impl_->all && hs_alloc_scratch(impl_->all.get(), &scratch->all) != HS_SUCCESS) return nullptr;
  for (const Impl::Entry& entry : impl_->entries) {
    if (entry.alone && hs_alloc_scratch(entry.alone.get(), &scratch->alone) != HS_SUCCESS) return nullptr;
  }
  return scratch;
}

namespace {

struct Scan {
  std::string_view buffer;
  std::span<const Segment> segments;
  HyperscanScratch& scratch;
  Matcher::Sink sink;
  void* context;
  size_t at = 0;  // the segment of the last report: reports come in the order of their ends

  bool matches_alone(const hs_database_t* database, const Segment& segment) const {
    bool found = false;
    hs_scan(database, buffer.data() + segment.begin, segment.end - segment.begin, 0, scratch.alone, note_match, &found);
    return found;
  }

  // The segment in which a match that ends at `end` would lie.
  const Segment* segment_of(uint64_t end) {
    if (segments[at].begin > end) at = 0;
    while (at < segments.size() && segments[at].end < end) ++at;
    if (at == segments.size()) {
      at = 0;
      return nullptr;
    }
    return segments[at].begin <= end ? &segments[at] : nullptr;
  }
};

template <class Entries>
struct Reports {
  const Entries& entries;
  Scan scan;

  static int take(unsigned id, unsigned long long, unsigned long long end, unsigned, void* self) {
    auto& reports = *static_cast<Reports*>(self);
    Scan& scan = reports.scan;
    const Segment* segment = scan.segment_of(end);
    if (segment == nullptr || segment->field != reports.entries[id].field) return 0;
    const auto number = scan.scratch.segments_before + static_cast<uint64_t>(segment - scan.segments.data());
    if (scan.scratch.asked[id] == number) return 0;
    scan.scratch.asked[id] = number;
    const hs_database_t* alone = reports.entries[id].alone.get();
    if (alone == nullptr || scan.matches_alone(alone, *segment)) scan.sink(scan.context, *segment, id);
    return 0;
  }
};

}  // namespace

void Matcher::scan(std::string_view buffer, std::span<const Segment> segments, Scratch& scratch, Sink sink,
                   void* context) const {
  if (segments.empty()) return;
  auto& room = static_cast<HyperscanScratch&>(scratch);
  Reports<std::vector<Impl::Entry>> reports{impl_->entries, {buffer, segments, room, sink, context}};
  if (impl_->all) {
    hs_scan(impl_->all.get(), buffer.data(), static_cast<unsigned>(buffer.size()), 0, room.all,
            &decltype(reports)::take, &reports);
  }
  for (const uint32_t pattern : impl_->unloosened) {
    const Impl::Entry& entry = impl_->entries[pattern];
    for (const Segment& segment : segments) {
      if (segment.field == entry.field && reports.scan.matches_alone(entry.alone.get(), segment)) {
        sink(context, segment, pattern);
      }
    }
  }
  room.segments_before += segments.size();
}

}  // namespace viaduct::policy
