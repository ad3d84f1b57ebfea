#include "src/http/listen.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "src/util/units.h"

namespace imgq::web {
namespace {

constexpr int kBacklog = 512;
constexpr int kFirstInherited = 3;  // sd_listen_fds(3)

// Any socket address, and its length.
struct Name {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* generic() { return reinterpret_cast<sockaddr*>(&storage); }
  template <class T>
  T* as() {
    return reinterpret_cast<T*>(&storage);
  }
};

bool fill_inet(const Address& address, Name& name) {
  auto* v4 = name.as<sockaddr_in>();
  if (::inet_pton(AF_INET, address.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(address.port));
    name.size = sizeof(sockaddr_in);
    return true;
  }
  auto* v6 = name.as<sockaddr_in6>();
  if (::inet_pton(AF_INET6, address.host.c_str(), &v6->sin6_addr) != 1) return false;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(static_cast<uint16_t>(address.port));
  name.size = sizeof(sockaddr_in6);
  return true;
}

bool fill_unix(const std::string& path, Name& name) {
  auto* local = name.as<sockaddr_un>();
  if (path.empty() || path.size() >= sizeof local->sun_path) return false;
  local->sun_family = AF_UNIX;
  std::memcpy(local->sun_path, path.c_str(), path.size() + 1);
  name.size = sizeof(sockaddr_un);
  return true;
}

bool is_loopback(Name& name) {
  if (name.storage.ss_family == AF_UNIX) return true;
  if (name.storage.ss_family == AF_INET) {
    return ntohl(name.as<sockaddr_in>()->sin_addr.s_addr) >> 24U == 127;
  }
  return IN6_IS_ADDR_LOOPBACK(&name.as<sockaddr_in6>()->sin6_addr);
}

std::string host_of(Name& name) {
  char host[INET6_ADDRSTRLEN] = "?";
  const bool v4 = name.storage.ss_family == AF_INET;
  const void* address = v4 ? static_cast<const void*>(&name.as<sockaddr_in>()->sin_addr)
                           : static_cast<const void*>(&name.as<sockaddr_in6>()->sin6_addr);
  (void)::inet_ntop(name.storage.ss_family, address, host, sizeof host);  // fits
  return host;
}

std::string text_of(Name& name) {
  if (name.storage.ss_family == AF_INET) {
    const auto port = ntohs(name.as<sockaddr_in>()->sin_port);
    return "http://" + host_of(name) + ":" + std::to_string(port) + "/";
  }
  if (name.storage.ss_family == AF_INET6) {
    const auto port = ntohs(name.as<sockaddr_in6>()->sin6_port);
    return "http://[" + host_of(name) + "]:" + std::to_string(port) + "/";
  }
  auto* local = name.as<sockaddr_un>();
  return "unix:" + std::string(local->sun_path);
}

Result<Listening> described(Fd socket) {
  Name name;
  if (::getsockname(socket.get(), name.generic(), &name.size) != 0) {
    return last_error("getsockname", "listening socket");
  }
  std::string where = text_of(name);
  return Listening{std::move(socket), std::move(where), is_loopback(name)};
}

// True when the path is a socket on which nobody listens any more. Of other files connect(2) says
// the same.
bool is_left_over(Name& name, const std::string& path) {
  struct stat about{};
  if (::lstat(path.c_str(), &about) != 0 || !S_ISSOCK(about.st_mode)) return false;
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe && ::connect(probe.get(), name.generic(), name.size) != 0 && errno == ECONNREFUSED;
}

// The mode of files made meanwhile: that which is wanted, whatever the umask.
class MadeWith {
 public:
  explicit MadeWith(std::optional<unsigned> mode)
      : before_(mode ? std::optional(::umask(~*mode & 0777U)) : std::nullopt) {}
  MadeWith(const MadeWith&) = delete;
  MadeWith& operator=(const MadeWith&) = delete;
  ~MadeWith() {
    if (before_) ::umask(*before_);
  }

