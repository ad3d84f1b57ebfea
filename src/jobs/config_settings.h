#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "src/jobs/config.h"

// The one table of all plain settings (everything but presets and hot_folders), and the step from a
// TOML file to a Config. Inside src/jobs only.
namespace imgq::config {

// A value as it was found: what kind it had there decides what it may be used for.
struct Value {
  enum class Kind { text, integer, real, truth, any } kind = Kind::any;  // any: environment
  std::string text;                                                      // "4", "30s", "true"
};

// Where a setting lies in a Config, in its limits or in their formats, by type.
using Place = std::variant<int Config::*, int64_t Config::*, uint64_t Config::*, bool Config::*,
                           std::string Config::*, std::chrono::seconds Config::*,
                           std::chrono::milliseconds Config::*, int Limits::*, int64_t Limits::*,
                           bool OptionalFormats::*>;

struct Entry {
  std::string key;      // "daemon.workers"
  std::string meaning;  // one line, for show_config
  Place place;
  int64_t low = 0, high = 0;      // of numbers, in the member's unit
  bool is_size = false;           // bytes: words as in "64MiB" are taken and shown
  std::string_view choices = {};  // "full batch none": of texts
  bool is_path = false;           // a text: an absolute path, or empty
};

const std::vector<Entry>& entries();
const Entry* entry_named(std::string_view key);

//   errors  code 0: "'daemon.workers' takes a whole number from 0 to 1024"
Status set(Config& config, const Entry& entry, const Value& value);

// The value as TOML.
std::string show(const Config& config, const Entry& entry);
std::string toml_text(std::string_view text);  // quoted and escaped

// Lays one file over `config`. `path` is for origins and errors.
//   errors  code 0, with line and column
Status apply_toml(Config& config, const std::string& text, const std::string& path);

}  // namespace imgq::config
