#include "src/util/log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <mutex>

#include "src/util/text.h"

namespace imgq::log {
namespace {

std::atomic<Level> the_level{Level::info};
std::atomic<Style> the_style{Style::text};

constexpr size_t kMaxLine = PIPE_BUF;  // a pipe that is ready takes as much, and in one piece
constexpr size_t kMaxValue = 1024;
constexpr int kPatienceMs = 1000;
constexpr size_t kTail = 4;  // room that is always left for what closes a line

// Whether stderr takes a line, or is at its end, within so long.
bool takes_more(int patience_ms) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
  for (;;) {
    struct pollfd out{STDERR_FILENO, POLLOUT, 0};
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    const int ready = ::poll(&out, 1, std::max(0, static_cast<int>(left.count())));
    if (ready >= 0 || errno != EINTR) return ready != 0;
  }
}

// A line under construction in a fixed buffer. What does not fit whole is left out.
class Line {
 public:
  void add(std::string_view text) {
    if (text.size() > kMaxLine - kTail - used_) return;
    close(text);
  }
  void close(std::string_view text) {
    text.copy(&buffer_[used_], text.size());
    used_ += text.size();
  }
  void escaped(std::string_view character, const char* form) {
    for (const char byte : character) {
      std::array<char, 8> out{};
      const int length = std::snprintf(out.data(), out.size(), form, byte & 0xff);
      if (length > 0) add({out.data(), static_cast<size_t>(length)});
    }
  }
  size_t used() const { return used_; }
  void cut(size_t used) { used_ = used; }
  bool full() const { return used_ + 2 * kTail >= kMaxLine; }
  // False when nobody takes it within `patience_ms`.
  bool send(int patience_ms) const {
    if (!takes_more(patience_ms)) return false;
    size_t done = 0;
    while (done < used_) {
      const ssize_t wrote = ::write(STDERR_FILENO, &buffer_[done], used_ - done);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0 && errno == EAGAIN) return false;
      if (wrote <= 0) break;  // nobody to tell, ever
      done += static_cast<size_t>(wrote);
    }
    return true;
  }

 private:
  std::array<char, kMaxLine> buffer_;
  size_t used_ = 0;
};

std::string_view name_of(Level level) {
  switch (level) {
    case Level::error:
      return "error";
    case Level::warning:
      return "warning";
    case Level::notice:
      return "notice";
    case Level::info:
      return "info";
    case Level::debug:
      return "debug";
  }
  return "error";
}

// stderr is the journal's stream: JOURNAL_STREAM holds its device and inode (systemd.exec(5)).
bool goes_to_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe): only read
  struct stat now{};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &now) != 0) return false;
  std::array<char, 64> expected{};
  (void)std::snprintf(expected.data(), expected.size(), "%llu:%llu",
                      static_cast<unsigned long long>(now.st_dev),
                      static_cast<unsigned long long>(now.st_ino));  // cannot be too long
  return std::string_view(expected.data()) == stream;
}

bool is_plain(std::string_view value) {
  return !value.empty() && value.find_first_of(" \"=\\") == std::string_view::npos;
}

// One character of a value; control characters and bytes that are no UTF-8 as \xNN.
void add_text(Line& line, std::string_view character, bool valid) {
  const auto first = static_cast<unsigned char>(character[0]);
  const bool c1 =
      character.size() == 2 && first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
  if (!valid || first < 0x20 || first == 0x7f || c1) return line.escaped(character, "\\x%02x");
  if (character == "\"" || character == "\\") line.add("\\");
  line.add(character);
}

// The same as JSON (RFC 8259): bytes that are no UTF-8 become U+FFFD.
void add_json(Line& line, std::string_view character, bool valid) {
  if (!valid) return line.add("\\ufffd");
  const auto first = static_cast<unsigned char>(character[0]);
  if (first < 0x20 || first == 0x7f) return line.escaped(character, "\\u%04x");
  if (character == "\"" || character == "\\") line.add("\\");
  line.add(character);
}

// A message is our own sentence that may quote a name: as a value, with its quotes as they are.
void add_words(Line& line, std::string_view character, bool valid) {
  if (character == "\"" || character == "\\") return line.add(character);
  add_text(line, character, valid);
}

