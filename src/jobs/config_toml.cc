// TOML 1.0 to a Config, through toml++, its only user. Every key must be known; every error says
// where.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "src/jobs/config_settings.h"
#include "src/util/json.h"
#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq::config {
namespace {

Error at(const toml::source_region& where, std::string_view what, const std::string& path) {
  return bad_data(fmt::format("line {}, column {}: {}", where.begin.line, where.begin.column, what),
                  path);
}

std::string origin(const toml::source_region& where, const std::string& path) {
  return fmt::format("{}:{}", path, where.begin.line);
}

Value value_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return {Value::Kind::text, text->get()};
  if (const auto* number = node.as_integer()) {
    return {Value::Kind::integer, std::to_string(number->get())};
  }
  if (const auto* number = node.as_floating_point()) {
    return {Value::Kind::real, fmt::format("{}", number->get())};
  }
  if (const auto* truth = node.as_boolean()) {
    return {Value::Kind::truth, truth->get() ? "true" : "false"};
  }
  return {Value::Kind::real, ""};  // a table, list or date: no setting takes one
}

Json json_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* truth = node.as_boolean()) return truth->get();
  return {};
}

Error unknown(const toml::key& key, std::string_view full, const std::vector<std::string>& known,
              const std::string& path) {
  return at(
      key.source(),
      fmt::format("unknown key '{}'{}", printable(shortened(full, 80)), hint_for(full, known)),
      path);
}

std::vector<std::string> known_keys() {
  std::set<std::string> keys = {"preset", "intake", "watermark"};
  for (const Entry& entry : entries()) {
    keys.emplace(entry.key);
    const size_t dot = entry.key.find('.');
    if (dot != std::string_view::npos) keys.emplace(entry.key.substr(0, dot));
  }
  return {keys.begin(), keys.end()};
}

Status apply_setting(Config& config, const toml::key& key, const toml::node& node,
                     const std::string& full, const std::string& path) {
  const Entry* entry = entry_named(full);
  if (entry == nullptr) return unknown(key, full, known_keys(), path);
  if (auto done = set(config, *entry, value_of(node)); !done) {
    return at(node.source(), done.error().action, path);
  }
  config.origin[full] = origin(key.source(), path);
  return Ok{};
}

bool is_section(std::string_view key) {
  return std::any_of(entries().begin(), entries().end(), [key](const Entry& entry) {
    return entry.key.size() > key.size() && entry.key.substr(0, key.size()) == key &&
           entry.key[key.size()] == '.';
  });
}

Status apply_section(Config& config, const toml::key& section, const toml::node& node,
                     const std::string& path) {
  const auto* table = node.as_table();
  if (table == nullptr) {
    return at(node.source(),
              fmt::format("'{}' is a section: write [{}]", section.str(), section.str()), path);
  }
  for (const auto& [key, value] : *table) {
    const std::string full = fmt::format("{}.{}", section.str(), key.str());
    if (auto done = apply_setting(config, key, value, full, path); !done) return done;
  }
  return Ok{};
}

Result<Rendition> read_rendition(const toml::key& name, const toml::node& node,
                                 const std::string& path) {
  Rendition rendition;
  rendition.name = name.str();
  const auto* table = node.as_table();
  if (table == nullptr) {
    return at(node.source(), "a preset holds renditions: write [preset.NAME.RENDITION]", path);
  }
  if (!is_name(name.str())) {
    return at(name.source(), "a rendition's name is of a-z, 0-9, _ and -", path);
  }
  for (const auto& [key, value] : *table) {
    if (key.str() == "name") return at(key.source(), "the section's title is the name", path);
    if (auto done = set_field(rendition, key.str(), json_of(value)); !done) {
      return at(key.source(), done.error().action, path);
    }
  }
  return rendition;
}

