#include "capture/ladder.h"

#include <algorithm>
#include <cstdio>
#include <memory>

#include "sip/message.h"

namespace viaduct::capture {
namespace {

std::string printable_part(std::string_view text, size_t most) {
  std::string part;
  for (const char c : text.substr(0, most)) part += c >= ' ' && c <= '~' ? c : '.';
  return part;
}

// Centred in `width`, cut if it must be.
std::string centred(std::string_view text, size_t width, char fill) {
  text = text.substr(0, width);
  const size_t left = (width - text.size()) / 2;
  return std::string(left, fill) + std::string(text) + std::string(width - text.size() - left, fill);
}

void put(std::string& line, size_t at, std::string_view text) {
  if (line.size() < at + text.size()) line.resize(at + text.size(), ' ');
  line.replace(at, text.size(), text);
}

}  // namespace

size_t Ladder::column_of(const std::string& name) {
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  if (found != columns_.end()) return static_cast<size_t>(found - columns_.begin());
  columns_.push_back(name);
  return columns_.size() - 1;
}

std::string Ladder::names() const {
  std::string line = "     time";
  for (size_t i = 0; i < columns_.size(); ++i) {
    const std::string name = columns_[i].substr(0, name_width);
    const size_t middle = first_column + i * column_width;
    put(line, middle - name.size() / 2, name);
  }
  return line + "\n";
}

std::string Ladder::add(const Step& step) {
  if (columns_.empty()) begin_ns_ = step.time_ns;
  const std::string ours = "viaduct";
  const size_t from = column_of(step.ours == Step::Ours::source ? ours : net::to_string(step.source));
  const size_t to = column_of(step.ours == Step::Ours::destination ? ours : net::to_string(step.destination));
  std::string lines;
  if (shown_ != columns_.size()) lines = (shown_ == 0 ? "" : "\n") + names();
  shown_ = columns_.size();

  const uint64_t elapsed = step.time_ns - std::min(begin_ns_, step.time_ns);
  char time[24];
  std::snprintf(time, sizeof time, "%9.3f", static_cast<double>(elapsed) / 1e9);
  std::string line = time;
  for (size_t i = 0; i < columns_.size(); ++i) put(line, first_column + i * column_width, "|");
  const size_t left = std::min(from, to), right = std::max(from, to);
  if (left == right) {
    put(line, first_column + left * column_width + 2, step.label);
  } else {
    const size_t begin = first_column + left * column_width + 1;
    const size_t width = (right - left) * column_width - 1;
    std::string arrow = centred(' ' + step.label.substr(0, width - 6) + ' ', width, '-');
    if (from < to) arrow.back() = '>';
    if (from > to) arrow.front() = '<';
    put(line, begin, arrow);
  }
  if (!step.note.empty()) put(line, first_column + (columns_.size() - 1) * column_width + 3, step.note);
  return lines + line + "\n";
}

std::string label_of(std::string_view datagram) {
  const auto message = std::make_unique<sip::Message>();
  if (sip::parse(datagram, *message) != sip::Datagram::sip) return "(no SIP)";
  constexpr size_t label_bytes_max = 40;
  if (message->is_request()) return printable_part(message->text(message->method_text), label_bytes_max);
  const std::string_view line = message->text(message->start_line);
  const size_t space = line.find(' ');
  std::string label = printable_part(space == std::string_view::npos ? line : line.substr(space + 1), label_bytes_max);
  return label + " (" + printable_part(message->text(message->cseq_method), label_bytes_max) + ")";
}

}  // namespace viaduct::capture
