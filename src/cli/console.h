#pragma once

#include <string>
#include <string_view>

// Where the command talks: results on stdout, everything else on stderr.
namespace imgq::cli {

enum class Loudness { quiet, normal, verbose };
enum class When { automatic, always, never };
enum class Tint { none = 0, strong = 1, faint = 2, bad = 31, good = 32 };  // as ECMA-48's SGR

class Console {
 public:
  // Colour follows `colour`, then NO_COLOR, TERM=dumb and whether stdout is a terminal.
  Console(Loudness loudness, When colour);

  // Bytes for stdout, as they are. Held back until flush() or the buffer is full.
  void put(std::string_view bytes);
  void put_line(std::string_view line);
  // False once anything could not be written: stdout is closed or its disk is full.
  bool flush();

  // Lines on stderr, each "imgq: ..."; the caller has made names printable.
  void error(std::string_view message);   // always
  void note(std::string_view message);    // unless quiet
  void detail(std::string_view message);  // when verbose

  bool quiet() const { return loudness_ == Loudness::quiet; }
  bool verbose() const { return loudness_ == Loudness::verbose; }
  bool lively() const { return lively_; }  // stderr is a terminal that can redraw a line
  std::string paint(Tint tint, std::string_view text) const;

  // One line at the bottom of the terminal, drawn over by the next; nothing unless lively.
  void redraw(std::string_view line);
  void clear();

 private:
  Loudness loudness_;
  bool colour_ = false;
  bool lively_ = false;
  bool drawn_ = false;
  bool broken_ = false;
  std::string held_;
};

// Columns of the terminal behind stderr; 80 when that is unknown.
int terminal_width();

// Whether stdin and stderr are a terminal, so that a question can be asked.
bool can_ask();

// Asks on stderr; true for y or yes.
bool ask(std::string_view question);

}  // namespace imgq::cli
