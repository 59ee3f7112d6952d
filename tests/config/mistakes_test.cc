// Every mistake has its place and a sentence that says what was found and what would do.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "config/sample.h"

namespace viaduct::config {
namespace {

// One spoilt place of the example: what is replaced, by what, where the complaint points, and what it says.
struct Mistake {
  std::string_view good;
  std::string_view bad;
  std::string_view place;
  std::string_view sentence;
};

const Mistake mistakes[] = {
    // unknown keys
    {"record_route = true", "recordroute  = true", "22:1",
     "unknown key \"recordroute\" in [[listener]] \"public\"; did you mean \"record_route\"?"},
    {"hugepages ", "hugepage  ", "4:1", "unknown key \"hugepage\" in [runtime]; did you mean \"hugepages\"?"},
    {"[control]", "[contorl]", "10:2", "unknown key \"contorl\" in the file; did you mean \"control\"?"},
    {"weight  = 100", "wieght  = 100", "41:1", "did you mean \"weight\"?"},
    {"rise = 2", "zzzzzz = 2", "34:1", "unknown key \"zzzzzz\" in [pool.health]; known are method, interval"},
    {"device = \"pci:0000:3b:00.0\"", "device = \"tap:vd0\"\nadresses = []", "17:1", "did you mean \"addresses\"?"},
    // pools of a listener
    {"side         = \"outside\"", "route = [{ method = [\"REGISTRE\"], pool = \"proxies\" }]", "24:22",
     "method \"REGISTRE\" is not known; did you mean \"REGISTER\"?"},
    {"side         = \"outside\"", "route = [{ method = \"CANCEL\", pool = \"proxies\" }]", "24:21",
     "method is \"CANCEL\", which goes where its INVITE goes"},
    {"side         = \"outside\"", "route = [{ method = [\"INFO\", \"INFO\"], pool = \"proxies\" }]", "24:30",
     "method \"INFO\" is named twice"},
    {"side         = \"outside\"", "route = [{ domain = \"a b\", pool = \"proxies\" }]", "24:21",
     "\"a b\" in domain; a host name or IP address"},
    {"side         = \"outside\"", "route = [{ method = \"INFO\", pool = \"proxys\" }]", "24:36",
     "pool \"proxys\" is not there; did you mean \"proxies\"?"},
    {"side         = \"outside\"", "route = [{ method = \"INFO\" }]", "24:10", "[[listener.route]] has no \"pool\""},
    {"side         = \"outside\"", "route = [{ pool = \"proxies\" }]", "24:10", "neither \"method\" nor \"domain\""},
    {"side         = \"outside\"",
     "route = [{ domain = \"A.example\", pool = \"proxies\" },\n{ method = \"INFO\", domain = \"a.example\", "
     "pool = \"proxies\" }]",
     "25:1", "nothing reaches this [[listener.route]]: the first that matches decides, and the one of line 24 takes"},
    {"side         = \"outside\"", "route = { method = \"INFO\", pool = \"proxies\" }", "24:9",
     "route is a table; an array of tables, [[listener.route]], is expected"},
    // names to look up
    {"10.78.0.11:5060", "sip.example.net:0", "40:11", "\"sip.example.net:0\": the port is out of range"},
    {"10.78.0.11:5060", "_sip._tcp.example.net", "40:11", "SRV records those of SIP over UDP are expected"},
    {"10.78.0.11:5060", "_sip._udp.example.net:5060", "40:11", "SRV records say the port"},
    {"10.78.0.11:5060", "sip..example.net", "40:11",
     "\"sip..example.net\": an IP address or a host name, with or without a port from 1 to 65535, is expected"},
    {"state   = \"up\"", "[[pools]]\nname = \"b\"", "42:3",
     "unknown key \"pools\" in the file; did you mean \"pool\"?"},
    {"address = \"10.78.0.11:5060\"",
     "address = \"sip.example.net\"\n[[pool.backend]]\nname = \"p2\"\naddress = \"SIP.example.net:5060\"", "43:11",
     "address \"sip.example.net:5060\" is a backend's of this pool already (line 40)"},
    {"[control]", "[resolver]\nservers = [\"ns.example\"]\n[control]", "11:12", "name server \"ns.example\"; an IP"},
    {"[control]", "[resolver]\nservers = []\n[control]", "11:11",
     "servers is an empty array; an array with an address"},
    {"[control]", "[resolver]\ntimeout = \"1ms\"\n[control]", "11:11", "timeout is \"1ms\"; a duration from 100ms"},
    // too much
    {"[control]", "[overload]\nanswers = \"many\"\n[control]", "11:11",
     "answers is \"many\"; \"off\", or a whole number"},
    {"[control]", "[overload]\nshed = 101\n[control]", "11:8", "from 0 to 100"},
    {"side         = \"outside\"", "strip_headers = [\"Via\"]", "24:18",
     "\"Via\" in strip_headers; the full name of a header that is none of the proxy's own business"},
    {"side         = \"outside\"", "strip_headers = [\"y\"]", "24:18", "\"y\" in strip_headers; the full name"},
    // wrong types
    {"workers      = [2, 3]", "workers      = 2", "2:16", "workers is 2; an array of core numbers"},
    {"workers      = [2, 3]", "workers      = []", "2:16", "workers is an empty array; an array of core numbers"},
    {"workers      = [2, 3]", "workers      = [2, \"3\"]", "2:20",
     "an element of workers is \"3\"; a core number from 0 to 127"},
    {"hugepages    = true", "hugepages    = \"perhaps\"", "4:16", "hugepages is \"perhaps\"; true or false"},
    {"mode   = \"0660\"", "mode   = 660", "12:10", "mode is 660; a string of octal digits"},
    {"mode   = \"0660\"", "mode   = \"0680\"", "12:10", "mode is \"0680\"; a string of octal digits"},
    {"mode   = \"0660\"", "mode   = \"7777\"", "12:10", "mode is \"7777\""},
    {"record_route = true", "record_route = \"yes\"", "22:16", "record_route is \"yes\"; true or false"},
    {"name    = \"p1\"", "name    = 1", "39:11", "name is 1; a string in quotes"},
    {"aliases      = [\"sip.example.com\"]", "aliases      = [3]", "25:17", "an element of aliases is 3"},
    {"interval = \"2s\"", "interval = 2", "32:12",
     "interval is 2; a duration from 100ms to 1h as a string with its unit"},
    {"rise = 2", "rise = 2.5", "34:8", "rise is a number with a fraction; a whole number"},
    {"rise = 2", "rise = 2024-01-01", "34:8", "rise is a date or time; a whole number"},
    {"[pool.health]", "[[pool.health]]", "30:1", "health is an array; a table [pool.health]"},
    {"[control]", "[[control]]", "10:1", "[[control]] is an array of tables; one table, [control], is expected"},
    {"[[port]]", "[port]", "14:1", "[port] is one table; an array of tables, [[port]], is expected"},
    {"[[pool.backend]]", "[pool.backend]", "38:7", "[pool.backend] is one table; an array of tables, [[pool.backend]]"},
    // out of range, no such choice
    {"control_core = 1 ", "control_core = 128 ", "3:16", "control_core is 128; a whole number from 0 to 127"},
    {"control_core = 1 ", "control_core = -1 ", "3:16", "control_core is -1"},
    {"workers      = [2, 3]", "workers      = [2, 2]", "2:20", "core 2 is named twice"},
    {"memory_mb    = 512", "memory_mb    = 9", "5:16", "memory_mb is 9; a whole number from 64 to 1048576"},
    {"affinity     = \"transaction\"", "affinity     = \"call\"", "6:16",
     "affinity is \"call\"; \"transaction\" or \"queue\""},
    {"idle         = \"poll\"", "idle         = \"lazy\"", "7:16", "idle is \"lazy\"; \"poll\" or \"adaptive\""},
    {"side         = \"outside\"", "side         = \"left\"", "24:16", "side is \"left\"; \"outside\" or \"inside\""},
    {"key  = \"call-id\"", "key  = \"callid\"", "29:8",
     "key is \"callid\"; \"call-id\", \"branch\", \"from\", \"to\", \"request-uri\", \"source\" or \"aor\""},
    {"weight  = 100", "weight  = 1001", "41:11", "weight is 1001; a whole number from 0 to 1000"},
    {"weight  = 100", "weight  = 0", "27:1", "no backend of [[pool]] \"proxies\" has a weight above 0"},
    {"state   = \"up\"", "state   = \"asleep\"", "42:11", "state is \"asleep\"; \"up\", \"drain\" or \"down\""},
    {"interval = \"2s\"", "interval = \"2 s\"", "32:12", "interval is \"2 s\"; a duration"},
    {"interval = \"2s\"", "interval = \"99999999999999999999s\"", "32:12", "a duration from 100ms to 1h"},
    {"timeout  = \"1s\"", "timeout  = \"3s\"", "33:12", "timeout is 3s, longer than the interval of 2s"},
    {"fall = 3", "fall = 0", "35:8", "fall is 0; a whole number from 1 to 1000"},
    {"method = \"OPTIONS\"", "method = \"CANCEL\"", "31:10",
     "method is \"CANCEL\"; a method in upper case that starts a transaction"},
    {"accept = [\"2xx\", ", "accept = [\"100\", ", "36:11", "\"100\" in accept; a class from \"2xx\" to \"6xx\""},
    {"accept = [\"2xx\", \"403\", \"405\", \"404\", \"483\", \"501\"]", "accept = []", "36:10",
     "no probe could ever succeed"},
    {"method = \"OPTIONS\"", "method = \"INVITE\"", "31:10", "starts a transaction and no call"},
    {"rise = 2", "from = \"<sip:a@b>\"", "34:8", "from is \"<sip:a@b>\"; a SIP URI without parameters"},
    {"rise = 2", "to = \"sip:a@b:99999\"", "34:6", "a SIP URI without parameters such as \"sip:probe@example.com\""},
    {"rise = 2", "max_forwards = 256", "34:16", "max_forwards is 256; a whole number from 0 to 255"},
    {"rise = 2", "silence = \"never\"", "34:11", "silence is \"never\"; a duration from 1s to 1h"},
    {"key  = \"call-id\"", "backup = \"spare\"", "29:10", "backup \"spare\" is not there"},
    {"key  = \"call-id\"", "backup = \"proxies\"", "29:10", "leads back to [[pool]] \"proxies\" itself"},
    {"mode   = \"0660\"", "state_file = 3", "12:14", "state_file is 3; a path in quotes"},
    // names
    {"name   = \"edge\"", "", "14:1", "[[port]] has no \"name\"; a name such as \"edge\" is expected"},
    {"name    = \"p1\"", "name    = \"p 1\"", "39:11", "name is \"p 1\"; a name of up to 63 letters"},
    {"name    = \"p1\"", "name    = \"\"", "39:11", "name is \"\"; a string that is not empty is expected"},
    {"pci:0000:3b:00.0", "", "16:10", "device is \"\"; a string that is not empty is expected"},
    {"aliases      = [\"sip.example.com\"]", "aliases      = [\"\"]", "25:17",
     "an element of aliases is \"\"; a string that is not empty"},
    {"name    = \"p1\"", "name    = \"p\\u001b[31m\"", "39:11", "name is \"p\\x1b[31m\""},
    // devices
    {"pci:0000:3b:00.0", "eth0", "16:10", "device is \"eth0\": no kind of device that is known; af_packet:IFACE"},
    {"pci:0000:3b:00.0", "pci:0000:3b:00", "16:10", "\"0000:3b:00\" is no PCI address"},
    {"pci:0000:3b:00.0", "af_packet:", "16:10", "\"\" is no name of an interface"},
    {"pci:0000:3b:00.0", "af_packet:an-interface-name", "16:10", "is no name of an interface; up to 15 characters"},
    {"pci:0000:3b:00.0", "memif:", "16:10", "the path of a socket of at most 107 bytes"},
    {"pci:0000:3b:00.0", "memif:/run/m.sock?role=master", "16:10",
     "\"role=master\" is no option of memif; \"role=client\" or \"role=server\""},
    {"pci:0000:3b:00.0", "memif:/run/m.sock?role=client&ring=1000", "16:10",
     "\"ring=1000\" is no option of memif; \"role=client\" or \"role=server\", and behind an '&' \"ring=N\" with a "
     "power "
     "of two from 64 to 16384"},
    {"pci:0000:3b:00.0", "memif:m.sock", "16:10", "\"m.sock\" is no path of a socket; an absolute one without commas"},
    {"pci:0000:3b:00.0", "memif:/run/a,b", "16:10", "\"/run/a,b\" is no path of a socket"},
    {"pci:0000:3b:00.0", "memif:/run/m.sock?role=client&role=server", "16:10", "\"role\" is there twice"},
    {"pci:0000:3b:00.0", "tap:a,b", "16:10", "\"a,b\" is no name of an interface; up to 15 characters without blanks"},
    {"pci:0000:3b:00.0", "pcap:in.pcap", "16:10", "two capture files are expected"},
    {"pci:0000:3b:00.0", "pcap:a,b,c", "16:10", "two capture files are expected"},
    {"device = \"pci:0000:3b:00.0\"", "", "14:1", "[[port]] \"edge\" has no \"device\""},
    // addresses
    {"10.78.0.11:5060", "10.78.0.11:506000", "40:11",
     "address is \"10.78.0.11:506000\": the port is out of range; an IP address or a host name, with or without a "
     "port from 1 to 65535"},
    {"10.78.0.11:5060", "10.78.0.11:0", "40:11", "the port is out of range"},
    {"10.78.0.11:5060", "10.78.0.256:5060", "40:11", "\"10.78.0.256:5060\": an IP address or a host name"},
    {"203.0.113.10:5060", "sip.example.com:5060", "20:17", "host names are not resolved here"},
    {"10.78.0.11:5060", "2001:db8::11", "40:11", "IPv6 needs brackets"},
    {"10.78.0.11:5060", "224.0.1.75:5060", "40:11", "an address of one host is expected"},
    {"\"[2001:db8::10]:5060\"", "\"0.0.0.0:5060\"", "20:38", "an address of one host is expected"},
    {"\"[2001:db8::10]:5060\"", "\"[2001:db8::10:5060\"", "20:38", "an IP address with a port"},
    {"address      = [\"203.0.113.10:5060\", \"[2001:db8::10]:5060\"]", "address      = []", "20:16",
     "[[listener]] \"public\" has no address"},
    {"address      = [\"203.0.113.10:5060\", \"[2001:db8::10]:5060\"]", "", "18:1",
     "[[listener]] \"public\" has no \"address\""},
    {"aliases      = [\"sip.example.com\"]", "aliases      = [\"sip example\"]", "25:17",
     "\"sip example\" in aliases; a host name or IP address without port"},
    {"aliases      = [\"sip.example.com\"]", "domains      = [\"example.com:5060\"]", "25:17",
     "\"example.com:5060\" in domains"},
    {"device = \"pci:0000:3b:00.0\"", "device = \"tap:a\"\naddresses = [\"10.77.0.1\"]", "17:14",
     "an address with its prefix length is expected"},
    {"device = \"pci:0000:3b:00.0\"", "device = \"tap:a\"\ngateway = \"fd77::1\"", "17:11",
     "gateway is \"fd77::1\"; an IPv4 address"},
    {"device = \"pci:0000:3b:00.0\"",
     "device = \"memif:/run/a\"\naddresses = [\"10.77.0.1/24\"]\ngateway = \"10.78.0.1\"", "18:11",
     "gateway 10.78.0.1 is in none of the networks of [[port]] \"edge\""},
    {"device = \"pci:0000:3b:00.0\"", "device = \"tap:a\"\naddresses = [\"10.77.0.1/24\"]\ngateway = \"10.77.0.1\"",
     "18:11", "gateway 10.77.0.1 is the address of [[port]] \"edge\" itself"},
    {"device = \"pci:0000:3b:00.0\"", "device = \"tap:a\"\ngateway = \"0.0.0.0\"", "17:11",
     "gateway is \"0.0.0.0\"; the address of one router"},
    {"device = \"pci:0000:3b:00.0\"", "device = \"tap:a\"\ngateway = \"224.0.0.1\"", "17:11",
     "gateway is \"224.0.0.1\"; the address of one router"},
    {"device = \"pci:0000:3b:00.0\"", "device = \"tap:a\"\ngateway = \"255.255.255.255\"", "17:11",
     "gateway is \"255.255.255.255\"; the address of one router"},
    {"device = \"pci:0000:3b:00.0\"", "device = \"tap:a\"\ngateway6 = \"::\"", "17:12",
     "gateway6 is \"::\"; the address of one router"},
    {"device = \"pci:0000:3b:00.0\"",
     "device = \"tap:a\"\nneighbors = [{ address = \"10.77.0.2\", mac = \"00:00:00:00:00:00\" }]", "17:45",
     "mac is \"00:00:00:00:00:00\"; the address of one interface"},
    {"device = \"pci:0000:3b:00.0\"",
     "device = \"tap:a\"\nneighbors = [{ address = \"10.77.0.2\", mac = \"ff:ff:ff:ff:ff:ff\" }]", "17:45",
     "mac is \"ff:ff:ff:ff:ff:ff\"; the address of one interface"},
    {"device = \"pci:0000:3b:00.0\"", "device = \"tap:a\"\nneighbors = [{ address = \"10.77.0.2\" }]", "17:14",
     "a neighbour has no \"mac\""},
    {"device = \"pci:0000:3b:00.0\"", "device = \"tap:a\"\nneighbors = [{ address = \"10.77.0.2\", mac = \"02:00\" }]",
     "17:45", "mac is \"02:00\"; six octets"},
    {"device = \"pci:0000:3b:00.0\"", "device = \"tap:a\"\nneighbors = [7]", "17:14",
     "a neighbour is 7; a table is expected"},
    {"device = \"pci:0000:3b:00.0\"", "device = \"tap:a\"\ntwin = \"sip0\"", "17:8",
     "has a twin, but its device is \"tap:a\"; only pci: and memif: ports"},
    {"device = \"pci:0000:3b:00.0\"", "device = \"pci:0000:3b:00.0\"\ntwin = \"sip/0\"", "17:8",
     "twin is \"sip/0\"; a name of 1 to 15 characters for an interface"},
    {"device = \"pci:0000:3b:00.0\"", "device = \"pci:0000:3b:00.0\"\ntwin = \"sixteen-letters-\"", "17:8",
     "a name of 1 to 15 characters for an interface"},
    {"[[listener]]",
     "twin = \"sip0\"\n[[port]]\nname = \"other\"\ndevice = \"pci:0000:3b:00.1\"\ntwin = \"sip0\"\n[[listener]]",
     "22:8", "twin \"sip0\" is another port's already"},
    {"device = \"pci:0000:3b:00.0\"", "device = \"tap:a\"\nmtu = 100", "17:7",
     "mtu is 100; a whole number from 576 to 9216"},
    // references and duplicates
    {"pool         = \"proxies\"", "pool         = \"proxys\"", "21:16",
     "pool \"proxys\" is not there; did you mean \"proxies\"?"},
    {"pool         = \"proxies\"", "pool         = \"nobody\"", "21:16", "pool \"nobody\" is not there"},
    {"pool         = \"proxies\"", "", "18:1",
     "[[listener]] \"public\" has no \"pool\"; the name of a [[pool]] is expected, or side = \"inside\""},
    {"\"[2001:db8::10]:5060\"", "\"203.0.113.10:5060\"", "20:38",
     "address 203.0.113.10:5060 is a listener's already (line 20)"},
    {"10.78.0.11:5060", "203.0.113.10:5060", "40:11", "address 203.0.113.10:5060 is that of [[listener]] \"public\""},
    {"state   = \"up\"", "state   = \"up\"\n[[pool.backend]]\nname = \"p1\"\naddress = \"10.78.0.12:5060\"", "44:8",
     "backend name \"p1\" is taken (line 39)"},
    {"state   = \"up\"", "state   = \"up\"\n[[pool.backend]]\nname = \"p2\"\naddress = \"10.78.0.11\"", "45:11",
     "address 10.78.0.11:5060 is a backend's of this pool already (line 40)"},
    {"state   = \"up\"", "state   = \"up\"\n[[pool.backend]]\nname = \"p2\"", "43:1",
     "[[pool.backend]] \"p2\" has no \"address\""},
    {"state   = \"up\"",
     "state   = \"up\"\n[[pool]]\nname = \"proxies\"\n[[pool.backend]]\nname = \"p2\"\naddress = \"10.78.0.12\"",
     "44:8", "pool name \"proxies\" is taken (line 28)"},
    {"state   = \"up\"", "state   = \"up\"\n[[pool]]\nname = \"empty\"", "43:1",
     "[[pool]] \"empty\" has no backend; at least one [[pool.backend]] is expected"},
    {"state   = \"up\"", "state   = \"up\"\n[[port]]\nname = \"edge\"\ndevice = \"tap:a\"", "44:8",
     "port name \"edge\" is taken (line 15)"},
    {"state   = \"up\"", "state   = \"up\"\n[[port]]\nname = \"core\"\ndevice = \"pci:0000:3b:00.0\"", "45:10",
     "device \"pci:0000:3b:00.0\" is used already (line 16)"},
    {"state   = \"up\"", "state   = \"up\"\n[[port]]\nname = \"core\"\ndevice = \"pci:3B:00.0\"", "45:10",
     "device \"pci:3B:00.0\" is used already (line 16)"},
    {"[[listener]]",
     "[[port]]\nname = \"a\"\ndevice = \"memif:/run/x\"\ngateway = \"10.1.1.1\"\n[[port]]\nname = \"b\"\n"
     "device = \"memif:/run//x\"\ngateway = \"10.1.1.1\"\n[[listener]]",
     "24:10", "device \"memif:/run//x\" is used already (line 20)"},
    {"[[listener]]", "twin = \"eth0\"\n[[port]]\nname = \"a\"\ndevice = \"af_packet:eth0\"\n[[listener]]", "21:10",
     "device \"af_packet:eth0\" is used already (line 18)"},
    {"[[listener]]",
     "addresses = [\"10.77.0.1/24\"]\n[[port]]\nname = \"a\"\ndevice = \"tap:a\"\naddresses = [\"10.77.0.1/25\"]\n"
     "[[listener]]",
     "22:13", "address 10.77.0.1 of [[port]] \"a\" is another port's already (line 18)"},
    {"state   = \"up\"",
     "state   = \"up\"\n[[listener]]\nname = \"public\"\naddress = \"192.0.2.1\"\nside = \"inside\"", "44:8",
     "listener name \"public\" is taken (line 19)"},
    // others
    {"state   = \"up\"", "router  = \"strict\"", "42:11",
     "[[pool.backend]] \"p1\" is declared a strict router"},  // TGT-08
    {"state   = \"up\"", "router  = \"other\"", "42:11", "router is \"other\"; \"loose\" is expected"},
    {"[control]", "[sip]\nextensions = [\"sec agree\"]\n[control]", "11:15",
     "extension \"sec agree\" is no option tag"},
    {"[control]", "[sip]\nserver = \"a\\r\\nEvil: 1\"\n[control]", "11:10",
     "server is \"a\\x0d\\x0aEvil: 1\"; a header value"},
    {"[control]", "[sip]\nmessage_bytes_max = 100\n[control]", "11:21",
     "message_bytes_max is 100; a whole number from 1300 to 65507"},
    // no TOML at all
    {"hugepages    = true", "hugepages    = ", "4:", "not TOML"},
    {"[[port]]", "[[port]", "14:8", "not TOML"},
    {"hugepages    = true", "hugepages    = true\n\u03ae = 1", "5:1", "not TOML: Error while parsing root table"},
    {"hugepages    = true", "hugepages    = tru\u00e9", "4:", "not TOML"},
    {"name   = \"edge\"", "name   = \"\u00e4\"", "15:10", "name is \"\u00e4\"; a name of up to 63 letters"},
    {"hugepages    = true", "hugepages    = true\nhugepages = false", "5:", "not TOML"},
};

TEST(Mistakes, each_is_reported_alone_at_its_place) {
  for (const Mistake& mistake : mistakes) {
    SCOPED_TRACE(mistake.bad);
    const Loaded loaded = load_text(replaced(example, mistake.good, mistake.bad), "f.toml");
    EXPECT_FALSE(loaded.config);
    ASSERT_EQ(loaded.errors.size(), 1u) << all_of(loaded.errors);
    const std::string text = to_string(loaded.errors[0]);
    const std::string place = "f.toml:" + std::string(mistake.place) + (mistake.place.ends_with(':') ? "" : ":");
    EXPECT_EQ(text.substr(0, place.size()), place) << text;
    EXPECT_NE(text.find(mistake.sentence), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
}

TEST(Mistakes, five_in_one_file_are_five_messages_in_order) {
  std::string text(example);
  text = replaced(text, "hugepages    = true", "hugepages    = \"perhaps\"");
  text = replaced(text, "idle         = \"poll\"", "idle         = \"lazy\"");
  text = replaced(text, "record_route = true", "recordroute  = true");
  text = replaced(text, "pool         = \"proxies\"", "pool         = \"nobody\"");
  text = replaced(text, "10.78.0.11:5060", "10.78.0.11:506000");
  const Loaded loaded = load_text(text, "f");
  EXPECT_FALSE(loaded.config);
  ASSERT_EQ(loaded.errors.size(), 5u) << all_of(loaded.errors);
  const uint32_t lines[] = {4, 7, 21, 22, 40};
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(loaded.errors[i].line, lines[i]);
}

TEST(Mistakes, a_string_that_the_file_ends_in_has_a_place_in_the_file) {
  for (const char* open : {"x = '''", "x = \"\"\"", "x = '", "x = [ 'a',", "[[pool"}) {
    for (const char* rest : {"", "\n", "\nabc", "\nabc\n", "\nabc \u00e9\n\n"}) {
      const std::string text = std::string(open) + rest;
      SCOPED_TRACE(text);
      const Loaded loaded = load_text(text, "f");
      ASSERT_EQ(loaded.errors.size(), 1u);
      const auto line = loaded.errors[0].line;
      ASSERT_LE(line, 1 + std::count(text.begin(), text.end(), '\n'));
      size_t begin = 0;
      for (uint32_t i = 1; i < line; ++i) begin = text.find('\n', begin) + 1;
      EXPECT_LE(loaded.errors[0].column, std::min(text.find('\n', begin), text.size()) - begin + 1);
    }
  }
}

TEST(Mistakes, an_empty_file_lacks_port_and_listener) {
  const Loaded loaded = load_text("", "f");
  EXPECT_EQ(all_of(loaded.errors).find("f:1:1: no [[port]]"), 0u);
  EXPECT_NE(all_of(loaded.errors).find("f:1:1: no [[listener]]"), std::string::npos);
  EXPECT_EQ(loaded.errors.size(), 2u);
}

TEST(Mistakes, more_backends_than_there_are_counters) {
  std::string text(smallest);
  for (int i = 2; i <= 1025; ++i) {
    text += "[[pool.backend]]\nname = \"p" + std::to_string(i) + "\"\naddress = \"10.1." + std::to_string(i / 256) +
            '.' + std::to_string(i % 256) + "\"\n";
  }
  const Loaded loaded = load_text(text, "f");
  ASSERT_EQ(loaded.errors.size(), 1u) << all_of(loaded.errors);
  EXPECT_NE(loaded.errors[0].sentence.find("more than 1024 backends"), std::string::npos);
  EXPECT_EQ(loaded.errors[0].line, 10u + 1024 * 3 + 1);
}

struct Caution {
  std::string_view good;
  std::string_view bad;
  std::string_view place;
  std::string_view sentence;
};

TEST(Mistakes, what_is_only_doubtful_is_a_warning) {
  const Caution cautions[] = {
      {"secret_file  = \"/etc/viaduct/secret\"", "", "f: ", "no secret_file in [runtime]: the secret is random"},
      {"control_core = 1 ", "control_core = 2 ", "f:3:16:", "core 2 is both control core and worker"},
      {"device = \"pci:0000:3b:00.0\"", "device = \"pcap:a,b\"",
       "f:14:1:", "[[port]] \"edge\" has no kernel behind it"},
      {"10.78.0.11:5060", "127.0.0.1:5060", "f:40:11:", "is a loopback address"},
      {"203.0.113.10:5060", "127.0.0.1:5060", "f:20:17:", "is a loopback address"},
      {"side         = \"outside\"", "require_path = true", "f:24:16:", "require_path has no effect without path"},
      {"side         = \"outside\"",
       "domains = \"a.example\"\nroute = [{ domain = [\"a.example\", \"sip.example.com\", \"203.0.113.10\", "
       "\"b.example\"], pool = \"proxies\" }]",
       "f:25:10:", "requests for domain \"b.example\" of this [[listener.route]] get 403"},
      {"state   = \"up\"", "[[pool]]\nname = \"spare\"\n[[pool.backend]]\nname = \"x\"\naddress = \"10.1.1.1\"",
       "f:43:8:", "pool \"spare\" is used by no listener"},
      {"state   = \"up\"",
       "[[pool]]\nname = \"b\"\n[[pool.backend]]\nname = \"x\"\naddress = \"10.78.0.11\"\n"
       "[[listener]]\nname = \"l\"\naddress = \"192.0.2.1\"\npool = \"b\"",
       "f:46:11:", "is a backend's of another pool too (line 40)"},
  };
  for (const Caution& caution : cautions) {
    SCOPED_TRACE(caution.bad);
    const Loaded loaded = load_text(replaced(example, caution.good, caution.bad), "f");
    EXPECT_TRUE(loaded.config) << all_of(loaded.errors);
    ASSERT_EQ(loaded.warnings.size(), 1u) << all_of(loaded.warnings);
    const std::string text = to_string(loaded.warnings[0]);
    EXPECT_EQ(text.substr(0, caution.place.size()), caution.place) << text;
    EXPECT_NE(text.find(caution.sentence), std::string::npos) << text;
  }
}

TEST(Mistakes, no_text_whatever_is_more_than_an_error) {
  std::mt19937 random(7);
  constexpr std::string_view pieces[] = {"[[", "]]", "[",       "]", "{",    "}",    "\"",    "'''", "=",
                                         ",",  "\n", "\\u0000", "-", "name", "\xff", "1e999", "0x",  "."};
  for (int round = 0; round < 3000; ++round) {
    std::string text(example);
    const int changes = 1 + static_cast<int>(random() % 4);
    for (int change = 0; change < changes; ++change) {
      const size_t at = random() % text.size();
      switch (random() % 3) {
        case 0: text.erase(at, random() % 40); break;
        case 1: text.insert(at, pieces[random() % std::size(pieces)]); break;
        default: text[at] = static_cast<char>(random());
      }
    }
    const Loaded loaded = load_text(text, "f");
    ASSERT_EQ(loaded.config.has_value(), loaded.errors.empty()) << text;
    for (const Diagnostic& error : loaded.errors) {
      ASSERT_FALSE(error.sentence.empty());
      ASSERT_GT(error.line, 0u) << error.sentence << '\n' << text;
      ASSERT_EQ(to_string(error).find('\n'), std::string::npos);
    }
  }
}

TEST(Mistakes, comments_may_be_in_any_language) {
  EXPECT_TRUE(
      load_text("\xef\xbb\xbf# \u0391\u03b8\u03ae\u03bd\u03b1 \"\n" + std::string(smallest) + "# \u00e4", "f").config);
}

TEST(Mistakes, deep_nesting_and_long_keys_end_soon) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(load_text("a = " + std::string(100'000, '['), "f").config);
  EXPECT_FALSE(load_text(std::string(100'000, 'k') + " = 1\n" + std::string(smallest), "f").config);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

// Each would overflow the stack of whoever follows the tree that it describes.
TEST(Mistakes, what_is_nested_too_deep_is_refused_at_its_place) {
  const auto repeated = [](std::string_view piece, size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += piece;
    return text;
  };
  const std::pair<std::string, std::string> texts[] = {
      {repeated("a.", 30'000) + "a = 1", "f:1:128: "},
      {"x = 1\n[" + repeated("a.", 30'000) + "a]", "f:2:127: "},
      {repeated("\"\u00e4\\\".\".", 30'000) + "a = 1", "f:1:448: "},
      {repeated("'.' . ", 30'000) + "a = 1", "f:1:383: "},
      {"a = " + repeated("{ " + repeated("b.", 40) + "b = ", 200), "f:1:136: "},
      {"a = " + repeated("[", 100'000), "f:1:68: "},
      {"a = \"\"\"\\\"\"\" . \"\"\" # '\n" + repeated("a.", 30'000), "f:2:128: "},
      {"a = '''\n'' \"''' # \"\n" + repeated("a.", 30'000), "f:3:128: "},
  };
  for (const auto& [text, place] : texts) {
    SCOPED_TRACE(text.substr(0, 60));
    const Loaded loaded = load_text(text, "f");
    ASSERT_EQ(loaded.errors.size(), 1u);
    const std::string error = to_string(loaded.errors[0]);
    EXPECT_EQ(error.substr(0, place.size()), place) << error;
    EXPECT_NE(error.find("nested more than 64 deep"), std::string::npos) << error;
  }
  const std::string dots = repeated(".", 200);
  const std::string fine = "# " + dots + "\n[sip] # '" + dots + "\nserver = '" + repeated(".", 64) + "' # " + dots +
                           '\n' + std::string(smallest);
  EXPECT_TRUE(load_text(fine, "f").config) << all_of(load_text(fine, "f").errors);
}

}  // namespace
}  // namespace viaduct::config
