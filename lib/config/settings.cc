#include "config/settings.h"

namespace viaduct::config {
namespace {

using enum Change;
using Rows = SettingText;

constexpr std::string_view required = "required";

constexpr Rows top_settings[]{
    {"include", "array of paths", "", R"(["pools.toml"])", reload,
     "further files, as if they stood here, found from this file's directory"},
};

constexpr Rows runtime_settings[]{
    {"workers", "array of core numbers from 0 to 127", "[1]", "[2, 3]", restart,
     "cores that forward, one poll-mode worker each"},
    {"control_core", "core number from 0 to 127", "0", "1", restart, "everything that does not forward"},
    {"hugepages", "true or false", "true", "false", restart,
     "whether packet buffers are in hugepages; start-up fails without enough of them"},
    {"memory_mb", "whole number from 64 to 1048576, in MB", "512", "1024", restart, "packet buffers and tables"},
    {"affinity", "\"transaction\" or \"queue\"", "\"transaction\"", "\"queue\"", restart,
     "hand each message to the core that owns its call, or leave it on the receiving one"},
    {"idle", "\"poll\" or \"adaptive\"", "\"poll\"", "\"adaptive\"", restart,
     "never sleep, or sleep some microseconds when there is nothing to do"},
    {"reassembly", "table of entries and timeout", R"({ entries = 4096, timeout = "2s" })",
     R"({ entries = 64, timeout = "5s" })", restart,
     "datagrams in fragments that may wait for their rest, for each worker: 0 for none or from 64 to 1048576, and from "
     "100ms to 60s"},
    {"user", "name of a user", "", "\"viaduct\"", restart,
     "who to be once everything is open; without it whoever started it"},
    {"sandbox", "\"enforce\", \"log\" or \"off\"", "\"enforce\"", "\"log\"", restart,
     "needless system calls fail and are logged, are only logged, or are not filtered"},
    {"dpdk_telemetry", "true or false", "false", "true", restart,
     "/viaduct/stat and others on DPDK's telemetry socket, see docs/operations.md"},
    {"secret_file", "path", "", "\"/etc/viaduct/secret\"", reload,
     "64 hexadecimal digits, the same on every node; without it a random secret, with a warning"},
    {"old_secret_files", "array of paths", "[]", R"(["/etc/viaduct/secret.old"])", reload,
     "former secrets, the newest first: they verify while their dialogs last, and the last one goes on choosing"},
};

constexpr Rows control_settings[]{
    {"socket", "path of at most 107 bytes", "\"/run/viaduct/viaduct.sock\"", "\"/run/lb2.sock\"", restart,
     "where viaductctl asks"},
    {"mode", "octal digits up to \"0777\"", "\"0660\"", "\"0600\"", restart, "the socket's permissions"},
    {"owner", "name of a user", "", "\"viaduct\"", restart, "whose the socket is; without it that of [runtime] user"},
    {"group", "name of a group", "", "\"viaduct-ops\"", restart, "whose members may use it; without it the owner's"},
    {"state_file", "path, or \"\" for none", "\"/var/lib/viaduct/state.json\"", "\"\"", restart,
     "drains and deaths, over a restart"},
};

constexpr Rows resolver_settings[]{
    {"servers", "address or array of addresses, with or without port", "", R"(["192.0.2.53", "192.0.2.54:5353"])",
     restart, "who is asked for names; without it whom the machine asks"},
    {"timeout", "time from 100ms to 30s", "\"2s\"", "\"5s\"", restart, "of one question to one server"},
};

constexpr Rows sip_settings[]{
    {"message_bytes_max", "whole number from 1300 to 65507, in bytes", "65507", "32768", reload,
     "larger requests are answered with 513"},
    {"request_uri_bytes_max", "whole number from 64 to 16384, in bytes", "4096", "1024", reload,
     "longer Request-URIs are answered with 414"},
    {"max_breadth", "whole number from 0 to 1000000", "60", "0", reload,
     "Max-Breadth (RFC 5393); 0: the header is neither added nor capped"},
    {"answer_incomplete", "true or false", "true", "false", reload,
     "400 to requests without To, From or Call-ID; false: they are dropped"},
    {"rewrite_503", "true or false", "false", "true", reload,
     "a backend's 503 goes on as 500, so that clients do not avoid this address for it"},
    {"time_responses", "true or false", "true", "false", reload,
     "our Via tells when a request left, and so how long backends take"},
    {"retry_after", "time from 1s to 1h", "\"5s\"", "\"30s\"", reload, "in our 503 when no backend is usable"},
    {"server", "text of at most 64 characters", "", "\"viaduct\"", reload, "Server header of our own answers"},
    {"extensions", "array of option tags", "[]", R"(["privacy"])", reload,
     "of Proxy-Require, that the backends understand; others get 420"},
};

constexpr Rows overload_settings[]{
    {"answers", "rate such as \"1000/s\", or \"off\"", "\"1000/s\"", "\"off\"", reload,
     "of our own to one source, the rest in silence"},
    {"answers_burst", "whole number from 1 to 10000000", "1000", "50", reload,
     "so many at once; without it the number in answers"},
    {"answers_entries", "whole number from 1024 to 4194304", "16384", "65536", reload,
     "sources that are told apart, of 64 bytes each"},
    {"shed", "percent from 0 to 100", "0", "10", reload,
     "of new calls and other new work refused with 503, whatever the load"},
    {"shed_max", "percent from 0 to 100", "0", "50", reload, "that a worker which cannot keep up may refuse"},
    {"flood_after", "time from 1ms to 10s", "\"50ms\"", "\"100ms\"", reload,
     "a receive queue that has not run empty for so long is a flood"},
    {"flood_calm", "time from 10ms to 60s", "\"1s\"", "\"5s\"", reload,
     "and when it has not been one for so long, it is over"},
};

constexpr Rows port_settings[]{
    {"name", "name", required, "\"wan\"", restart, "in reports"},
    {"device", "kind and target", required, "\"tap:other\"", restart,
     "af_packet:eth0, af_xdp:eth0, tap:NAME, pci:0000:3b:00.0, memif:SOCKET?role=client|server, pcap:IN,OUT"},
    {"mtu", "whole number from 576 to 9216, in bytes", "1500", "9000", restart,
     "largest IP packet, where the device does not tell it"},
    {"addresses", "array of addresses with prefix length", "[]", R"(["10.79.0.1/24"])", restart,
     "of the port, besides those that the kernel knows; without a kernel behind it the only ones, and a twin gets "
     "them"},
    {"gateway", "IPv4 address", "", "\"10.79.0.254\"", restart, "default route through this port"},
    {"gateway6", "IPv6 address", "", "\"fd79::fe\"", restart, "the same for IPv6"},
    {"neighbors", "array of tables of address and mac", "[]",
     R"([{ address = "10.79.0.11", mac = "02:00:00:00:00:11" }])", restart,
     "link addresses that nobody needs to ask for"},
    {"twin", "name of an interface", "", "\"sip0\"", restart,
     "with pci: and memif: a TAP that is made, through which the kernel sees the port: ARP, ping, routes, health "
     "probes"},
};

constexpr Rows listener_settings[]{
    {"name", "name", required, "\"other\"", restart, "in reports and rules"},
    {"address", "address with or without port, or array of them", required, "\"192.0.2.99:5062\"", restart,
     "where messages come to; 5060 where no port is named"},
    {"side", "\"outside\" or \"inside\"", "\"outside\"", "\"inside\"", restart,
     "requests from outside are balanced, those from inside, the backends' side, are routed on"},
    {"pool", "name of a [[pool]]", "", "\"others\"", reload, "where requests go; outside listeners need one"},
    {"record_route", "true or false", "false", "true", reload, "stay in the path of in-dialog requests"},
    {"force_rport", "true or false", "false", "true", reload,
     "answer to the source port (RFC 3581) also when not asked to"},
    {"aliases", "name or address, or array of them", "[]", R"(["sip.example.com"])", reload,
     "what means this listener in Route, Request-URI and Via"},
    {"domains", "name or address, or array of them", "[]", R"(["example.com"])", reload,
     "requests for other hosts get 403, unless their Route names a backend; without it the backends decide"},
    {"path", "\"off\", \"auto\" or \"force\"", "\"off\"", "\"force\"", reload,
     "Path in REGISTER (RFC 3327): never; where the client supports it, while who does not gets 421; always"},
    {"require_path", "true or false", "false", "true", reload, "with Path: demand that the registrar understands it"},
    {"strip_headers", "array of header names", "[]", R"(["P-Asserted-Identity"])", reload,
     "taken off what strangers send"},
};

constexpr Rows route_settings[]{
    {"method", "method or array of them", "", R"(["REGISTER"])", reload,
     "any of these; without it every method. ACK and CANCEL go where their INVITE goes"},
    {"domain", "name or address, or array of them", "", R"(["a.example"])", reload,
     "any of these in the Request-URI; without it every domain"},
    {"pool", "name of a [[pool]]", required, "\"proxies\"", reload, "where they go"},
};

constexpr Rows pool_settings[]{
    {"name", "name", required, "\"elsewhere\"", reload, "in reports, rules and commands"},
    {"key", "\"call-id\", \"branch\", \"from\", \"to\", \"request-uri\", \"source\" or \"aor\"", "\"call-id\"",
     "\"from\"", reload, "what of a request decides on its backend; aor: registrars that share no data"},
    {"table", "\"rendezvous\" or \"maglev\"", "\"rendezvous\"", "\"maglev\"", reload,
     "a change moves only what it must, or shares are equal to one slot of 65,537"},
    {"slow_start", "time from 1s to 1h, or \"off\"", "\"off\"", "\"30s\"", reload,
     "who comes up gets its share in so long, by steps"},
    {"failover", "\"strict\" or \"pool\"", "\"strict\"", "\"pool\"", reload,
     "a dialog whose backend is dead gets 503, or another one that shares its state"},
    {"backup", "name of a [[pool]]", "", "\"others\"", reload, "the pool that serves while nobody here can"},
    {"feedback", "\"off\" or \"loss\"", "\"off\"", "\"loss\"", reload,
     "loss: ask backends how much they can take (RFC 7339), and send no more"},
    {"dispatcher", "path", "", "\"/etc/kamailio/dispatcher.list\"", reload,
     "the lines of one set of Kamailio's list are backends, too"},
    {"set", "whole number from 0 to 2147483647", "1", "2", reload, "with dispatcher: which set"},
    {"priorities", "\"backup\" or \"ignore\"", "\"backup\"", "\"ignore\"", reload,
     "with dispatcher: a lower priority stands by for a higher one, or all serve"},
};

constexpr Rows health_settings[]{
    {"method", "method that starts a transaction and no call", "\"OPTIONS\"", "\"INFO\"", reload, "of the probes"},
    {"interval", "time from 100ms to 1h", "\"2s\"", "\"5s\"", reload, "between two probes of a backend"},
    {"timeout", "time from 10ms to the interval", "\"1s\"", "\"500ms\"", reload,
     "how long an answer may take; without it the interval where that is shorter"},
    {"rise", "whole number from 1 to 1000", "2", "5", reload, "answers in a row until a backend is up"},
    {"fall", "whole number from 1 to 1000", "3", "5", reload, "misses in a row until it is down"},
    {"accept", "array of classes and codes", R"(["2xx", "403", "404", "405", "483", "501"])", R"(["2xx"])", reload,
     "answers of a backend that is alive"},
    {"from", "SIP URI", "", "\"sip:probe@example.com\"", reload, "From of the probe; without it of the probe's socket"},
    {"to", "SIP URI", "", "\"sip:ping@example.com\"", reload, "To of the probe; without it of the backend"},
    {"max_forwards", "whole number from 0 to 255", "1", "70", reload, "of the probe"},
    {"silence", "time from 1s to 1h, or \"off\"", "\"10s\"", "\"off\"", reload,
     "requests without any response for so long bring a probe forward"},
};

constexpr Rows backend_settings[]{
    {"name", "name", required, "\"p9\"", reload,
     "what is hashed, so that a backend with another address keeps its calls"},
    {"address", "address or host name, with or without port", required, "\"10.0.1.99:5070\"", reload,
     "a name stands for its addresses, up to 64, \"_sip._udp.example.net\" for its SRV records"},
    {"weight", "whole number from 0 to 1000", "100", "50", reload, "its share of new calls among the pool's; 0: none"},
    {"priority", "whole number from 0 to 65535", "0", "1", reload,
     "higher ones stand by while a lower one takes new calls"},
    {"state", "\"up\", \"drain\" or \"down\"", "\"up\"", "\"drain\"", reload,
     "drain: no new calls, dialogs go on; down: nothing"},
    {"router", "\"loose\"", "\"loose\"", "", reload,
     "backends must be loose routers (RFC 3261 section 16.6); \"strict\" is refused"},
};

constexpr Rows list_settings[]{
    {"name", "name", required, "\"others\"", reload, "what rules call it"},
    {"prefixes", "address or prefix, or array of them", "", R"(["192.0.2.0/24"])", reload, "who is in it"},
    {"file", "path", "", "\"/etc/viaduct/partners.list\"", reload, "one a line, with # and ; for comments"},
};

constexpr Rows access_settings[]{
    {"allow", "prefix, name of a [[list]], or array of them", "", R"(["198.51.100.0/24"])", reload,
     "neither denied nor banned nor limited"},
    {"deny", "prefix, name of a [[list]], or array of them", "", R"(["203.0.113.0/24"])", reload,
     "dropped before the message is read"},
};

constexpr Rows rule_settings[]{
    {"name", "name", required, "\"other\"", reload, "in reports"},
    {"listener", "name of a [[listener]] or array of them", "", "\"public\"", reload, "without it every outside one"},
    {"source", "prefix, name of a [[list]], or array of them", "", R"(["203.0.113.0/24"])", reload, "who sends it"},
    {"method", "method or array of them", "", R"(["OPTIONS"])", reload, "any of these"},
    {"match", "table of fields and regular expressions", "", R"({ user-agent = "(?i)scanner" })", reload,
     "request-uri, headers (all of them) or a header's name; every field must match, one expression of each"},
    {"present", "header name or array of them", "", R"(["Subject"])", reload, "headers that must be there"},
    {"absent", "header name or array of them", "", R"(["User-Agent"])", reload, "headers that must not"},
    {"size_min", "whole number from 1 to 65535, in bytes", "", "100", reload, "of the message"},
    {"size_max", "whole number from 1 to 65535, in bytes", "", "2000", reload, "of the message"},
    {"in_dialog", "true or false", "", "true", reload, "whether To has a tag"},
    {"deviation", "name of a deviation or array of them", "", R"(["branch_without_cookie"])", reload,
     "how it leaves the standard: any of these, as 'viaductctl deviations' names them"},
    {"action", R"("accept", "pool NAME", "reply CODE REASON", "drop", "limit NAME", "tag NAME" or "log")", required,
     "\"drop\"", reload,
     "what becomes of what matches; the first accept, pool, reply or drop decides. CODE is 300 to 699, and REASON must "
     "be "
     "there"},
    {"mode", "\"enforce\" or \"observe\"", "\"enforce\"", "\"observe\"", reload, "observe: counted only"},
};

constexpr Rows limit_settings[]{
    {"name", "name", required, "\"other\"", reload, "in reports and rules"},
    {"by", "\"source\", \"prefix/N\", \"from-user\", \"pool\" or \"global\"", required, "\"global\"", reload,
     "what has a bucket of its own"},
    {"prefix_v6", "whole number from 1 to 128", "128", "48", reload,
     "how much of an IPv6 address counts; 64 with by = \"prefix/N\""},
    {"rate", "rate such as \"100/s\" or \"10/m\"", required, "\"200/m\"", reload, "how many in which time"},
    {"burst", "whole number from 1 to 10000000", "", "7", reload, "how many at once; without it the number in rate"},
    {"of", "\"requests\" or \"new-calls\"", "\"requests\"", "\"new-calls\"", reload, "what is counted"},
    {"action", "\"drop\", \"503\" or \"ban TIME\", from 1s to 168h", "\"drop\"", "\"503\"", reload,
     "what becomes of those over it"},
    {"mode", "\"enforce\" or \"observe\"", "\"enforce\"", "\"observe\"", reload, "observe: counted only"},
    {"entries", "whole number from 1024 to 4194304", "65536", "2048", reload, "buckets, of 64 bytes each"},
    {"exempt", "prefix, name of a [[list]], or array of them", "", R"(["198.51.100.0/24"])", reload,
     "who is not counted"},
};

constexpr Rows peer_settings[]{
    {"name", "name", required, "\"other\"", reload, "instead of addresses, in 'viaductctl deviations'"},
    {"prefixes", "address or prefix, or array of them", required, R"(["192.0.2.0/24"])", reload,
     "whose addresses these are"},
};

constexpr Rows hep_settings[]{
    {"collector", "address with or without port", "", "\"198.51.100.20:9060\"", reload,
     "who is sent copies; without it nobody"},
    {"capture_id", "whole number from 0 to 4294967295", "0", "17", reload, "the number of this sender"},
    {"node", "name", "", "\"lb1\"", reload, "the name that Homer shows"},
    {"password", "text", "", "\"secret\"", reload, "the collector's; sent in clear"},
    {"sample", "whole number from 1 to 1000000", "1", "100", reload, "one call in so many, chosen by Call-ID"},
    {"filter", "filter, as 'viaductctl capture' takes it", "", "\"method=INVITE\"", reload,
     "which messages; without it every one"},
};

constexpr SectionText sections[]{
    {"", "The top of the file, before any table.", top_settings},
    {"[runtime]", "Cores, memory, privileges, secrets.", runtime_settings},
    {"[control]", "The control socket, and what survives a restart.", control_settings},
    {"[resolver]", "Who is asked for names.", resolver_settings},
    {"[sip]", "Limits and choices of the proxy.", sip_settings},
    {"[overload]", "What is too much, and what then.", overload_settings},
    {"[[port]]", "A device. Addresses, routes and neighbours come from the kernel behind it, where there is one.",
     port_settings},
    {"[[listener]]", "Where messages come to. Which there are, and in which order, changes with a restart only.",
     listener_settings},
    {"[[listener.route]]",
     "Requests that go to another pool than the listener's; the first that matches decides. An INVITE's ACK and CANCEL "
     "go with it.",
     route_settings},
    {"[[pool]]", "Backends that share calls: up to 256 pools, and 1,024 backends over all of them.", pool_settings},
    {"[pool.health]", "Probes, through the kernel's sockets; without this table every backend counts as healthy.",
     health_settings},
    {"[[pool.backend]]", "One of the pool's servers.", backend_settings},
    {"[[list]]", "A named set of addresses; prefixes, file, or both.", list_settings},
    {"[access]", "Who is let in and who is not, before any message is read.", access_settings},
    {"[[rule]]",
     "What becomes of requests that match, in the order of the file (docs/policy.md). Up to 4,096 rules, about up to "
     "64 "
     "different headers, each with patterns for up to 8 fields.",
     rule_settings},
    {"[[limit]]", "How many in which time; rules name it, or every request asks it (docs/policy.md). Up to 64 limits.",
     limit_settings},
    {"[hep]", "Who is sent copies of messages, in HEP version 3, as Homer takes them.", hep_settings},
    {"[[peer]]", "Names for senders, in reports.", peer_settings},
};

}  // namespace

std::span<const SectionText> setting_sections() { return sections; }

}  // namespace viaduct::config
