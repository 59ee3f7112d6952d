#include "config/include.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "config/section.h"

namespace viaduct::config {
namespace {

constexpr size_t files_max = 256;

// The same for every way to write the path of one file.
std::string identity_of(const std::string& path) {
  std::error_code failed;
  const std::filesystem::path canonical = std::filesystem::weakly_canonical(path, failed);
  return failed ? path : canonical.string();
}

bool is_tables(const Node& node) {
  return node.kind == NodeKind::array && std::all_of(node.items.begin(), node.items.end(),
                                                     [](const Node& item) { return item.kind == NodeKind::table; });
}

class Reader {
 public:
  Reader(const ReadFile& read, Problems& problems) : read_(read), problems_(problems) {}

  // `file` is the number that `problems` knows `path` by; `named` is where it is included.
  void read(const std::string& path, uint16_t file, Place named) {
    known_.push_back(identity_of(path));
    const core::Result<std::string> text = read_(path);
    if (!text) {
      const bool root = file == 0;
      problems_.error(root ? Place{} : named, root ? text.error() : config::quoted(path) + ' ' + text.error());
      return;
    }
    std::variant<Node, Diagnostic> document = parse_document(*text, path, file);
    if (auto* error = std::get_if<Diagnostic>(&document)) {
      problems_.error({error->line, error->column, file}, std::move(error->sentence));
      return;
    }
    Node& table = std::get<Node>(document);
    under_way_.push_back(known_.back());
    follow(table, path);
    under_way_.pop_back();
    merge(std::move(table));
  }

  Node take() { return std::move(merged_); }

 private:
  void follow(const Node& table, const std::string& path) {
    Section root(table, "the file", problems_);
    std::vector<PlacedText> named;
    root.read_string_or_strings("include", named);
    for (const PlacedText& file : named) {
      const std::string full = path_beside(path, file.text);
      const std::string identity = identity_of(full);
      if (std::find(under_way_.begin(), under_way_.end(), identity) != under_way_.end()) {
        problems_.error(file.place, "include of " + config::quoted(file.text) +
                                        ", which leads back to this file; a file that is not being read is expected");
      } else if (std::find(known_.begin(), known_.end(), identity) != known_.end()) {
        problems_.error(file.place,
                        config::quoted(file.text) + " is included already; one include of a file is expected");
      } else if (known_.size() >= files_max) {
        problems_.error(file.place, "more than " + std::to_string(files_max) + " files are included");
        return;
      } else {
        read(full, problems_.add_file(full), file.place);
      }
    }
  }

  void merge(Node table) {
    if (merged_.place.line == 0) merged_.place = table.place;
    for (Member& member : table.members) {
      const auto found = std::find_if(merged_.members.begin(), merged_.members.end(),
                                      [&](const Member& other) { return other.key == member.key; });
      if (found == merged_.members.end()) {
        merged_.members.push_back(std::move(member));
      } else if (member.key == "include") {
        continue;  // each has been followed
      } else if (is_tables(found->value) && is_tables(member.value)) {
        std::move(member.value.items.begin(), member.value.items.end(), std::back_inserter(found->value.items));
      } else {
        problems_.error(member.place, config::quoted(member.key) + " stands in another file already (" +
                                          problems_.where(found->place, member.place) +
                                          "); only arrays of tables, such as [[pool]], may be spread over files");
      }
    }
  }

  const ReadFile& read_;
  Problems& problems_;
  Node merged_;
  std::vector<std::string> known_;  // identities
  std::vector<std::string> under_way_;
};

}  // namespace

core::Result<std::string> read_text_file(const std::string& path) {
  constexpr size_t file_bytes_max = size_t{16} << 20;
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  std::string text(4096, '\0');
  size_t size = 0;
  while (stream.read(text.data() + size, static_cast<std::streamsize>(text.size() - size)) || stream.gcount() > 0) {
    size += static_cast<size_t>(stream.gcount());
    if (size > file_bytes_max) return core::Error{"is larger than 16 MiB; a configuration file is expected"};
    if (size == text.size()) text.resize(2 * text.size());
  }
  if (!stream.eof()) {
    return core::Error{"cannot be read (" + std::string(std::strerror(errno == 0 ? EIO : errno)) +
                       "); a configuration file is expected"};
  }
  text.resize(size);
  return text;
}

std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view mark = "\xef\xbb\xbf";
  return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

std::string path_beside(const std::string& file, const std::string& named) {
  return (std::filesystem::path(file).parent_path() / named).lexically_normal().string();
}

Node read_documents(const std::string& path, const ReadFile& read, Problems& problems) {
  Reader reader(read, problems);
  reader.read(path, 0, {});
  return reader.take();
}

}  // namespace viaduct::config
