// image-quality SOURCE RESULT...: how near each result is to what the source should have become.
// For each result one line: SSIM of lightness, PSNR in dB, its name. The reference is a full decode
// by libjpeg or libpng, and a Lanczos reduction in floating point.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <numbers>
#include <vector>

#include "tests/images/made.h"

namespace {

using imgq::made::Pixels;

struct Plane {
  int width = 0, height = 0;
  std::vector<float> data;
  Plane(int w, int h)
      : width(w), height(h), data(static_cast<size_t>(w) * static_cast<size_t>(h)) {}
  float& at(int x, int y) {
    return data[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
  }
  float at(int x, int y) const {
    return data[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
  }
};

Pixels load(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const imgq::made::Bytes bytes{std::istreambuf_iterator<char>(file), {}};
  return imgq::made::read(bytes);
}

Plane lightness(const Pixels& pixels) {
  Plane out(pixels.width, pixels.height);
  const bool grey = pixels.bands < 3;
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const float r = pixels.at(x, y, 0), g = pixels.at(x, y, grey ? 0 : 1),
                  b = pixels.at(x, y, grey ? 0 : 2);
      out.at(x, y) = 0.299F * r + 0.587F * g + 0.114F * b;
    }
  }
  return out;
}

double lanczos(double x) {
  if (std::abs(x) < 1e-9) return 1;
  if (std::abs(x) >= 3) return 0;
  const double t = x * std::numbers::pi;
  return 3 * std::sin(t) * std::sin(t / 3) / (t * t);
}

// Reduces across and turns the plane on its side: twice is both.
Plane reduced_and_turned(const Plane& in, int width) {
  Plane out(in.height, width);
  const double step = static_cast<double>(in.width) / width, widen = std::max(1.0, step);
  for (int i = 0; i < width; ++i) {
    const double centre = (i + 0.5) * step;
    const int low = static_cast<int>(centre - 3 * widen),
              high = static_cast<int>(centre + 3 * widen);
    std::vector<float> weights;
    double sum = 0;
    for (int j = low; j <= high; ++j) {
      weights.push_back(static_cast<float>(lanczos((j + 0.5 - centre) / widen)));
      sum += weights.back();
    }
    for (int y = 0; y < in.height; ++y) {
      float value = 0;
      for (int j = low; j <= high; ++j) {
        value += weights[static_cast<size_t>(j - low)] * in.at(std::clamp(j, 0, in.width - 1), y);
      }
      out.at(y, i) = static_cast<float>(value / sum);
    }
  }
  return out;
}

Plane reduced(const Plane& in, int width, int height) {
  return reduced_and_turned(reduced_and_turned(in, width), height);
}

// A Gaussian of 1.5 pixels over eleven, along rows; the plane is turned on its side.
Plane blurred_and_turned(const Plane& in) {
  float weights[11], sum = 0;
  for (int i = 0; i < 11; ++i) {
    const float distance = static_cast<float>(i) - 5;
    sum += weights[i] = std::exp(-distance * distance / 4.5F);
  }
  Plane out(in.height, in.width);
  for (int y = 0; y < in.height; ++y) {
    for (int x = 0; x < in.width; ++x) {
      float value = 0;
      for (int i = 0; i < 11; ++i) {
        value += weights[i] / sum * in.at(std::clamp(x + i - 5, 0, in.width - 1), y);
      }
      out.at(y, x) = value;
    }
  }
  return out;
}

Plane blurred(const Plane& in) { return blurred_and_turned(blurred_and_turned(in)); }

Plane product(const Plane& a, const Plane& b) {
  Plane out = a;
  for (size_t i = 0; i < out.data.size(); ++i) out.data[i] *= b.data[i];
  return out;
}

double ssim(const Plane& a, const Plane& b) {
  constexpr double kC1 = 6.5025, kC2 = 58.5225;
  const Plane ma = blurred(a), mb = blurred(b), aa = blurred(product(a, a)),
              bb = blurred(product(b, b)), ab = blurred(product(a, b));
  double sum = 0;
  for (size_t i = 0; i < a.data.size(); ++i) {
    const double x = ma.data[i], y = mb.data[i];
    const double vx = aa.data[i] - x * x, vy = bb.data[i] - y * y, covariance = ab.data[i] - x * y;
    sum += (2 * x * y + kC1) * (2 * covariance + kC2) / ((x * x + y * y + kC1) * (vx + vy + kC2));
  }
  return sum / static_cast<double>(a.data.size());
}

double psnr(const Plane& a, const Plane& b) {
  double sum = 0;
  for (size_t i = 0; i < a.data.size(); ++i) {
    const double difference = a.data[i] - b.data[i];
    sum += difference * difference;
  }
  return 10 * std::log10(65025.0 * static_cast<double>(a.data.size()) / std::max(sum, 1e-9));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return std::fputs("usage: image-quality SOURCE RESULT...\n", stderr), 64;
  const Plane source = lightness(load(argv[1]));
  for (int i = 2; i < argc; ++i) {
    const Plane result = lightness(load(argv[i]));
    Plane wanted = reduced(source, result.width, result.height);
    for (float& value : wanted.data) value = std::clamp(value, 0.0F, 255.0F);
    std::printf("%.5f %.2f %s\n", ssim(wanted, result), psnr(wanted, result), argv[i]);
  }
  return 0;
}
