#pragma once

#include <functional>
#include <string>
#include <vector>

#include "src/cli/gather.h"

namespace imgq::cli {

// Whether the results of something else than this input go by a name already.
using Taken = std::function<bool(const std::string& name, size_t input)>;

// Where each input's results go, below the output directory and without extension: "photo",
// "holiday/photo" for what was found in the folder holiday/ of a given directory. Inputs that would
// meet each other, or what is taken, keep their own extension ("photo.png", "photo.jpg"), and where
// that is not enough, get -2, -3, ... in the order given. All different; the same inputs always
// give the same names where the same is taken.
std::vector<std::string> name_outputs(const std::vector<Input>& inputs, const Taken& is_taken);

}  // namespace imgq::cli
