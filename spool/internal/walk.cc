#include "spool/internal/walk.h"

#include <chrono>

#include "spool/layout.h"
#include "src/util/io.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

bool hand_on(const char* name, void* context) {
  return (*static_cast<const TakeName*>(context))(name);
}

int digits(std::string_view text) {
  int value = 0;
  for (const char c : text) value = value * 10 + (c - '0');
  return value;
}

}  // namespace

Status each_name(int dir, const std::string& folder, const TakeName& take) {
  auto context = take;
  if (sys::list(dir, folder.c_str(), hand_on, &context) != 0) return last_error("list", folder);
  return Ok{};
}

Status each_name_if_any(int dir, const std::string& folder, const TakeName& take) {
  auto listed = each_name(dir, folder, take);
  const int code = listed ? 0 : listed.error().code;
  return code == ENOENT || code == ENOTDIR ? Status(Ok{}) : listed;
}

Status each_part(const Spool& spool, const std::string& folder, const TakePart& take) {
  auto listed = each_name(spool.root(), folder, [&take](std::string_view name) {
    if (const auto part = layout::parse_part(name)) take(*part, name);
    return true;
  });
  return !listed && listed.error().code == ENOENT ? Status(Ok{}) : listed;
}

Result<std::vector<std::string>> sorted_names(const Spool& spool, const std::string& folder) {
  auto names = list_names(spool.root(), folder);
  if (!names && names.error().code == ENOENT) return std::vector<std::string>();
  return names;
}

Result<std::vector<std::string>> hours_under(const Spool& spool, const std::string& top) {
  const auto days = sorted_names(spool, top);
  if (!days) return days.error();
  std::vector<std::string> hours;
  for (const std::string& day : *days) {
    if (!layout::is_day(day)) continue;
    const auto names = sorted_names(spool, top + "/" + day);
    if (!names && names.error().code == ENOTDIR) continue;  // a stranger
    if (!names) return names.error();
    for (const std::string& name : *names) {
      if (layout::is_hour(name)) hours.push_back(day + "/" + name);
    }
  }
  return hours;
}

int64_t start_of_hour_ms(std::string_view hour) {
  const std::chrono::month month(static_cast<unsigned>(digits(hour.substr(5, 2))));
  const std::chrono::day day(static_cast<unsigned>(digits(hour.substr(8, 2))));
  const std::chrono::sys_days date = std::chrono::year(digits(hour.substr(0, 4))) / month / day;
  const auto begin = date + std::chrono::hours(digits(hour.substr(11, 2)));
  return std::chrono::milliseconds(begin.time_since_epoch()).count();
}

}  // namespace imgq
