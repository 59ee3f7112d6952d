#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "config/draft.h"
#include "config/section.h"

namespace viaduct::config {
namespace {

constexpr Place start_of_file{1, 1};

using Reader = void (*)(const Node&, Draft&, Problems&);

void read_table(Section& root, std::string_view key, Reader read, Draft& draft, Problems& problems) {
  const Member* member = root.find(key);
  if (member == nullptr) return;
  if (member->value.kind == NodeKind::table) {
    read(member->value, draft, problems);
  } else if (member->value.kind == NodeKind::array && !member->value.items.empty() &&
             member->value.items.front().kind == NodeKind::table) {
    problems.error(member->value.place, "[[" + member->key + "]] is an array of tables; one table, [" + member->key +
                                            "], is expected");
  } else {
    root.wrong(key, member->value, "a table [" + std::string(key) + "]");
  }
}

// True if there is something under the key, right or wrong.
bool read_tables(Section& root, std::string_view key, Reader read, Draft& draft, Problems& problems) {
  const Member* member = root.find(key);
  if (member == nullptr) return false;
  if (member->value.kind == NodeKind::table) {
    problems.error(member->value.place, '[' + member->key + "] is one table; an array of tables, [[" + member->key +
                                            "]], is expected");
    return true;
  }
  if (member->value.kind != NodeKind::array) {
    root.wrong(key, member->value, "an array of tables, [[" + std::string(key) + "]],");
    return true;
  }
  for (const Node& node : member->value.items) {
    if (node.kind == NodeKind::table) {
      read(node, draft, problems);
    } else {
      root.wrong("an element of " + std::string(key), node, "a table");
    }
  }
  return !member->value.items.empty();
}

void read_root(const Node& table, Draft& draft, Problems& problems) {
  Section root(table, "the file", problems);
  read_table(root, "runtime", read_runtime, draft, problems);
  read_table(root, "control", read_control, draft, problems);
  read_table(root, "sip", read_sip, draft, problems);
  if (!read_tables(root, "port", read_port, draft, problems)) {
    problems.error(start_of_file, "no [[port]]; at least one is expected, with its device, such as \"af_packet:eth0\"");
  }
  if (!read_tables(root, "listener", read_listener, draft, problems)) {
    problems.error(start_of_file, "no [[listener]]; at least one is expected, with its address, such as "
                                  "\"192.0.2.10:5060\"");
  }
  read_tables(root, "pool", read_pool, draft, problems);
  root.report_unknown();
}

}  // namespace

Loaded load_text(std::string_view text, const std::string& file) {
  Loaded loaded;
  Problems problems(file);
  const std::variant<Node, Diagnostic> document = parse_document(text, file);
  if (const auto* syntax_error = std::get_if<Diagnostic>(&document)) {
    loaded.errors.push_back(*syntax_error);
    return loaded;
  }
  Draft draft;
  draft.config.file = file;
  read_root(std::get<Node>(document), draft, problems);
  check_references(draft, problems);
  if (!draft.config.runtime.secret_file) {
    problems.warn({}, "no secret_file in [runtime]: the secret is random, so that a restart moves calls to other "
                      "backends and no other node chooses alike; 32 bytes in hex in a file are expected");
  }
  loaded.errors = problems.take_errors();
  loaded.warnings = problems.take_warnings();
  if (loaded.errors.empty()) loaded.config = std::move(draft.config);
  return loaded;
}

Loaded load(const std::string& path) {
  constexpr size_t file_bytes_max = size_t{16} << 20;
  const auto refuse = [&](const std::string& sentence) {
    Loaded loaded;
    loaded.errors.push_back({path, 0, 0, sentence});
    return loaded;
  };
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  std::string text(4096, '\0');
  size_t size = 0;
  while (stream.read(text.data() + size, static_cast<std::streamsize>(text.size() - size)) || stream.gcount() > 0) {
    size += static_cast<size_t>(stream.gcount());
    if (size > file_bytes_max) return refuse("larger than 16 MiB; a configuration file is expected");
    if (size == text.size()) text.resize(2 * text.size());
  }
  if (!stream.eof()) {
    return refuse("cannot be read (" + std::string(std::strerror(errno == 0 ? EIO : errno)) +
                  "); a configuration file is expected");
  }
  text.resize(size);
  return load_text(text, path);
}

}  // namespace viaduct::config
