#include "src/util/cgroup.h"

#include <algorithm>
#include <cstddef>
#include <fstream>

namespace imgq {
namespace {

// Whether "cpu,cpuacct" names the controller; the empty list is version 2's.
bool names(std::string_view list, std::string_view controller) {
  if (list.empty() || controller.empty()) return list == controller;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (list.substr(0, comma) == controller) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

// "4:memory:/a/b" is /a/b of that controller, "0::/a/b" of version 2; "" where there is none.
std::string own_group(std::string_view controller, const std::string& membership) {
  std::ifstream in(membership);
  for (std::string line; std::getline(in, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos || line[second + 1] != '/') continue;
    const auto list = std::string_view(line).substr(first + 1, second - first - 1);
    if (names(list, controller)) return line.substr(second + 1);
  }
  return "";
}

}  // namespace

std::vector<std::string> control_groups(std::string_view controller, const std::string& membership,
                                        const std::string& cgroups) {
  const std::string top = cgroups + (controller.empty() ? "" : "/" + std::string(controller));
  std::vector<std::string> folders;
  std::string group = own_group(controller, membership);
  while (!group.empty()) {
    folders.push_back(top + group);
    group.resize(group == "/" ? 0 : std::max<size_t>(group.rfind('/'), 1));
  }
  return folders;
}

}  // namespace imgq
