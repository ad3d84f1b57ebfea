#include "src/cli/run_names.h"

#include <fmt/format.h>

#include <map>
#include <set>

namespace imgq::cli {
namespace {

std::string below(const std::string& folder, std::string_view name) {
  return folder.empty() ? std::string(name) : fmt::format("{}/{}", folder, name);
}

std::string plain_name(const Input& input) {
  return below(input.folder, stem_of(base_name(input.path)));
}

std::string full_name(const Input& input) { return below(input.folder, base_name(input.path)); }

}  // namespace

std::vector<std::string> name_outputs(const std::vector<Input>& inputs) {
  std::map<std::string, int> wanted;
  for (const Input& input : inputs) ++wanted[plain_name(input)];
  std::set<std::string> used;
  for (const auto& [name, times] : wanted) {
    if (times == 1) used.insert(name);
  }
  std::vector<std::string> names;
  for (const Input& input : inputs) {
    std::string name = plain_name(input);
    if (wanted[name] > 1) {
      const std::string full = full_name(input);
      name = full;
      for (int number = 2; !used.insert(name).second; ++number) {
        name = fmt::format("{}-{}", full, number);
      }
    }
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace imgq::cli
