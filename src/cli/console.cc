#include "src/cli/console.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "src/util/io.h"

namespace imgq::cli {
namespace {

constexpr size_t kHeld = size_t{64} * 1024;

std::string variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): never set here
  return value == nullptr ? "" : value;
}

bool dumb() { return variable("TERM").empty() || variable("TERM") == "dumb"; }

bool wants_colour(When when) {
  if (when != When::automatic) return when == When::always;
  return variable("NO_COLOR").empty() && !dumb() && isatty(STDOUT_FILENO) == 1;
}

}  // namespace

Console::Console(Loudness loudness, When colour)
    : loudness_(loudness),
      colour_(wants_colour(colour)),
      lively_(loudness != Loudness::quiet && isatty(STDERR_FILENO) == 1 && !dumb()) {}

void Console::put(std::string_view bytes) {
  held_ += bytes;
  if (held_.size() >= kHeld) (void)flush();  // the last flush tells
}

void Console::put_line(std::string_view line) {
  put(line);
  put("\n");
}

bool Console::flush() {
  if (!held_.empty() && !broken_) {
    if (lively_ && drawn_) clear();
    broken_ = !write_all(STDOUT_FILENO, held_, "stdout");
  }
  held_.clear();
  return !broken_;
}

void Console::error(std::string_view message) {
  clear();
  (void)write_all(STDERR_FILENO, fmt::format("imgq: {}\n", message),
                  "stderr");  // nobody else to tell
}

void Console::note(std::string_view message) {
  if (!quiet()) error(message);
}

void Console::detail(std::string_view message) {
  if (verbose()) error(message);
}

std::string Console::paint(Tint tint, std::string_view text) const {
  if (!colour_ || tint == Tint::none) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", static_cast<int>(tint), text);
}

void Console::redraw(std::string_view line) {
  if (!lively_) return;
  (void)write_all(STDERR_FILENO, fmt::format("\r{}\x1b[K", line), "stderr");  // only decoration
  drawn_ = true;
}

void Console::clear() {
  if (drawn_) (void)write_all(STDERR_FILENO, "\r\x1b[K", "stderr");  // only decoration
  drawn_ = false;
}

int terminal_width() {
  struct winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 80;
  return size.ws_col;
}

bool can_ask() { return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1; }

bool ask(std::string_view question) {
  (void)write_all(STDERR_FILENO, fmt::format("{} [y/N] ", question),
                  "stderr");  // the answer decides
  std::string answer;
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n') answer += byte;
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace imgq::cli