void add_value(Line& line, std::string_view value, void (*add)(Line&, std::string_view, bool)) {
  value = shortened(value, kMaxValue);
  while (!value.empty()) {
    const size_t length = utf8_length(value);
    const size_t taken = length == 0 ? 1 : length;
    add(line, value.substr(0, taken), length != 0);
    value.remove_prefix(taken);
  }
}

void write_text(Line& line, Level level, std::string_view message,
                std::initializer_list<Field> fields) {
  line.add(program_invocation_short_name);
  line.add(": ");
  line.add(name_of(level));
  line.add(": ");
  add_value(line, message, add_words);
  for (const Field& field : fields) {
    const size_t before = line.used();
    const bool plain = is_plain(field.second);
    line.add(" ");
    line.add(field.first);
    line.add(plain ? "=" : "=\"");
    add_value(line, field.second, add_text);
    if (!plain) line.add("\"");
    if (line.full()) return line.cut(before);
  }
}

void add_pair(Line& line, std::string_view key, std::string_view value) {
  const size_t before = line.used();
  line.add(",\"");
  add_value(line, key, add_json);
  line.add("\":\"");
  add_value(line, value, add_json);
  line.add("\"");
  if (line.full()) line.cut(before);
}

std::string_view now_text(std::array<char, 40>& buffer) {
  struct timespec now{};
  struct tm parts{};
  if (::clock_gettime(CLOCK_REALTIME, &now) != 0) return "?";
  if (gmtime_r(&now.tv_sec, &parts) == nullptr) return "?";
  const size_t length = std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {buffer.data(), length};
}

void write_json(Line& line, Level level, std::string_view message,
                std::initializer_list<Field> fields) {
  std::array<char, 40> time{};
  line.add("{\"time\":\"");
  line.add(now_text(time));
  line.add("\"");
  add_pair(line, "level", name_of(level));
  add_pair(line, "program", program_invocation_short_name);
  add_pair(line, "message", message);
  for (const Field& field : fields) add_pair(line, field.first, field.second);
  line.close("}");
}

Line made(Level level, std::string_view message, std::initializer_list<Field> fields) {
  Line out;
  if (goes_to_journal()) {
    out.add("<");
    const char digit = static_cast<char>('0' + static_cast<int>(level));
    out.add({&digit, 1});
    out.add(">");
  }
  if (the_style.load() == Style::json) {
    write_json(out, level, message, fields);
  } else {
    write_text(out, level, message, fields);
  }
  out.close("\n");
  return out;
}

}  // namespace

void set_level(Level level) { the_level = level; }
void set_style(Style style) { the_style = style; }

Status set_up(std::string_view level, std::string_view style) {
  constexpr std::array<std::pair<std::string_view, Level>, 5> kLevels{{{"error", Level::error},
                                                                       {"warning", Level::warning},
                                                                       {"notice", Level::notice},
                                                                       {"info", Level::info},
                                                                       {"debug", Level::debug}}};
  const auto known = std::find_if(kLevels.begin(), kLevels.end(),
                                  [&](const auto& one) { return one.first == level; });
  if (known == kLevels.end()) {
    return Error{
        EINVAL,
        "the log level is error, warning, notice, info or debug, not '" + std::string(level) + "'",
        ""};
  }
  if (style != "text" && style != "json") {
    return Error{EINVAL, "the log style is text or json, not '" + std::string(style) + "'", ""};
  }
  set_level(known->second);
  set_style(style == "json" ? Style::json : Style::text);
  return Ok{};
}

bool shows(Level level) { return level <= the_level.load(); }

void line(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (!shows(level)) return;
  const Line out = made(level, message, fields);
  static std::mutex mutex;
  static int64_t lost = 0;
  const std::lock_guard lock(mutex);  // what one thread saw ready another one must not fill
  if (lost > 0 && made(Level::warning, "lines of this log were lost: nobody read it",
                       {{"lines", std::to_string(lost)}})
                      .send(0)) {
    lost = 0;
  }
  if (lost > 0 || !out.send(kPatienceMs)) ++lost;
}

}  // namespace imgq::log
