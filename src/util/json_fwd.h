#ifndef IMGQ_SRC_UTIL_JSON_FWD_H_
#define IMGQ_SRC_UTIL_JSON_FWD_H_

// The name of a JSON value, for headers: what it is made of is in src/util/json.h.
#include <nlohmann/json_fwd.hpp>

namespace imgq {

using Json = nlohmann::json;

}  // namespace imgq

#endif  // IMGQ_SRC_UTIL_JSON_FWD_H_
