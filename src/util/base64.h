#pragma once

#include <optional>
#include <string>
#include <string_view>

// RFC 4648, by nettle.
namespace imgq {

std::string base64_encoded(std::string_view bytes);

// With or without the padding; nothing for what is not base64.
std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace imgq
