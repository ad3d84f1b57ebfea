#ifndef IMGQ_SRC_CLI_JSON_BYTES_H_
#define IMGQ_SRC_CLI_JSON_BYTES_H_

#include <string>
#include <string_view>

#include "src/util/text.h"

namespace imgq {

std::string percent_encode(std::string_view bytes);  // of src/util/json.h

namespace cli {

// A name of any bytes in an object: UTF-8 as far as it is; where it is not, the exact bytes stand
// beside it, percent-encoded, under KEY_percent. Everywhere in the JSON of imgq alike. A template,
// so that no header needs the JSON library.
template <class Object>
void put_bytes(Object& out, const std::string& key, const std::string& bytes) {
  out[key] = bytes;
  if (!is_utf8(bytes)) out[key + "_percent"] = percent_encode(bytes);
}

}  // namespace cli
}  // namespace imgq

#endif  // IMGQ_SRC_CLI_JSON_BYTES_H_
