#pragma once

#include <functional>

#include "src/base/exit_code.h"

namespace imgq::tools {

// Runs a program. As PID 1, as a container starts it, in a child: what hooks leave running becomes
// a child of PID 1, which reaps it when it ends; SIGTERM, SIGINT and SIGHUP are passed on.
Exit run_with_init(const std::function<Exit()>& program);

}  // namespace imgq::tools
