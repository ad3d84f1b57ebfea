#include "src/cli/top.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>

#include "src/cli/apart.h"
#include "src/cli/commands.h"
#include "src/cli/wait.h"
#include "src/util/io.h"
#include "src/util/units.h"

namespace imgq::cli {
namespace {

// The terminal as top wants it, and back: another screen, no cursor, keys one by one.
class Screen {
 public:
  Screen() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    struct termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    say("\x1b[?1049h\x1b[?25l");
    shown = this;
    when_given_up([] { shown->leave(); });
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen() {
    when_given_up(nullptr);
    leave();
  }
  static void say(std::string_view text) {
    (void)write_all(STDOUT_FILENO, text, "stdout");  // the next look draws it all again
  }

 private:
  void leave() const {
    say("\x1b[?25h\x1b[?1049l");
    if (changed_) (void)::tcsetattr(STDIN_FILENO, TCSANOW, &before_);  // best effort
  }

  static const Screen* shown;  // the one there is
  struct termios before_{};
  bool changed_ = false;
};

const Screen* Screen::shown = nullptr;

constexpr int kRoomForHint = 16;

ScreenSize screen_size() {
  struct winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 10 || size.ws_row < 5) {
    return {};
  }
  return {size.ws_col, size.ws_row};
}

// Drawn over what is there, line by line, so that nothing flickers; wide characters cannot wrap.
void show(const Session& session, const Snapshot& now, const std::optional<Mark>& before) {
  ScreenSize size = screen_size();
  const int last_row = size.rows;
  const bool hint = size.rows >= kRoomForHint;
  if (hint) size.rows -= 2;
  --size.columns;  // clearing the rest of a full line would take its last character
  std::string text = "\x1b[?7l\x1b[H";
  size_t drawn = 0;
  for (const std::string& line :
       draw_top(session.console, session.config.spool, now, before, size)) {
    text += fmt::format("{}{}\x1b[K", drawn++ == 0 ? "" : "\r\n", line);
  }
  text += "\x1b[J";
  if (hint) {
    text += fmt::format("\x1b[{};1H{}", last_row, session.console.paint(Tint::faint, "q leaves"));
  }
  Screen::say(text + "\x1b[?7h");
}

// Waits; true when the user wants to leave.
bool leaves(int timeout_ms) {
  struct pollfd key{STDIN_FILENO, POLLIN, 0};
  if (::poll(&key, 1, timeout_ms) <= 0) return stopped();
  char byte = 0;
  return ::read(STDIN_FILENO, &byte, 1) != 1 || byte == 'q' || byte == 'Q' || stopped();
}

// Until the user leaves.
Status watch(const Session& session, const Spool& spool, int interval_ms) {
  stop_by({SIGINT, SIGTERM, SIGHUP});
  struct sigaction wake{};  // a resized window: poll returns, and the screen is drawn anew
  wake.sa_handler = [](int) {};
  (void)::sigaction(SIGWINCH, &wake, nullptr);  // cannot fail with these
  Pace pace;
  Heartbeats owners;
  const Screen screen;
  do {
    const auto now = take_snapshot(spool, session.config, owners);
    if (!now) return now.error();
    show(session, *now, pace.since(*now));
  } while (!leaves(interval_ms));
  return Ok{};
}

}  // namespace

Exit top_command(const Session& session, const TopOptions& options) {
  const auto interval = parse_duration(options.interval);
  if (!interval || interval->count() < 1 || interval->count() > 3600) {
    return fail(session, Exit::usage, "--interval: a duration from 1s to 1h");
  }
  const auto spool = open_spool(session);
  if (!spool) return exit_for(spool.error());
  const bool terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  const char* term = ::getenv("TERM");  // NOLINT(concurrency-mt-unsafe): never set here
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  if (terminal && !dumb && !options.once && !session.json) {
    const auto watched = watch(session, *spool, static_cast<int>(interval->count() * 1000));
    return watched ? Exit::ok : fail(session, watched.error());
  }
  Heartbeats owners;
  const auto now = take_snapshot(*spool, session.config, owners);
  if (!now) return fail(session, now.error());
  if (session.json) {
    session.console.put_line(top_json(*now));
    return Exit::ok;
  }
  for (const std::string& line :
       draw_top(session.console, session.config.spool, *now, std::nullopt, {200, 10'000})) {
    session.console.put_line(line);
  }
  return Exit::ok;
}

}  // namespace imgq::cli
