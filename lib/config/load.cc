#include "config/draft.h"
#include "config/include.h"
#include "config/section.h"

namespace viaduct::config {
namespace {

constexpr Place start_of_file{1, 1};

using TableReader = void (*)(const Node&, Draft&, Problems&);

void read_table(Section& root, std::string_view key, TableReader read, Draft& draft, Problems& problems) {
  const Member* member = root.find(key);
  if (member == nullptr) return;
  if (member->value.kind == NodeKind::table) {
    read(member->value, draft, problems);
  } else if (member->value.kind == NodeKind::array && !member->value.items.empty() &&
             member->value.items.front().kind == NodeKind::table) {
    problems.error(member->value.place,
                   "[[" + member->key + "]] is an array of tables; one table, [" + member->key + "], is expected");
  } else {
    root.wrong(key, member->value, "a table [" + std::string(key) + "]");
  }
}

// True if there is something under the key, right or wrong.
bool read_tables(Section& root, std::string_view key, TableReader read, Draft& draft, Problems& problems) {
  const Member* member = root.find(key);
  if (member == nullptr) return false;
  if (member->value.kind == NodeKind::table) {
    problems.error(member->value.place,
                   '[' + member->key + "] is one table; an array of tables, [[" + member->key + "]], is expected");
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

// `whole`: nothing that the files include is missing.
void read_root(const Node& table, bool whole, Draft& draft, Problems& problems) {
  Section root(table, "the file", problems);
  root.find("include");  // has been followed
  read_table(root, "runtime", read_runtime, draft, problems);
  read_table(root, "control", read_control, draft, problems);
  read_table(root, "resolver", read_resolver, draft, problems);
  read_table(root, "sip", read_sip, draft, problems);
  read_table(root, "overload", read_overload, draft, problems);
  read_table(root, "hep", read_hep, draft, problems);
  if (!read_tables(root, "port", read_port, draft, problems) && whole) {
    problems.error(start_of_file, "no [[port]]; at least one is expected, with its device, such as \"af_packet:eth0\"");
  }
  if (!read_tables(root, "listener", read_listener, draft, problems) && whole) {
    problems.error(start_of_file,
                   "no [[listener]]; at least one is expected, with its address, such as "
                   "\"192.0.2.10:5060\"");
  }
  read_tables(root, "pool", read_pool, draft, problems);
  read_tables(root, "list", read_list, draft, problems);
  read_table(root, "access", read_access, draft, problems);
  read_tables(root, "rule", read_rule, draft, problems);
  read_tables(root, "limit", read_limit, draft, problems);
  read_tables(root, "peer", read_peer, draft, problems);
  root.report_unknown();
}

Loaded load_from(const std::string& path, const ReadFile& read) {
  Loaded loaded;
  Problems problems(path);
  const Node document = read_documents(path, read, problems);
  const bool whole = !problems.has_errors();
  Draft draft;
  draft.read = read;
  read_root(document, whole, draft, problems);
  if (whole) check_references(draft, problems);  // else what is named may be in a file that could not be read
  if (whole && !draft.config.runtime.secret_file) {
    problems.warn({},
                  "no secret_file in [runtime]: the secret is random, so that a restart moves calls to other "
                  "backends and no other node chooses alike; 32 bytes in hex in a file are expected");
  }
  draft.config.file = path;
  draft.config.files = problems.files();
  loaded.errors = problems.take_errors();
  loaded.warnings = problems.take_warnings();
  if (loaded.errors.empty()) {
    loaded.config = std::move(draft.config);
  } else {
    loaded.partial = std::move(draft.config);
  }
  return loaded;
}

}  // namespace

Loaded load(const std::string& path) { return load_from(path, read_text_file); }

Loaded load_text(std::string_view text, const std::string& file) {
  return load_edited(file, {{file, std::string(text)}});
}

Loaded load_edited(const std::string& path, const std::map<std::string, std::string>& texts) {
  return load_from(path, [&](const std::string& file) -> core::Result<std::string> {
    const auto edited = texts.find(file);
    return edited == texts.end() ? read_text_file(file) : core::Result<std::string>(edited->second);
  });
}

}  // namespace viaduct::config
