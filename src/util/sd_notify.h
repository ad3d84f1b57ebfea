#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "src/util/error.h"

// The service manager's datagrams, sd_notify(3), without its library: one datagram of NAME=value
// lines to the socket named by $NOTIFY_SOCKET. Without that variable every call does nothing, well.
namespace imgq::notify {

// "READY=1\nSTATUS=...", "STOPPING=1", "WATCHDOG=1", "EXTEND_TIMEOUT_USEC=...", "RELOADING=1".
//   errors  of socket(2), sendto(2); EINVAL a socket name that is neither a path nor abstract
Status send(std::string_view state);

// How often the manager wants WATCHDOG=1, from $WATCHDOG_USEC, when $WATCHDOG_PID names this
// process or is not set; nothing when it does not watch.
std::optional<std::chrono::microseconds> watchdog();

}  // namespace imgq::notify
