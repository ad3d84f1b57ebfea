#include "src/util/sd_notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "src/util/fd.h"

namespace imgq::notify {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): never set after start
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::optional<long long> number(std::string_view text) {
  long long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Status send(std::string_view state) {
  const std::string_view name = variable("NOTIFY_SOCKET");
  if (name.empty()) return Ok{};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if ((name[0] != '/' && name[0] != '@') || name.size() >= sizeof(address.sun_path)) {
    return Error{EINVAL, "notify the service manager", std::string(name)};
  }
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return last_error("open the notification socket", name);
  const size_t size = offsetof(sockaddr_un, sun_path) + name.size();
  if (::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
               reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size)) < 0) {
    return last_error("notify the service manager", name);
  }
  return Ok{};
}

std::optional<std::chrono::microseconds> watchdog() {
  const auto interval = number(variable("WATCHDOG_USEC"));
  if (!interval || *interval <= 0) return std::nullopt;
  const std::string_view pid = variable("WATCHDOG_PID");
  if (!pid.empty() && number(pid) != static_cast<long long>(::getpid())) return std::nullopt;
  return std::chrono::microseconds(*interval);
}

}  // namespace imgq::notify
