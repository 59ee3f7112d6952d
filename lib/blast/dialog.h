// Requests that follow from a response: everything they need is in it (RFC 3261 sections 12.2.1.1, 13.2.2.4, 17.1.1.3,
// 9.1), and in the first request, which can be rendered again at any time.
#pragma once

#include <cstdint>
#include <string_view>

#include "blast/head.h"
#include "blast/text_writer.h"

namespace viaduct::blast {

// A Via value of ours.
struct OwnVia {
  std::string_view sent_by;
  std::string_view run;
  uint64_t number = 0;
  uint64_t time_ns = 0;
};

// ACK for a 2xx, or a BYE: the remote target is the response's Contact, the route set its Record-Route reversed. A BYE
// counts CSeq on by one.
void write_ack_of_2xx(const Head& response, const OwnVia& via, TextWriter& out);
void write_bye(const Head& response, const OwnVia& via, TextWriter& out);

// ACK for another final response, and CANCEL: the request's own Via, Request-URI and Route.
void write_ack_of_failure(const Head& request, const Head& response, TextWriter& out);
void write_cancel(const Head& request, TextWriter& out);

}  // namespace viaduct::blast
