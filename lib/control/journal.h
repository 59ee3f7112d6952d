// journald's own protocol: a datagram of fields for each line (systemd.io/JOURNAL_NATIVE_PROTOCOL). Safe from any
// thread, and nobody waits for the journal.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace viaduct::control {

// stderr leads to the journal: JOURNAL_STREAM names the file behind it, device and inode, and it is still that one.
bool stderr_is_journal();

using JournalField = std::pair<std::string_view, std::string_view>;  // "MESSAGE", any octets
std::string journal_datagram(std::span<const JournalField> fields);

class Journal {
 public:
  static constexpr std::string_view standard_path = "/run/systemd/journal/socket";
  static constexpr size_t datagram_bytes_max = 64 << 10;

  explicit Journal(const std::string& path);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  bool is_open() const { return socket_ >= 0; }
  bool send(std::span<const JournalField> fields) const;  // false: the journal has not taken it

 private:
  int socket_ = -1;
};

}  // namespace viaduct::control
