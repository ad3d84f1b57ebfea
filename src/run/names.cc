#include "src/run/names.h"

#include <fmt/format.h>

#include <map>
#include <set>

namespace imgq::cli {
namespace {

std::string plain_name(const Input& input) {
  return joined(input.folder, imgq::stem_of(base_name(input.path)));
}

}  // namespace

std::vector<std::string> name_outputs(const std::vector<Input>& inputs, const Taken& is_taken) {
  std::map<std::string, int> wanted;
  for (const Input& input : inputs) ++wanted[plain_name(input)];
  std::vector<std::string> names(inputs.size());
  std::set<std::string> used;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string name = plain_name(inputs[i]);
    if (wanted[name] == 1 && !is_taken(name, i)) used.insert(names[i] = name);
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!names[i].empty()) continue;
    const std::string full = joined(inputs[i].folder, base_name(inputs[i].path));
    names[i] = full;
    for (int number = 2; is_taken(names[i], i) || !used.insert(names[i]).second; ++number) {
      names[i] = fmt::format("{}-{}", full, number);
    }
  }
  return names;
}

}  // namespace imgq::cli
