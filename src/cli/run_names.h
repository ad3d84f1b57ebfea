#ifndef IMGQ_SRC_CLI_RUN_NAMES_H_
#define IMGQ_SRC_CLI_RUN_NAMES_H_

#include <string>
#include <vector>

#include "src/cli/files.h"

namespace imgq::cli {

// Where each input's results go, below the output directory and without extension: "photo",
// "holiday/photo" for what was found in the folder holiday/ of a given directory. Inputs that would
// meet keep their own extension ("photo.png", "photo.jpg"), and where that is not enough, get -2,
// -3, ... in the order given. All different; the same inputs always give the same names.
std::vector<std::string> name_outputs(const std::vector<Input>& inputs);

}  // namespace imgq::cli

#endif  // IMGQ_SRC_CLI_RUN_NAMES_H_
