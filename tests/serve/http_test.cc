// HTTP over the loopback: what a client may take of us.
#include "serve/http.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

namespace viaduct::serve {
namespace {

class HttpTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Http::open("127.0.0.1", 0, pages_);
    ASSERT_TRUE(opened) << opened.error();
    http_ = std::move(*opened);
    thread_ = std::thread([this] { http_->run(); });
  }
  void TearDown() override {
    // `stop` means nothing to a server that does not run yet.
    (void)said("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n");
    http_->stop();
    thread_.join();
  }
  int connected() const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(http_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const timeval timeout{10, 0};
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    return client;
  }
  std::string said(const std::string& text) const {
    const int client = connected();
    (void)!send(client, text.data(), text.size(), MSG_NOSIGNAL);
    shutdown(client, SHUT_WR);  // nothing more comes: it need not be waited for
    std::string answer;
    char buffer[4096];
    for (ssize_t count; (count = recv(client, buffer, sizeof buffer, 0)) > 0;) {
      answer.append(buffer, static_cast<size_t>(count));
    }
    close(client);
    return answer;
  }

  Pages pages_{[](std::string_view) -> core::Result<std::string> { return std::string("{}\n"); }};
  std::unique_ptr<Http> http_;
  std::thread thread_;
};

TEST_F(HttpTest, a_page_and_its_headers) {
  const std::string answer = said("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_NE(answer.find("Cache-Control: no-store\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\nok\n")) << answer;
}

TEST_F(HttpTest, several_requests_on_one_connection) {
  const std::string answer = said(
      "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: "
      "close\r\n\r\n");
  const size_t first = answer.find("ok\n");
  EXPECT_NE(answer.find("ok\n", first + 1), std::string::npos) << answer;
}

TEST_F(HttpTest, a_connection_is_not_promised_to_stay_longer_than_it_does) {
  const std::string answer = said("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_NE(answer.find("Keep-Alive: timeout=0, max=100\r\n"), std::string::npos) << answer;
}

TEST_F(HttpTest, what_is_no_http_is_refused_or_cut) {
  for (const char* junk :
       {"\r\n\r\n", "hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "INVITE sip:a@b SIP/2.0\r\n\r\n"}) {
    const std::string answer = said(junk);
    EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 4")) << junk << ": " << answer;
  }
  const std::string refused = said("GET /healthz HTTP/9.9\r\nHost: localhost\r\nAccept: */*\r\n\r\n");
  EXPECT_EQ(refused.find("HTTP/1.1", 1), std::string::npos) << "its headers are no requests:\n" << refused;
  EXPECT_TRUE(
      said("POST /metrics HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc").starts_with("HTTP/1.1 405"));
}

// The start of a request, of so many octets; an empty line ends it.
std::string start_of_request(size_t octets) {
  std::string start = "GET /healthz HTTP/1.1\r\nConnection: close\r\n";
  while (octets - start.size() > 100) start += "X-Filler: " + std::string(50, 'x') + "\r\n";
  start += "X-Filler: ";
  start.resize(octets - 2, 'x');
  return start + "\r\n";
}

TEST_F(HttpTest, a_request_is_cut_after_so_many_octets) {
  EXPECT_TRUE(said(start_of_request(Http::request_bytes_max - 2) + "\r\n").starts_with("HTTP/1.1 200"));
  const int client = connected();  // which does not say that it has ended: nothing but the octets can be too many
  const timeval soon{Http::request_seconds_max / 2, 0};
  setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
  const std::string endless = start_of_request(Http::request_bytes_max);
  ASSERT_EQ(send(client, endless.data(), endless.size(), MSG_NOSIGNAL), static_cast<ssize_t>(endless.size()));
  char answer[4096];
  std::string heard;
  ssize_t count;
  while ((count = recv(client, answer, sizeof answer, 0)) > 0) heard.append(answer, static_cast<size_t>(count));
  EXPECT_FALSE(heard.starts_with("HTTP/1.1 200")) << heard;
  EXPECT_TRUE(count == 0 || errno == ECONNRESET) << "still open";
  close(client);
}

}  // namespace
}  // namespace viaduct::serve
