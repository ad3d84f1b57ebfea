#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/util/error.h"
#include "src/util/fd.h"

namespace imgq::web {

// Where to listen: "127.0.0.1:8080", "[::1]:8080", "localhost:0", "unix:/run/imgq/http.sock".
struct Address {
  std::string host;  // an address as inet_pton(3) reads it; empty for a unix socket
  int port = 0;
  std::string path;                   // of a unix socket
  std::optional<unsigned> mode = {};  // of a unix socket, 0 to 0777; else as the umask has it
};

//   errors  code 0: what an address looks like; names but "localhost" are not resolved
Result<Address> parse_address(std::string_view text);

// "0660", "666": a unix socket's mode, in octal digits; nothing for any other text.
std::optional<unsigned> parse_mode(std::string_view text);

struct Listening {
  Fd socket;
  std::string where;      // "http://127.0.0.1:41234/", "unix:/run/imgq/http.sock", for people
  bool loopback = false;  // only this machine can reach it
};

// Opens a listening socket; not while other threads make files, for their umask changes with ours.
// A unix socket's name that nobody listens on any more is taken over.
//   errors  EADDRINUSE, EACCES, ... of bind(2)
Result<Listening> listen_at(const Address& address);

// "10.1.2.3", "::1".
bool is_ip_address(std::string_view text);

// Who is at the other end of a connection, in numbers, without the port; "unix" for a unix socket,
// "" when it has gone.
std::string peer_of(int socket);

// The socket that the service manager hands over (sd_listen_fds(3)), when it does.
//   errors  EINVAL more than one, or not a listening stream socket
Result<std::optional<Listening>> inherited();

}  // namespace imgq::web