 private:
  const std::optional<mode_t> before_;
};

Status bind_to(int socket, Name& name, const std::string& path) {
  if (::bind(socket, name.generic(), name.size) == 0) return Ok{};
  int error = errno;
  if (error == EADDRINUSE && !path.empty() && is_left_over(name, path) &&
      ::unlink(path.c_str()) == 0) {
    if (::bind(socket, name.generic(), name.size) == 0) return Ok{};
    error = errno;
  }
  return Error{error, "listen", path.empty() ? text_of(name) : "unix:" + path};
}

std::optional<int> number_in(const char* variable) {
  const char* text = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): before any thread
  if (text == nullptr) return std::nullopt;
  const auto number = parse_count(text, 0, INT32_MAX);
  if (!number) return std::nullopt;
  return static_cast<int>(*number);
}

bool is_listening_stream(int fd) {
  int type = 0;
  int accepting = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM) return false;
  size = sizeof accepting;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size) == 0 && accepting != 0;
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  Address address;
  if (text.starts_with("unix:")) {
    address.path = std::string(text.substr(5));
    Name name;
    if (!fill_unix(address.path, name)) {
      return bad_data("a unix socket's path has 1 to 107 bytes", std::string(text));
    }
    return address;
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad_data("ADDRESS:PORT or unix:PATH", text);
  const auto port = parse_count(text.substr(colon + 1), 0, 65535);
  if (!port) return bad_data("the port is a number from 0 to 65535", text);
  address.port = static_cast<int>(*port);
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  address.host = host == "localhost" ? "127.0.0.1" : std::string(host);
  Name name;
  if (!fill_inet(address, name)) {
    return bad_data("an address in numbers, localhost, or unix:PATH", text);
  }
  return address;
}

std::optional<unsigned> parse_mode(std::string_view text) {
  unsigned mode = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, mode, 8);
  const bool good = text.size() >= 3 && text.size() <= 4 && text.front() != '-' &&
                    read.ec == std::errc() && read.ptr == end && mode <= 0777;
  return good ? std::optional(mode) : std::nullopt;
}

Result<Listening> listen_at(const Address& address) {
  Name name;
  if (!(address.path.empty() ? fill_inet(address, name) : fill_unix(address.path, name))) {
    return Error{EINVAL, "listen", address.host + address.path};
  }
  Fd socket(::socket(name.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return last_error("socket", "listening socket");
  const int on = 1;
  // Not SO_REUSEPORT: a second server on the same port must fail.
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);  // bind tells
  const MadeWith mode(address.mode);  // from the start: no moment at which others may connect
  if (Status bound = bind_to(socket.get(), name, address.path); !bound) return bound.error();
  if (::listen(socket.get(), kBacklog) != 0) return last_error("listen", "listening socket");
  return described(std::move(socket));
}

bool is_ip_address(std::string_view text) {
  Name name;
  return fill_inet({.host = std::string(text), .path = {}}, name);
}

std::string peer_of(int socket) {
  Name name;
  if (::getpeername(socket, name.generic(), &name.size) != 0) return "";
  if (name.storage.ss_family == AF_UNIX) return "unix";
  std::string host = host_of(name);
  // A client of a socket for both families that came by IPv4.
  return host.starts_with("::ffff:") && host.find('.') != std::string::npos ? host.substr(7) : host;
}

Result<std::optional<Listening>> inherited() {
  const auto pid = number_in("LISTEN_PID");
  const auto count = number_in("LISTEN_FDS");
  if (!pid || !count || *pid != ::getpid() || *count == 0) return std::optional<Listening>();
  if (*count != 1 || !is_listening_stream(kFirstInherited)) {
    return Error{EINVAL, "take over one listening stream socket", "LISTEN_FDS"};
  }
  (void)::fcntl(kFirstInherited, F_SETFD, FD_CLOEXEC);  // nothing is executed anyway
  auto listening = described(Fd(kFirstInherited));
  if (!listening) return listening.error();
  return std::optional<Listening>(std::move(*listening));
}

}  // namespace imgq::web
