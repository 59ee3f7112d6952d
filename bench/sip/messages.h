// What the benches read: a first INVITE as a desk phone behind one proxy sends it, audio and video offered.
#pragma once

#include <string_view>

namespace viaduct::sip {

inline constexpr std::string_view invite_1266 =
    "INVITE sip:+15551234567@proxy.example.com;user=phone SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 198.51.100.17:5060;branch=z9hG4bK-524287-1---7c1f5a0b9e3d4c2a;rport\r\n"
    "Max-Forwards: 70\r\n"
    "Contact: <sip:alice@198.51.100.17:5060;transport=UDP>\r\n"
    "To: \"Bob Example\" <sip:+15551234567@proxy.example.com;user=phone>\r\n"
    "From: \"Alice Example\" <sip:alice@proxy.example.com>;tag=a48s7d3f\r\n"
    "Call-ID: 3c26700c1adf-4k2m9x8ztqrw@198.51.100.17\r\n"
    "CSeq: 2 INVITE\r\n"
    "Session-Expires: 1800;refresher=uac\r\n"
    "Min-SE: 90\r\n"
    "Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, MESSAGE, OPTIONS, INFO, SUBSCRIBE, UPDATE, PRACK\r\n"
    "Content-Type: application/sdp\r\n"
    "Proxy-Authorization: Digest username=\"alice\",realm=\"proxy.example.com\",nonce=\"5f3c2a91b7d04e68\","
    "uri=\"sip:+15551234567@proxy.example.com\",response=\"0d2c9b6a7e41f35889ab4c7712de90f3\",algorithm=MD5\r\n"
    "Supported: replaces, timer, 100rel, path\r\n"
    "P-Preferred-Identity: <sip:alice@proxy.example.com>\r\n"
    "User-Agent: Examplephone/4.7.2 release 51947 0015656ab4\r\n"
    "Allow-Events: presence, kpml, talk\r\n"
    "Content-Length: 261\r\n"
    "\r\n"
    "v=0\r\n"
    "o=- 1762400123 2 IN IP4 198.51.100.17\r\n"
    "s=-\r\n"
    "c=IN IP4 198.51.100.17\r\n"
    "t=0 0\r\n"
    "m=audio 40376 RTP/AVP 9 8 0 101\r\n"
    "a=rtpmap:9 G722/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\n"
    "a=fmtp:101 0-16\r\n"
    "a=sendrecv\r\n"
    "m=video 40378 RTP/AVP 96\r\n"
    "a=rtpmap:96 H264/90000\r\n"
    "a=sendrecv\r\n";

static_assert(invite_1266.size() == 1266);

}  // namespace viaduct::sip
