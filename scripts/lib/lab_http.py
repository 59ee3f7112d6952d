"""HTTP to a port on a lab host's loopback."""

import http.client
import socket

SERVE_PORT = 9469  # where `viaductctl serve` listens unless it is told otherwise


class Connection(http.client.HTTPConnection):
    def __init__(self, host, port):
        super().__init__("127.0.0.1", port, timeout=10)
        self.lab_host = host

    def connect(self):
        self.sock = self.lab_host.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.settimeout(10)
        self.sock.connect((self.host, self.port))


def get(host, path, port=SERVE_PORT, method="GET", headers=None):
    """(status, headers, body)"""
    connection = Connection(host, port)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()
