#include "spool/internal/walk.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include "spool/layout.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

struct Listing {
  const TakeName& take;
  bool any = false;
};

bool hand_on(const char* name, void* context) {
  auto& listing = *static_cast<Listing*>(context);
  listing.any = true;
  return listing.take(name);
}

// Whether a listing failed because the folder went, or became a stranger's file, meanwhile. ESTALE
// says so of one that another host removed; the name then leads nowhere.
bool is_gone(int dir, const std::string& folder, int code) {
  struct stat about = {};
  if (code == ESTALE) return sys::fstatat(dir, folder.c_str(), &about) != 0 && errno == ENOENT;
  return code == ENOENT || code == ENOTDIR;
}

int digits(std::string_view text) {
  int value = 0;
  for (const char c : text) value = value * 10 + (c - '0');
  return value;
}

}  // namespace

Status each_name(int dir, const std::string& folder, const TakeName& take) {
  Listing listing{take};
  if (sys::list(dir, folder.c_str(), hand_on, &listing) == 0) return Ok{};
  // Another host has just made it or put one in its place: the name is looked up anew, once.
  const bool again = errno == ESTALE && !listing.any;
  if (again && sys::list(dir, folder.c_str(), hand_on, &listing) == 0) return Ok{};
  return last_error("list", folder);
}

Status each_name_if_any(int dir, const std::string& folder, const TakeName& take) {
  auto listed = each_name(dir, folder, take);
  return !listed && is_gone(dir, folder, listed.error().code) ? Status(Ok{}) : listed;
}

Status each_part(const Spool& spool, const std::string& folder, const TakePart& take) {
  auto listed = each_name(spool.root(), folder, [&take](std::string_view name) {
    if (const auto part = layout::parse_part(name)) take(*part, name);
    return true;
  });
  return !listed && listed.error().code == ENOENT ? Status(Ok{}) : listed;
}

Result<std::vector<std::string>> sorted_names(const Spool& spool, const std::string& folder) {
  std::vector<std::string> names;
  const auto listed = each_name(spool.root(), folder, [&names](std::string_view name) {
    names.emplace_back(name);
    return true;
  });
  const int code = listed ? 0 : listed.error().code;
  const bool gone = code != 0 && code != ENOTDIR && is_gone(spool.root(), folder, code);
  if (!listed && !gone) return listed.error();
  std::sort(names.begin(), names.end());
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

std::string hour_at(int64_t unix_ms) {
  const std::chrono::hours hours(unix_ms / 3'600'000);
  const auto days = std::chrono::floor<std::chrono::days>(hours);
  const std::chrono::year_month_day date{std::chrono::sys_days(days)};
  char text[40];
  (void)std::snprintf(text, sizeof text, "%04d-%02u-%02u/%02d",  // always fits
                      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                      static_cast<unsigned>(date.day()), static_cast<int>((hours - days).count()));
  return text;
}

int64_t start_of_hour_ms(std::string_view hour) {
  const std::chrono::month month(static_cast<unsigned>(digits(hour.substr(5, 2))));
  const std::chrono::day day(static_cast<unsigned>(digits(hour.substr(8, 2))));
  const std::chrono::sys_days date = std::chrono::year(digits(hour.substr(0, 4))) / month / day;
  const auto begin = date + std::chrono::hours(digits(hour.substr(11, 2)));
  return std::chrono::milliseconds(begin.time_since_epoch()).count();
}

}  // namespace imgq
