#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Bytes from outside made fit to be shown, and small things about words.
namespace imgq {

// How many bytes the UTF-8 character at the start of `bytes` has; 0 when it is none (RFC 3629).
size_t utf8_length(std::string_view bytes);

bool is_utf8(std::string_view bytes);

// For people and terminals: control characters (C0, DEL, C1), line and direction marks and bytes
// that are not UTF-8 become \xNN, a backslash becomes "\\". No name can forge a line with it.
std::string printable(std::string_view bytes);

// Width of `text` on a terminal, in columns, counting each character as one.
size_t columns(std::string_view text);

// At most `limit` bytes, cut between characters.
std::string_view shortened(std::string_view text, size_t limit);

// "3.4 MB", "900 B"; powers of 1000.
std::string human_bytes(int64_t bytes);

// "2026-11-24T05:49:44Z", "2026-11-24T05:49:44.123Z".
std::string iso_time(int64_t unix_ms);

// "1 job", "2 jobs": for nouns whose plural ends in s.
std::string counted(int64_t number, std::string_view noun);

// What stands between the separators, empty pieces left out.
std::vector<std::string> split(std::string_view text, char separator);

// "a, b or c"
std::string one_of(const std::vector<std::string>& words);

}  // namespace imgq
