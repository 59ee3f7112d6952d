"""Messages for scripts/differential: one INVITE and what can be done to it, and responses to what was forwarded.

A case is (name, message, source) for a request, or (name, request, answer) for a response, where `answer` turns the
request as it reached the backend into what the backend sends.
"""
CLIENT = ("198.51.100.7", 5060)
BACKEND = ("192.0.2.101", 5060)
VICTIM = "203.0.113.200"

SDP = b"v=0\r\no=alice 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\nm=audio 49172 RTP/AVP 0\r\n"
START = b"INVITE sip:bob@example.com SIP/2.0"
ROWS = [
    b"Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK776asdhds",
    b"Max-Forwards: 70",
    b"To: Bob <sip:bob@example.com>",
    b"From: Alice <sip:alice@example.com>;tag=1928301774",
    b"Call-ID: a84b4c76e66710@198.51.100.7",
    b"CSeq: 314159 INVITE",
    b"Contact: <sip:alice@198.51.100.7:5060>",
    b"Content-Type: application/sdp",
    b"Content-Length: %d" % len(SDP),
]


def name_of(row):
    return row.split(b":", 1)[0].strip().lower()


def message(*changes, start=START, body=SDP, method=None):
    """The INVITE with changes: "Name: value" replaces the row of that name or is added at the end, "+Name: value" goes
    above all rows, "-Name" removes it, "=old=>new" replaces bytes of the finished message."""
    if method:
        start = start.replace(b"INVITE", method.encode())
        changes = (f"CSeq: 314159 {method}", "-Content-Type", "Content-Length: 0") + changes
        body = b"" if body is SDP else body
    rows, replacements = list(ROWS), []
    for change in changes:
        change = change.encode("latin-1") if isinstance(change, str) else change
        if change.startswith(b"="):
            replacements.append(change[1:].split(b"=>", 1))
        elif change.startswith(b"-"):
            rows = [row for row in rows if name_of(row) != change[1:].lower()]
        elif change.startswith(b"+"):
            rows.insert(0, change[1:])
        else:
            places = [i for i, row in enumerate(rows) if name_of(row) == name_of(change)]
            if places:
                rows[places[0]] = change
            else:
                rows.append(change)
    text = b"\r\n".join([start] + rows + [b"", b""]) + body
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def request(name, *changes, source=CLIENT, **more):
    return (name, message(*changes, **more), source)


