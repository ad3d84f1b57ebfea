#include "src/supervise/share.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace imgq::supervise {
namespace {

// FNV-1a, whose last step mixes little, and a mixer after it (the finalizer of MurmurHash3).
uint64_t weight(std::string_view owner, std::string_view id) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const std::string_view part : {owner, id}) {
    for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

}  // namespace

bool Share::has(const JobId& id) const {
  if (others_.empty()) return true;
  const std::string& text = id.text();
  const uint64_t mine = weight(me_, text);
  return std::none_of(others_.begin(), others_.end(), [&](const std::string& other) {
    const uint64_t theirs = weight(other, text);
    return theirs > mine || (theirs == mine && other > me_);
  });
}

}  // namespace imgq::supervise
