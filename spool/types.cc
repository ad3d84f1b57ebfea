#include "spool/types.h"

#include <cstddef>
#include <iterator>

namespace imgq {
namespace {

constexpr std::string_view kNames[] = {"staging", "delayed", "processing", "completed",
                                       "failed",  "hold",    "cancelled"};  // in State's order
static_assert(std::size(kNames) == std::size(kAllStates));

}  // namespace

std::string_view name_of(State state) { return kNames[static_cast<size_t>(state)]; }

}  // namespace imgq
