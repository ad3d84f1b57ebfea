#include "src/cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "src/util/sys.h"

namespace imgq::cli {
namespace {

constexpr int64_t kBetweenMs = 100;

std::string seconds_words(int64_t seconds) {
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{}:{:02} min", seconds / 60, seconds % 60);
  return fmt::format("{}:{:02} h", seconds / 3600, seconds % 3600 / 60);
}

}  // namespace

std::string progress_line(int64_t done, int64_t total, int64_t failed, int64_t elapsed_ms,
                          int width) {
  const std::string all = std::to_string(total);
  std::string tail = fmt::format(" {:>3}%", total == 0 ? 100 : done * 100 / total);
  if (done > 0 && elapsed_ms > 0) {
    const double rate = static_cast<double>(done) * 1000.0 / static_cast<double>(elapsed_ms);
    const int64_t left = std::llround(static_cast<double>(total - done) / rate);
    tail += rate < 10 ? fmt::format("  {:.1f}/s", rate) : fmt::format("  {:.0f}/s", rate);
    tail += fmt::format("  {} left", seconds_words(left));
  }
  if (failed > 0) tail += fmt::format("  {} failed", failed);
  const std::string head = fmt::format("{:>{}}/{}", done, all.size(), all);
  const int room = width - 1 - static_cast<int>(head.size() + tail.size()) - 3;
  if (room < 5) return (head + tail).substr(0, static_cast<size_t>(std::max(width - 1, 0)));
  const auto cells = static_cast<size_t>(std::min(room, 40));
  const size_t full =
      total == 0 ? cells : static_cast<size_t>(done) * cells / static_cast<size_t>(total);
  return fmt::format("{} [{}{}]{}", head, std::string(full, '#'), std::string(cells - full, '-'),
                     tail);
}

Progress::Progress(Console& console, int64_t total)
    : console_(console), total_(total), begin_ms_(sys::monotonic_ms()) {
  if (total_ > 0) draw(begin_ms_);
}

Progress::~Progress() { console_.clear(); }

void Progress::step(bool failed) {
  ++done_;
  if (failed) ++failed_;
  const int64_t now = sys::monotonic_ms();
  if (now - drawn_ms_ >= kBetweenMs || done_ == total_) draw(now);
}

void Progress::refresh() {
  const int64_t now = sys::monotonic_ms();
  if (total_ > 0 && now - drawn_ms_ >= kBetweenMs) draw(now);
}

void Progress::draw(int64_t now) {
  if (!console_.lively()) return;
  drawn_ms_ = now;
  console_.redraw(progress_line(done_, total_, failed_, now - begin_ms_, terminal_width()));
}

}  // namespace imgq::cli