REQUESTS = [
    request("m0"),
    request("cancel", method="CANCEL"),
    request("ack_failure", "To: Bob <sip:bob@example.com>;tag=b2", method="ACK"),
    request("options_user", method="OPTIONS"),
    request("options_to_us", method="OPTIONS", start=b"INVITE sip:192.0.2.10 SIP/2.0"),
    request("register", method="REGISTER", start=b"INVITE sip:example.com SIP/2.0"),
    request("unknown_method", method="NEWMETHOD"),
    request("lower_case_method", method="invite"),
    request("compact_names", "=Via:=>v:", "=From:=>f:", "=To:=>t:", "=Call-ID:=>i:", "=Content-Length:=>l:",
            "=Contact:=>m:"),
    request("folded_via", "=UDP 198=>UDP\r\n 198", "=;rport=>;\r\n\trport"),
    request("via_spaces", "Via: SIP / 2.0 / UDP 198.51.100.7 : 5060 ; branch = z9hG4bK776asdhds"),
    request("via_list",
            "Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bKa, SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKb"),
    request("via_quoted",
            'Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKx;oc;oc-algo="loss,A", SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKy'),
    request("via_name", "Via: SIP/2.0/UDP pc33.atlanta.example;branch=z9hG4bKa"),
    request("via_other_address", "Via: SIP/2.0/UDP 192.168.1.7:5060;branch=z9hG4bKa"),
    request("via_rport_value", "Via: SIP/2.0/UDP 198.51.100.7:5060;rport=53;branch=z9hG4bKa"),
    request("via_received_forged", f"Via: SIP/2.0/UDP 198.51.100.7:5060;received={VICTIM};branch=z9hG4bKa"),
    request("via_received_rport_forged",
            f"Via: SIP/2.0/UDP 198.51.100.7:5060;received={VICTIM};rport=53;branch=z9hG4bKa"),
    request("via_maddr", f"Via: SIP/2.0/UDP 198.51.100.7:5060;maddr={VICTIM};branch=z9hG4bKa"),
    request("via_tcp", "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bKa"),
    request("via_no_branch", "Via: SIP/2.0/UDP 198.51.100.7:5060"),
    request("via_bare_cookie", "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK"),
    request("via_branch_twice", "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKa;branch=z9hG4bKb"),
    request("via_port_65536", "Via: SIP/2.0/UDP 198.51.100.7:65536;branch=z9hG4bKa"),
    request("via_port_0", "Via: SIP/2.0/UDP 198.51.100.7:0;branch=z9hG4bKa"),
    request("via_missing", "-Via"),
    request("call_id_missing", "-Call-ID"),
    request("cseq_missing", "-CSeq"),
    request("cseq_twice", "+CSeq: 1 INVITE"),
    request("cseq_other_method", "CSeq: 8 OPTIONS"),
    request("cseq_leading_zeros", "CSeq: 0009 INVITE"),
    request("cseq_overflow", "CSeq: 4294967296 INVITE"),
    request("from_without_tag", "From: <sip:alice@example.com>"),
    request("max_forwards_0", "Max-Forwards: 0"),
    request("max_forwards_1", "Max-Forwards: 1"),
    request("max_forwards_missing", "-Max-Forwards"),
    request("max_forwards_zeros", "Max-Forwards: 0068"),
    request("max_forwards_300", "Max-Forwards: 300"),
    request("max_forwards_text", "Max-Forwards: 1x"),
    request("max_forwards_negative", "Max-Forwards: -1"),
    request("max_breadth_500", "Max-Breadth: 500"),
    request("max_breadth_7", "Max-Breadth: 7"),
    request("ack_max_forwards_0", "Max-Forwards: 0", method="ACK"),
    request("cancel_max_forwards_0", "Max-Forwards: 0", method="CANCEL"),
    request("content_length_missing", "-Content-Length"),
    request("content_length_9999", "Content-Length: 9999"),
    request("content_length_negative", "Content-Length: -1"),
    request("content_length_plus", "Content-Length: +5"),
    request("content_length_hex", "Content-Length: 0x10"),
    request("content_length_empty", "Content-Length: "),
    request("content_length_wraps", "Content-Length: 4294967328"),
    request("content_length_twice", f"+Content-Length: {len(SDP)}"),
    request("content_length_both_names", "+l: 5"),
    request("trailing_octets",
            body=SDP + b"INVITE sip:x@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.66\r\n\r\n"),
    request("leading_crlf", start=b"\r\n" + START),
    request("bare_lf", "=70\r\n=>70\n"),
    request("bare_cr", "=70\r\n=>70\r"),
    request("control_before_colon", "To\x01: <sip:x@example.com>;tag=z"),
    request("space_before_colon", "=Via: =>Via \t :"),
    request("fold_before_colon", "=Via: =>Via\r\n : "),
    request("nul_in_name", "Ca\x00ll-ID: x"),
    request("no_colon", "Foobar roobar"),
    request("fold_first", start=START + b"\r\n Subject: x"),
    request("broken_date", "Date: Fri, 01 Jan 2010 16:00:00 EST"),
    request("broken_unknown", "X-A: ;;,,;;,;"),
    request("octets_above_127", "Subject: \xff\xfe"),
    request("quoted_route", 'Route: "x, y" <sip:192.0.2.10;lr>, <sip:192.0.2.103;lr>'),
    request("uri_spaces", start=b"INVITE  sip:bob@example.com  SIP/2.0"),
    request("version_lower_case", start=b"INVITE sip:bob@example.com sip/2.0"),
    request("version_7", start=b"INVITE sip:bob@example.com SIP/7.0"),
    request("scheme_unknown", start=b"INVITE nobodyknows:x SIP/2.0"),
    request("scheme_sips", start=b"INVITE sips:bob@example.com SIP/2.0"),
    request("scheme_tel", start=b"INVITE tel:+15551234 SIP/2.0"),
    request("uri_user_params", start=b"INVITE sip:user;par=u%40example.net@example.com SIP/2.0"),
    request("uri_5000", start=b"INVITE sip:" + b"x" * 5000 + b"@example.com SIP/2.0"),
    request("uri_maddr_ours", start=b"INVITE sip:bob@example.com;maddr=192.0.2.10 SIP/2.0"),
    request("uri_maddr_foreign", start=b"INVITE sip:bob@example.com;maddr=203.0.113.200 SIP/2.0"),
    request("proxy_require", "Proxy-Require: foo, bar", "Require: 100rel"),
    request("proxy_require_cancel", "Proxy-Require: foo", method="CANCEL"),
    request("route_ours", "Route: <sip:192.0.2.10;lr>"),
    request("route_ours_then_backend", "Route: <sip:192.0.2.10;lr>, <sip:192.0.2.103;lr>"),
    request("route_ours_lr_on", "Route: <sip:lb.example.com;lr=on>"),
    request("route_ours_twice", "Route: <sip:192.0.2.10;lr>, <sip:192.0.2.10;lr>, <sip:192.0.2.103;lr>"),
    request("route_ours_three_times", "Route: <sip:192.0.2.10;lr>, <sip:192.0.2.10;lr>, <sip:192.0.2.10;lr>"),
    request("route_foreign", f"Route: <sip:{VICTIM};lr>"),
    request("route_strict_backend", "Route: <sip:192.0.2.10;lr>, <sip:192.0.2.103>"),
    request("bye_uri_foreign", "To: Bob <sip:bob@example.com>;tag=b", method="BYE",
            start=b"INVITE sip:bob@203.0.113.50 SIP/2.0"),
    request("from_backend", "Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bKb0",
            start=b"INVITE sip:bob@203.0.113.50 SIP/2.0",
            source=BACKEND),
    request("from_backend_to_us", "Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bKb0",
            start=b"INVITE sip:x@192.0.2.10 SIP/2.0",
            source=BACKEND),
    request("from_backend_broadcast", "Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bKb0",
            start=b"INVITE sip:x@255.255.255.255 SIP/2.0", source=BACKEND),
    request("from_backend_tcp_route", "Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bKb0",
            "Route: <sip:203.0.113.50;transport=tcp;lr>", source=BACKEND),
    request("forged_response", "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKx",
            f"Max-Forwards: 70\r\nVia: SIP/2.0/UDP {VICTIM}:5060;branch=z9hG4bKy",
            start=b"SIP/2.0 200 OK", source=("198.51.100.66", 5060)),
    request("foreign_response", "Via: SIP/2.0/UDP 10.9.9.9:5060;branch=z9hG4bKx",
            f"Max-Forwards: 70\r\nVia: SIP/2.0/UDP {VICTIM}:5060;branch=z9hG4bKy",
            start=b"SIP/2.0 200 OK", source=BACKEND),
    ("keepalive_crlf", b"\r\n\r\n", CLIENT),
    ("keepalive_nul", b"\0\0\0\0", CLIENT),
    ("sigcomp", b"\xf8\0\0\0\0\0", CLIENT),
    ("junk", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", CLIENT),
]


def reply(status=b"200 OK", drop=(), extra=(), body=b"", length=None):
    """What a backend answers: Vias, From, To with a tag, Call-ID, CSeq and Record-Route of the request."""
    def answer(forwarded):
        kept = (b"via", b"v", b"from", b"to", b"call-id", b"cseq", b"record-route")
        rows = [row for row in forwarded.split(b"\r\n\r\n", 1)[0].split(b"\r\n")[1:] if name_of(row) in kept]
        rows = [row + b";tag=b2" if name_of(row) == b"to" else row for row in rows]
        for index in drop:
            vias = [i for i, row in enumerate(rows) if name_of(row) == b"via"]
            del rows[vias[index]]
        rows += [row.encode() for row in extra]
        rows.append(b"Content-Length: %d" % (len(body) if length is None else length))
        return b"\r\n".join([b"SIP/2.0 " + status] + rows + [b"", b""]) + body
    return answer


def changed(old, new, answer, times=-1):
    """The answer with some bytes exchanged; nothing happens where they do not occur."""
    return lambda forwarded: answer(forwarded).replace(old, new, times)


def victim(forwarded):
    """The answer with the Via below the top one exchanged for a stranger's."""
    text = reply()(forwarded)
    rows = text.split(b"\r\n")
    second = [i for i, row in enumerate(rows) if name_of(row) == b"via"][1]
    rows[second] = b"Via: SIP/2.0/UDP %s:53;branch=z9hG4bKvictim" % VICTIM.encode()
    return b"\r\n".join(rows)


def joined_vias(forwarded):
    """The answer with both Vias in one row, compact."""
    rows = reply()(forwarded).split(b"\r\n")
    vias = [i for i, row in enumerate(rows) if name_of(row) == b"via"]
    rows[vias[0]] = b"v: " + b", ".join(rows[i].split(b":", 1)[1].strip() for i in vias)
    del rows[vias[1]]
    return b"\r\n".join(rows)


M0 = message()
RESPONSES = [
    ("response_100", M0, reply(b"100 Trying")),
    ("response_180", M0, reply(b"180 Ringing")),
    ("response_200", M0, reply(body=SDP, extra=["Content-Type: application/sdp"])),
    ("response_200_empty_reason", M0, reply(b"200 ")),
    ("response_503_retry_after", M0, reply(b"503 Busy", extra=["Retry-After: 30"])),
    ("response_700", M0, reply(b"700 Odd")),
    ("response_challenges", M0, reply(b"401 Unauthorized", extra=[
        'WWW-Authenticate: Digest realm="x", algorithm=SHA-256, nonce="a"',
        'WWW-Authenticate: Digest realm="x", algorithm=MD5, nonce="b"'])),
    ("response_one_row", M0, joined_vias),
    ("response_short_body", M0, reply(body=b"x" * 100, length=500)),
    ("response_long_body", M0, reply(body=b"x" * 100, length=50)),
    ("response_no_second_via", M0, reply(drop=[1])),
    ("response_to_victim", M0, victim),
    ("response_own_via_stamped", M0, changed(b";branch=", b";received=192.0.2.10;rport=5060;branch=", reply(), 1)),
    ("response_own_via_no_port", M0, changed(b"UDP 192.0.2.10:5060", b"UDP 192.0.2.10", reply())),
    ("response_cseq_overflow", M0, changed(b"CSeq: 314159", b"CSeq: 4294967296", reply())),
    ("response_record_route_kept", message("Record-Route: <sip:10.9.9.9;lr>"), reply()),
    ("response_via_name_received", message("Via: SIP/2.0/UDP pc33.atlanta.example;branch=z9hG4bKa"), reply()),
]
