#include "proxy/selection.h"

#include <algorithm>

#include "proxy/own.h"
#include "sip/charset.h"
#include "sip/escape.h"

namespace viaduct::proxy {
namespace {

// A URI as an address of record (RFC 3261 section 10.3 step 5): without parameters, unescaped, the host in lower case
// and without the dot of the root, an address by its octets, however it is written (RFC 5954 section 4). Beyond its
// buffer it is cut off, for every message alike.
class AddressOfRecord {
 public:
  AddressOfRecord(std::string_view bytes, const sip::Uri& uri) {
    if (uri.scheme != sip::Scheme::sip && uri.scheme != sip::Scheme::sips) {
      for (const char c : bytes.substr(uri.text.begin, uri.text.size())) put(c);
      return;
    }
    sip::unescape(bytes.substr(uri.user.begin, uri.user.size()), [this](char c) { put(c); });
    put('@');
    put_host(bytes, uri.host);
    if (uri.host.port == 0 || uri.host.port == sip::default_port) return;
    put(':');
    put(static_cast<char>(uri.host.port >> 8));
    put(static_cast<char>(uri.host.port));
  }
  std::string_view text() const { return {text_, size_}; }

 private:
  void put_host(std::string_view bytes, const sip::Host& host) {
    if (const auto address = literal_address(bytes, host)) {
      put('[');  // no name has it
      for (const uint8_t octet : address->bytes) put(static_cast<char>(octet));
      return;
    }
    std::string_view name = bytes.substr(host.text.begin, host.text.size());
    if (name.ends_with('.')) name.remove_suffix(1);
    for (const char c : name) put(sip::to_lower(c));
  }
  void put(char c) {
    if (size_ < sizeof text_) text_[size_++] = c;
  }

  char text_[512];
  size_t size_ = 0;
};

uint64_t hash_uri(std::string_view bytes, const sip::Uri& uri, const Keys& keys) {
  return steer::siphash64(keys.selection, AddressOfRecord(bytes, uri).text());
}

// From or To. A URI that cannot be read is hashed as it stands.
uint64_t hash_header_uri(const sip::Message& message, sip::Header header, const Keys& keys) {
  const sip::Row* row = message.row_of(header);
  sip::Slice text, params;
  sip::Uri uri;
  if (row == nullptr || !sip::parse_name_addr(message.bytes, row->value, text, params)) {
    return steer::siphash64(keys.selection, row == nullptr ? std::string_view() : message.text(row->value));
  }
  if (!sip::parse_uri(message.bytes, text, uri)) return steer::siphash64(keys.selection, message.text(text));
  return hash_uri(message.bytes, uri, keys);
}

}  // namespace

uint16_t routed_pool(const Listener& listener, const sip::Message& message, const sip::Uri& request_uri,
                     bool as_invite) {
  const bool of_invite = as_invite || message.method == sip::Method::ack || message.method == sip::Method::cancel;
  const sip::Method method = of_invite ? sip::Method::invite : message.method;
  const LowerName host(message.bytes, request_uri.host);
  for (const PoolRoute& route : listener.routes) {
    if (route.methods != 0 && (route.methods >> static_cast<unsigned>(method) & 1) == 0) continue;
    const bool served = route.domains.empty() ||
                        std::find(route.domains.begin(), route.domains.end(), host.text()) != route.domains.end();
    if (served) return route.pool;
  }
  return listener.pool;
}

uint64_t selection_hash(const sip::Message& message, const Arrival& arrival, PoolKey key, const Keys& keys) {
  switch (key) {
    case PoolKey::branch:
      if (message.via[0].branch.empty()) break;  // a client of RFC 2543: by Call-ID, which is nearly as good
      return steer::siphash64(keys.selection, message.text(message.via[0].branch));
    case PoolKey::from: return hash_header_uri(message, sip::Header::from, keys);
    case PoolKey::to: return hash_header_uri(message, sip::Header::to, keys);
    case PoolKey::request_uri: return hash_uri(message.bytes, message.request_uri, keys);
    case PoolKey::source: {
      const auto& bytes = arrival.source.address.bytes;
      return steer::siphash64(keys.selection, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
    case PoolKey::aor:
      if (message.method == sip::Method::register_) return hash_header_uri(message, sip::Header::to, keys);
      return hash_uri(message.bytes, message.request_uri, keys);
    case PoolKey::call_id: break;
  }
  return steer::siphash64(keys.selection, message.text(message.call_id));
}

uint64_t affinity_hash(std::string_view call_id, const View& view) {
  return steer::siphash64(view.keys.affinity, call_id);
}

}  // namespace viaduct::proxy
