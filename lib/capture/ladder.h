// A call as people draw it: a column for each who takes part, an arrow for each message.
//
//     time  192.0.2.7:5060           viaduct                 10.0.1.1:5060
//    0.000       |------ INVITE ------->|                         |
//    0.000       |                      |------- INVITE --------->|       backend proxies/p1
//
// Our own sockets are one column. It grows as the call does: whoever is new gets a column at the right, and the names
// are written anew. Plain ASCII; what a message says is printed only as far as it is printable. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "capture/record.h"
#include "net/address.h"

namespace viaduct::capture {

class Ladder {
 public:
  struct Step {
    uint64_t time_ns = 0;
    // Which of the two ends is us; nothing: neither is known to be.
    enum class Ours : uint8_t { neither, source, destination } ours = Ours::neither;
    net::Endpoint source, destination;
    std::string label;  // "INVITE", "180 Ringing"
    std::string note;   // what became of it
  };

  // The lines for one more message, each with its end.
  std::string add(const Step& step);

 private:
  static constexpr size_t first_column = 22, column_width = 27, name_width = 25;

  size_t column_of(const std::string& name);
  std::string names() const;

  std::vector<std::string> columns_;
  size_t shown_ = 0;  // columns whose names have been written
  uint64_t begin_ns_ = 0;
};

// The label of a message: its method, or status and reason phrase; then CSeq where that is not the same.
std::string label_of(std::string_view datagram);

}  // namespace viaduct::capture
