// The Call-ID of a message that nobody has read yet.
//
// A packet that is another worker's is parsed there, and to parse it here as well only to learn whose it is would cost
// each of them a third of the work on it. So whoever receives it looks for the one row by its name. What is found is
// what a parser would find; where the row is not in the form that nearly all of them have (folded, empty, without
// anything behind the colon), nothing is found, and then the message is parsed first after all.
#pragma once

#include <string_view>

namespace viaduct::dataplane {

// The value of the first Call-ID row, without white space around it; empty if none is found. Thread: any.
std::string_view find_call_id(std::string_view datagram);

}  // namespace viaduct::dataplane
