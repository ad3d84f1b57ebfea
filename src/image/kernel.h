#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "src/image/resample.h"

namespace imgq::image {

inline constexpr int kWeightBits = 14;

// For each result position: which input positions count, and how much. Positions outside the
// input are folded onto its edge. Weights of one result add up to 1 << kWeightBits.
struct Taps {
  int first = 0;
  std::vector<int16_t> weights;
};

// The last few are kept: images of a batch are often of one size, two planes of an image always.
using TapsOfAxis = std::shared_ptr<const std::vector<Taps>>;
TapsOfAxis lanczos_taps(const Axis& axis, int input_px);

}  // namespace imgq::image
