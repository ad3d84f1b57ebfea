#pragma once

#include <atomic>
#include <optional>
#include <utility>

namespace imgq::web {

// One of so many that may be held at once, as long as it lives.
class Permit {
 public:
  // Nothing when `most` are held already.
  static std::optional<Permit> take(std::atomic<int>& count, int most) {
    if (++count <= most) return Permit(&count);
    --count;
    return std::nullopt;
  }
  Permit(Permit&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  Permit& operator=(Permit&& other) noexcept {
    std::swap(count_, other.count_);
    return *this;
  }
  Permit(const Permit&) = delete;
  Permit& operator=(const Permit&) = delete;
  ~Permit() {
    if (count_ != nullptr) --*count_;
  }

 private:
  explicit Permit(std::atomic<int>* count) : count_(count) {}
  std::atomic<int>* count_;
};

}  // namespace imgq::web
