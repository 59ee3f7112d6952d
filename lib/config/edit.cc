#include "config/edit.h"

#include <algorithm>
#include <variant>

#include "config/choices.h"
#include "config/document.h"

namespace viaduct::config {
namespace {

const Member* member_of(const Node& table, std::string_view key) {
  const auto found =
      std::find_if(table.members.begin(), table.members.end(), [&](const Member& member) { return member.key == key; });
  return found == table.members.end() ? nullptr : &*found;
}

// The table under `key`, an array of tables, whose `name` is `name`.
const Node* table_named(const Node& parent, std::string_view key, std::string_view name) {
  const Member* array = member_of(parent, key);
  if (array == nullptr) return nullptr;
  for (const Node& item : array->value.items) {
    const Member* member = member_of(item, "name");
    if (member != nullptr && member->value.text == name) return &item;
  }
  return nullptr;
}

// Columns count characters; here bytes are wanted.
size_t offset_of(std::string_view text, Place place) {
  size_t at = 0;
  for (uint32_t line = 1; line < place.line; ++line) at = text.find('\n', at) + 1;
  for (uint32_t column = 1; column < place.column; ++column) {
    ++at;
    while (at < text.size() && (static_cast<uint8_t>(text[at]) & 0xc0) == 0x80) ++at;
  }
  return at;
}

// Behind the value that starts at `begin`: a string on one line, or a number. npos: it is neither.
size_t end_of_value(std::string_view text, size_t begin) {
  if (begin >= text.size()) return std::string_view::npos;
  const char quote = text[begin];
  if (quote != '"' && quote != '\'') {
    const size_t end = text.find_first_of(" \t\r\n,}#", begin);
    return end == std::string_view::npos ? text.size() : end;
  }
  if (text.substr(begin, 3) == std::string(3, quote)) return std::string_view::npos;
  for (size_t at = begin + 1; at < text.size() && text[at] != '\n'; ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

class Editor {
 public:
  Editor(std::string_view text, const std::string& file, const BackendEdit& edit)
      : text_(text), file_(file), edit_(edit) {}

  // Sets `key` of the backend, and reads the file anew for the next one: places have moved.
  core::Status set(const std::string& key, const std::string& value) {
    const auto document = parse_document(text_, file_);
    if (const auto* problem = std::get_if<Diagnostic>(&document)) return core::Error{to_string(*problem)};
    const Node* pool = table_named(std::get<Node>(document), "pool", edit_.pool);
    const Node* backend = pool == nullptr ? nullptr : table_named(*pool, "backend", edit_.backend);
    if (backend == nullptr) {
      return core::Error{file_ + ": there is no [[pool.backend]] \"" + edit_.backend + "\" in [[pool]] \"" +
                         edit_.pool + "\" to write to"};
    }
    const Member* member = member_of(*backend, key);
    return member != nullptr ? replace(*member, value) : insert(*member_of(*backend, "name"), *backend, key, value);
  }
  std::string take() { return std::move(text_); }

 private:
  core::Status replace(const Member& member, const std::string& value) {
    const size_t begin = offset_of(text_, member.value.place);
    const size_t end = end_of_value(text_, begin);
    if (end == std::string_view::npos) return unusual(member);
    text_.replace(begin, end - begin, value);
    return core::Done{};
  }

  // On a line of its own below the name, its `=` below the name's; in a table in braces behind the name.
  core::Status insert(const Member& name, const Node& backend, const std::string& key, const std::string& value) {
    const size_t key_begin = offset_of(text_, name.place);
    const size_t end = end_of_value(text_, offset_of(text_, name.value.place));
    if (end == std::string_view::npos) return unusual(name);
    if (const size_t table = offset_of(text_, backend.place); table < text_.size() && text_[table] == '{') {
      text_.insert(end, ", " + key + " = " + value);
      return core::Done{};
    }
    const size_t line_begin = text_.rfind('\n', key_begin) + 1;  // npos + 1 is 0
    const size_t equals = text_.find('=', key_begin);
    std::string line = text_.substr(line_begin, key_begin - line_begin) + key;
    const size_t width = equals - line_begin;
    line.append(width > line.size() + 1 ? width - line.size() : 1, ' ');
    line += "= " + value;
    size_t line_end = text_.find('\n', end);
    if (line_end == std::string::npos) {
      text_ += '\n';
      line_end = text_.size() - 1;
    }
    const bool windows = line_end > 0 && text_[line_end - 1] == '\r';
    text_.insert(line_end + 1, line + (windows ? "\r\n" : "\n"));
    return core::Done{};
  }

  core::Status unusual(const Member& member) const {
    return core::Error{
        to_string({file_, member.place.line, member.place.column,
                   "\"" + member.key + "\" of backend \"" + edit_.backend +
                       "\" is written in a way that cannot be edited; a value on one line is expected"})};
  }

  std::string text_;
  const std::string& file_;
  const BackendEdit& edit_;
};

}  // namespace

core::Result<std::string> edit_backend(std::string_view text, const std::string& file, const BackendEdit& edit) {
  Editor editor(text, file, edit);
  // The last one written stands first, so weight before state is state below weight's former place: name, weight,
  // state.
  if (edit.state) {
    const core::Status done = editor.set("state", '"' + std::string(text_of(*edit.state)) + '"');
    if (!done) return core::Error{done.error()};
  }
  if (edit.weight) {
    if (const core::Status done = editor.set("weight", std::to_string(*edit.weight)); !done) {
      return core::Error{done.error()};
    }
  }
  return editor.take();
}

}  // namespace viaduct::config