Status apply_preset(Config& config, const toml::key& name, const toml::node& node,
                    const std::string& path) {
  const auto* table = node.as_table();
  if (table == nullptr) return at(node.source(), "write [preset.NAME.RENDITION]", path);
  if (!is_name(name.str())) {
    return at(name.source(), "a preset's name is of a-z, 0-9, _ and -", path);
  }
  Request request;
  request.renditions.clear();
  for (const auto& [key, value] : *table) {
    auto rendition = read_rendition(key, value, path);
    if (!rendition) return rendition.error();
    config.origin[fmt::format("preset.{}.{}", name.str(), key.str())] = origin(key.source(), path);
    request.renditions.push_back(std::move(*rendition));
  }
  if (auto checked = check(request); !checked) {
    return at(name.source(), checked.error().action, path);
  }
  config.presets[std::string(name.str())] = std::move(request.renditions);
  return Ok{};
}

// One key of a [watermark.NAME]; null when its value is well, else what it takes.
const char* set_watermark(Watermark& mark, std::string_view key, const Value& value) {
  if (key == "file") {
    mark.file = value.text;
    const bool path = value.kind == Value::Kind::text && value.text.starts_with('/');
    return path ? nullptr : "an absolute path";
  }
  if (key == "place") {
    const auto place = parse_watermark_place(value.text);
    if (place) mark.place = *place;
    return place ? nullptr : "centre, north, north-east, east, ... or north-west";
  }
  const auto opacity = parse_opacity(value.text);
  if (opacity) mark.opacity_percent = *opacity;
  return opacity ? nullptr : "a percentage from 1 to 100";
}

Status apply_watermark(Config& config, const toml::key& name, const toml::node& node,
                       const std::string& path) {
  const auto* table = node.as_table();
  if (table == nullptr) return at(node.source(), "write [watermark.NAME]", path);
  if (!is_name(name.str())) {
    return at(name.source(), "a watermark's name is of a-z, 0-9, _ and -", path);
  }
  Watermark mark;
  for (const auto& [key, value] : *table) {
    const std::vector<std::string> known = {"file", "place", "opacity"};
    if (std::find(known.begin(), known.end(), key.str()) == known.end()) {
      return unknown(key, key.str(), known, path);
    }
    if (const char* takes = set_watermark(mark, key.str(), value_of(value))) {
      return at(value.source(), fmt::format("'{}' takes {}", key.str(), takes), path);
    }
  }
  if (mark.file.empty()) return at(name.source(), "a watermark needs a 'file'", path);
  config.origin[fmt::format("watermark.{}", name.str())] = origin(name.source(), path);
  config.watermarks[std::string(name.str())] = std::move(mark);
  return Ok{};
}

// Each of a table of tables.
template <class Apply>
Status apply_each(Config& config, const toml::node& node, const char* form, const Apply& apply,
                  const std::string& path) {
  const auto* table = node.as_table();
  if (table == nullptr) return at(node.source(), form, path);
  for (const auto& [key, value] : *table) {
    if (auto done = apply(config, key, value, path); !done) return done;
  }
  return Ok{};
}

bool set_patterns(HotFolder& hot_folder, const toml::node& node) {
  const auto* list = node.as_array();
  if (list == nullptr) return false;
  hot_folder.unfinished.clear();
  for (const toml::node& item : *list) {
    const auto* text = item.as_string();
    if (text == nullptr || text->get().empty()) return false;
    hot_folder.unfinished.push_back(text->get());
  }
  return true;
}

constexpr std::array<std::pair<std::string_view, std::string HotFolder::*>, 4> kFolderPaths = {
    {{"directory", &HotFolder::directory},
     {"move_to", &HotFolder::move_to},
     {"results", &HotFolder::results},
     {"spool", &HotFolder::spool}}};

std::string HotFolder::* folder_path(std::string_view key) {
  for (const auto& [name, place] : kFolderPaths) {
    if (name == key) return place;
  }
  return nullptr;
}

bool set_after(HotFolder& hot_folder, std::string_view word) {
  using After = HotFolder::After;
  if (word != "keep" && word != "move" && word != "remove") return false;
  hot_folder.after = word == "keep" ? After::keep : word == "move" ? After::move : After::remove;
  return true;
}

bool set_settle(HotFolder& hot_folder, std::string_view text) {
  const auto settle = parse_duration(text);
  if (!settle || settle->count() > 3600) return false;
  hot_folder.settle_seconds = static_cast<int>(settle->count());
  return true;
}

