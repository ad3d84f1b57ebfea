#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "src/util/error.h"

// Lines on stderr, for daemons. Programs log once, where they decide; libraries never. Each line is
// one write(2); under systemd (JOURNAL_STREAM set) it carries the <N> priority prefix of
// sd-daemon(3). Needs no disk and no allocation that matters, so it works when the spool is full.
// Where nobody reads them (a full pipe, a stopped terminal) lines are lost after a second, and
// counted: how many is told with the next one that is read.
namespace imgq::log {

enum class Level { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };
enum class Style { text, json };

void set_level(Level level);
void set_style(Style style);

// The same from the words of a configuration or an option: "error", "warning", "notice", "info",
// "debug"; "text", "json".
//   errors  EINVAL (the message names the words that are known)
Status set_up(std::string_view level, std::string_view style);

using Field = std::pair<std::string_view, std::string>;

// Whether lines of this level are written.
bool shows(Level level);

// "imgqd: warning: worker killed job=0193... signal=11", or one JSON object a line. Control
// characters in values are escaped, so no file name can forge a line.
void line(Level level, std::string_view message, std::initializer_list<Field> fields = {});

}  // namespace imgq::log
