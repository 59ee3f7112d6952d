// Who asks at the control socket (control/server.h): a line there, and the answer back.
//
// Thread: any; blocks.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace viaduct::control {

// Sends one command and returns the answer; half an answer is an error. Blocks for at most `timeout_ms` at a time.
inline constexpr int ask_time_ms = 5000;
core::Result<std::string> ask(const std::string& path, std::string_view command, int timeout_ms = ask_time_ms);

// The same for a feed: what comes is told in pieces until the server is gone or `hear` returns false. It is called
// with nothing once in 200 ms in which nothing comes, and when a signal interrupts the wait. A feed that is refused is
// an error, the server's sentence: only the first octets can say so, whatever later pieces begin with.
core::Status follow(const std::string& path, std::string_view command,
                    const std::function<bool(std::string_view piece)>& hear);

}  // namespace viaduct::control
