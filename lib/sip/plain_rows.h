// The rows of a plain message, fast (plain_loop.h says which is; nearly all are).
//
// First all rows are listed: whose they are, and where their values. This gives up at the first thing that would need a
// second look, and then nothing has been said of the message yet. Then, header by header instead of row by row, so that
// no jump depends on the order in which a sender writes them, the values are read in their usual form (usual.h). What
// is not in its usual form goes to the reader of all forms (header_reader.h), in the order of the rows, since the first
// fault is the one reported; a value read here has none.
#pragma once

#include "sip/message.h"
#include "sip/scan.h"

namespace viaduct::sip {

struct PlainRows {
  uint32_t headers = 0;     // a bit for each header that has a row
  uint16_t more_vias = 0;   // rows of Via below the first
  uint16_t second_via = 0;  // index of the first of those
};

// Fills the rows of `message`. False if some row is not plain: then they mean nothing.
bool list_plain_rows(Message& message, const Scan& scan, PlainRows& rows);

// Reads them. The start line has been read.
void read_plain_rows(Message& message, const PlainRows& rows);

}  // namespace viaduct::sip