// One key of an [[intake]]; false when its value is of the wrong kind.
bool set_hot_folder(HotFolder& hot_folder, std::string_view key, const Value& value) {
  if (key == "after") return set_after(hot_folder, value.text);
  if (key == "settle") return set_settle(hot_folder, value.text);
  if (key == "subfolders") {
    hot_folder.subfolders = value.text == "true";
    return value.kind == Value::Kind::truth;
  }
  if (value.kind != Value::Kind::text) return false;
  if (key == "preset") {
    hot_folder.preset = value.text;
    return is_name(value.text);
  }
  hot_folder.*folder_path(key) = value.text;
  return value.text.starts_with('/');
}

const char* hot_folder_takes(std::string_view key) {
  if (folder_path(key) != nullptr) return "an absolute path";
  if (key == "preset") return "a preset's name";
  if (key == "after") return "keep, move or remove";
  if (key == "settle") return "a duration up to 1h";
  if (key == "subfolders") return "true or false";
  if (key == "unfinished") return "a list of patterns";
  return nullptr;
}

Result<HotFolder> read_hot_folder(const toml::table& table, const std::string& path) {
  HotFolder hot_folder;
  for (const auto& [key, value] : table) {
    const char* takes = hot_folder_takes(key.str());
    if (takes == nullptr) {
      return unknown(key, key.str(),
                     {"directory", "preset", "after", "move_to", "results", "settle", "subfolders",
                      "unfinished", "spool"},
                     path);
    }
    const bool set = key.str() == "unfinished"
                         ? set_patterns(hot_folder, value)
                         : set_hot_folder(hot_folder, key.str(), value_of(value));
    if (!set) {
      return at(value.source(), fmt::format("'{}' takes {}", key.str(), takes), path);
    }
  }
  if (hot_folder.directory.empty())
    return at(table.source(), "an intake needs a 'directory'", path);
  if (hot_folder.after == HotFolder::After::move && hot_folder.move_to.empty()) {
    return at(table.source(), "after = \"move\" needs 'move_to'", path);
  }
  return hot_folder;
}

Status apply_hot_folders(Config& config, const toml::node& node, const std::string& path) {
  const auto* list = node.as_array();
  if (list == nullptr) return at(node.source(), "write [[intake]]", path);
  for (const toml::node& item : *list) {
    const auto* table = item.as_table();
    if (table == nullptr) return at(item.source(), "write [[intake]]", path);
    auto hot_folder = read_hot_folder(*table, path);
    if (!hot_folder) return hot_folder.error();
    const auto same = [&hot_folder](const HotFolder& other) {
      return other.directory == hot_folder->directory;
    };
    const auto old = std::find_if(config.hot_folders.begin(), config.hot_folders.end(), same);
    config.origin[fmt::format("intake.{}", hot_folder->directory)] = origin(table->source(), path);
    if (old != config.hot_folders.end())
      *old = std::move(*hot_folder);
    else
      config.hot_folders.push_back(std::move(*hot_folder));
  }
  return Ok{};
}

Status apply_table(Config& config, const toml::table& root, const std::string& path) {
  for (const auto& [key, value] : root) {
    Status done = Ok{};
    if (key.str() == "preset")
      done = apply_each(config, value, "write [preset.NAME.RENDITION]", apply_preset, path);
    else if (key.str() == "watermark")
      done = apply_each(config, value, "write [watermark.NAME]", apply_watermark, path);
    else if (key.str() == "intake")
      done = apply_hot_folders(config, value, path);
    else if (is_section(key.str()))
      done = apply_section(config, key, value, path);
    else
      done = apply_setting(config, key, value, std::string(key.str()), path);
    if (!done) return done;
  }
  return Ok{};
}

}  // namespace

Status apply_toml(Config& config, const std::string& text, const std::string& path) {
  try {
    const toml::table root = toml::parse(std::string_view(text), std::string_view(path));
    return apply_table(config, root, path);
  } catch (const toml::parse_error& error) {
    return at(error.source(), printable(error.description()), path);
  }
}

}  // namespace imgq::config
