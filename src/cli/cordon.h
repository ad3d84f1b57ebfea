#pragma once

#include <string>
#include <vector>

#include "spool/cordon.h"
#include "src/util/json_fwd.h"

namespace imgq::cli {

// "web1, since 2026-11-24T05:49:44Z, by alice"
std::string cordon_words(const Cordon& cordon);

// [{"host","since","by"}]
Json cordons_array(const std::vector<Cordon>& cordons);

}  // namespace imgq::cli
