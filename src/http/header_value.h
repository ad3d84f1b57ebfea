#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Reads the values of header fields. By hand, without recursion: a hostile value costs a small
// multiple of its length.
namespace imgq::web {

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

// The first of this name; null when there is none.
const std::string* find_in(const NamedTexts& texts, std::string_view name);

// "form-data; name=\"file\"; filename*=UTF-8''a%20b" in its parts.
struct Parameters {
  std::string word;  // the first word, lower case: "form-data", "multipart/form-data"
  NamedTexts pairs;  // names lower case, values unquoted
};

// Within quotes only \" and \\ are escapes, so that "C:\photo.jpg" (old browsers) keeps its
// backslash. A quote ends a value where the next parameter or nothing follows; one elsewhere is the
// value's own, and so is a backslash that would leave the value without an end. Nothing when a
// quote is left open, a parameter has no name, one comes twice, or there are more than 16.
std::optional<Parameters> parse_parameters(std::string_view value);

// RFC 8187's ext-value: "UTF-8''a%20b" gives "a b". Nothing for other charsets, which senders need
// not know.
std::optional<std::string> decode_ext_value(std::string_view value);

// The boundary in a Content-Type of multipart/form-data: 1 to 70 characters as RFC 2046 allows.
// Nothing for any other type or a bad boundary.
std::optional<std::string> multipart_boundary(std::string_view content_type);

// "%2f" and the like; nothing for a bad escape.
std::optional<std::string> percent_decoded(std::string_view text);

std::string lower(std::string_view text);                // ASCII only
std::string_view trimmed(std::string_view text);         // of blanks and tabs
bool same_word(std::string_view a, std::string_view b);  // ASCII case ignored
bool is_token(std::string_view text);                    // RFC 9110's token, not empty

}  // namespace imgq::web
