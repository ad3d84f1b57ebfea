#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "spool/layout.h"
#include "spool/spool.h"
#include "src/util/error.h"

namespace imgq {

// Hands each name of a folder to `take` in the kernel's order; false stops. What is renamed
// meanwhile may be seen or not, what stays is seen.
using TakeName = std::function<bool(std::string_view name)>;
Status each_name(int dir, const std::string& folder, const TakeName& take);

// The same for a folder that may vanish meanwhile, or be a stranger's file: it holds nothing then.
Status each_name_if_any(int dir, const std::string& folder, const TakeName& take);

// The same for the parts of jobs in an hour folder, which may be gone; strangers are skipped.
using TakePart = std::function<void(const layout::Part& part, std::string_view name)>;
Status each_part(const Spool& spool, const std::string& folder, const TakePart& take);

// All names of a folder in order; empty when there is no such folder.
Result<std::vector<std::string>> sorted_names(const Spool& spool, const std::string& folder);

// The hour folders under jobs/ or completed/ as "<day>/<hour>", in order. Strangers are skipped.
Result<std::vector<std::string>> hours_under(const Spool& spool, const std::string& top);

// The hour "<day>/<hour>" (UTC) in which a Unix time, in ms, lies.
std::string hour_at(int64_t unix_ms);

// Unix time at which an hour "<day>/<hour>" begins, in ms.
int64_t start_of_hour_ms(std::string_view hour);

}  // namespace imgq
