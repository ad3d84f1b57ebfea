#pragma once

// The name of a JSON value, for headers: what it is made of is in src/util/json.h.
#include <nlohmann/json_fwd.hpp>

namespace imgq {

using Json = nlohmann::json;

}  // namespace imgq
