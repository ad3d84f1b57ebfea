#include "src/jobs/config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "spool/job_id.h"
#include "src/jobs/config_settings.h"
#include "src/jobs/config_trust.h"
#include "src/util/fd.h"
#include "src/util/io.h"
#include "src/util/json.h"
#include "src/util/text.h"
#include "src/util/unanswered.h"

namespace imgq {
namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 20;

std::string environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): never set here
  return value == nullptr ? "" : value;
}

// One that is another user's, as su(1) and start-stop-daemon(8) may leave it, is none.
bool may_be_home(const std::string& path) {
  const Asking asking("access");
  return ::access(path.c_str(), X_OK) == 0 || errno != EACCES;
}

std::string home() {
  std::string named = environment("HOME");
  if (!named.empty() && named[0] == '/' && may_be_home(named)) return named;
  std::array<char, 4096> buffer{};
  struct passwd entry{};
  struct passwd* found = nullptr;
  (void)getpwuid_r(getuid(), &entry, buffer.data(), buffer.size(), &found);  // null when it failed
  return found == nullptr || !may_be_home(found->pw_dir) ? "/" : found->pw_dir;
}

// A base directory of the XDG specification: relative values are ignored.
std::string xdg(const std::string& variable, std::string_view otherwise) {
  std::string named = environment(variable);
  if (!named.empty() && named[0] == '/') return named;
  return fmt::format("{}/{}", home(), otherwise);
}

enum class ConfigFile { named, found };

Status apply_file(Config& config, const std::string& path, ConfigFile how) {
  const Fd file(sys::open(path.c_str(), O_RDONLY));
  if (!file) {
    const Error error = last_error("read the configuration", path);
    const bool missing = error.code == ENOENT || error.code == ENOTDIR;
    return missing && how == ConfigFile::found ? Status(Ok{}) : error;
  }
  const auto reach = how == ConfigFile::found ? config::Reach::above : config::Reach::file;
  if (const auto others = config::who_else_writes(file.get(), path, reach)) {
    config.warnings.push_back(fmt::format("{} is passed over: {}", printable(path), *others));
    return Ok{};
  }
  const auto text = read_all(file.get(), path, kMaxFileBytes);
  if (text) return config::apply_toml(config, *text, path);
  if (text.error().code == EFBIG) return bad_data("the configuration is over 1 MiB", path);
  return Error{text.error().code, "read the configuration", path};
}

Result<std::vector<std::string>> snippets(const std::string& directory) {
  std::vector<std::string> paths;
  const auto names = list_names(AT_FDCWD, directory + "/.");
  if (!names) {
    const int code = names.error().code;
    if (code == ENOENT || code == ENOTDIR) return paths;
    return Error{code, "read the configuration", directory};
  }
  for (const std::string& name : *names) {
    if (name[0] != '.' && name.ends_with(".toml")) paths.push_back(directory + "/" + name);
  }
  return paths;
}

Status apply_files(Config& config, const ConfigSources& sources) {
  if (sources.file) return apply_file(config, *sources.file, ConfigFile::named);
  std::vector<std::string> paths = {sources.system_directory + "/imgq.toml"};
  const auto more = snippets(sources.system_directory + "/imgq.toml.d");
  if (!more) return more.error();
  paths.insert(paths.end(), more->begin(), more->end());
  paths.push_back(xdg("XDG_CONFIG_HOME", ".config") + "/imgq/imgq.toml");
  for (const std::string& path : paths) {
    if (auto done = apply_file(config, path, ConfigFile::found); !done) return done;
  }
  return Ok{};
}

std::string variable_for(std::string_view key) {
  std::string name = "IMGQ_";
  for (const char c : key) {
    if (c == '.')
      name += '_';
    else
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

Status apply_environment(Config& config) {
  for (const config::Entry& entry : config::entries()) {
    const std::string name = variable_for(entry.key);
    const std::string text = environment(name);
    if (text.empty()) continue;
    if (auto done = config::set(config, entry, {config::Value::Kind::any, text}); !done) {
      return bad_data(done.error().action, name);
    }
    config.origin[std::string(entry.key)] = name;
  }
  return Ok{};
}

// Where a value was set, for an error; `otherwise` when it is the default.
std::string place_of(const Config& config, const std::string& key, const std::string& otherwise) {
  const auto found = config.origin.find(key);
  return found == config.origin.end() || found->second == "default" ? otherwise : found->second;
}

// A path as it would be written by somebody who takes no detours.
std::string plain(const std::string& path) {
  std::string text = std::filesystem::path(path).lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

bool is_below(const std::string& path, const std::string& directory) {
  return !path.empty() && plain(path).starts_with(plain(directory) + "/");
}

Status check_hot_folder(const Config& config, const HotFolder& hot_folder,
                        const std::string& where) {
  const std::string place = place_of(config, "intake." + hot_folder.directory, where);
  const std::string name = printable(hot_folder.directory);
  if (!hot_folder.preset.empty() &&
      config.presets.find(hot_folder.preset) == config.presets.end()) {
    return bad_data(fmt::format("intake {}: there is no preset '{}'", name, hot_folder.preset),
                    place);
  }
  const auto same = [](const std::string& a, const std::string& b) { return plain(a) == plain(b); };
  const bool below = hot_folder.subfolders && (is_below(hot_folder.move_to, hot_folder.directory) ||
                                               is_below(hot_folder.results, hot_folder.directory));
  if (below || goes_round(config.hot_folders, hot_folder, same)) {
    return bad_data(
        fmt::format("intake {}: what goes to 'move_to' or 'results' comes back to it", name),
        place);
  }
  return Ok{};
}

// What no single value shows.
Status check_together(const Config& config, const std::string& where) {
  if (config.retry_first > config.retry_max) {
    return bad_data(
        "'jobs.retry_first' is more than 'jobs.retry_max'",
        place_of(config, "jobs.retry_max", place_of(config, "jobs.retry_first", where)));
  }
  if (config.spool.empty()) return bad_data("'spool' takes an absolute path", where);
  if (!config.spool_uuid.empty() && !JobId::parse(config.spool_uuid)) {
    return bad_data("'spool_uuid' takes the uuid that stands in the spool's file 'format'",
                    place_of(config, "spool_uuid", where));
  }
  for (const HotFolder& hot_folder : config.hot_folders) {
    if (auto checked = check_hot_folder(config, hot_folder, where); !checked) return checked;
  }
  return Ok{};
}

// "default", "IMGQ_SPOOL" or "file:line".
std::string origin_of(const Config& config, const std::string& key) {
  return printable(place_of(config, key, "default"));
}

std::string show_preset(const Config& config, const std::string& name) {
  std::string out;
  for (const Rendition& rendition : config.presets.at(name)) {
    out += fmt::format("\n[preset.{}.{}]  # {}\n", name, rendition.name,
                       origin_of(config, fmt::format("preset.{}.{}", name, rendition.name)));
    const Json fields = json_of(rendition);
    for (const auto& [field, value] : fields.items()) {
      if (field != "name") out += fmt::format("{} = {}\n", field, dump_json(value));
    }
  }
  return out;
}

std::string show_hot_folder(const Config& config, const HotFolder& hot_folder) {
  constexpr std::array<const char*, 3> kAfter = {"keep", "move", "remove"};
  std::string out =
      fmt::format("\n[[intake]]  # {}\n", origin_of(config, "intake." + hot_folder.directory));
  out += fmt::format("directory = {}\n", config::toml_text(hot_folder.directory));
  if (!hot_folder.preset.empty())
    out += fmt::format("preset = {}\n", config::toml_text(hot_folder.preset));
  out += fmt::format("after = \"{}\"\n", kAfter[static_cast<size_t>(hot_folder.after)]);
  const auto put_path = [&out](const char* key, const std::string& path) {
    if (!path.empty()) out += fmt::format("{} = {}\n", key, config::toml_text(path));
  };
  put_path("move_to", hot_folder.move_to);
  put_path("results", hot_folder.results);
  out += fmt::format("settle = \"{}s\"\n", hot_folder.settle_seconds);
  out += fmt::format("subfolders = {}\n", hot_folder.subfolders);
  std::string patterns;
  for (const std::string& pattern : hot_folder.unfinished) {
    patterns += (patterns.empty() ? "" : ", ") + config::toml_text(pattern);
  }
  out += fmt::format("unfinished = [{}]\n", patterns);
  put_path("spool", hot_folder.spool);
  return out;
}

std::string show_watermark(const Config& config, const std::string& name) {
  const Watermark& mark = config.watermarks.at(name);
  return fmt::format("\n[watermark.{}]  # {}\nfile = {}\nplace = \"{}\"\nopacity = {}\n", name,
                     origin_of(config, "watermark." + name), config::toml_text(mark.file),
                     name_of(mark.place), mark.opacity_percent);
}

}  // namespace

std::optional<Sync> sync_named(std::string_view word) {
  if (word == "full") return Sync::full;
  if (word == "batch") return Sync::batch;
  if (word == "none") return Sync::none;
  return std::nullopt;
}

bool goes_round(const std::vector<HotFolder>& hot_folders, const HotFolder& start,
                const std::function<bool(const std::string&, const std::string&)>& same_place) {
  std::vector<const HotFolder*> next = {&start};
  std::set<const HotFolder*> visited;
  while (!next.empty()) {
    const HotFolder& at = *next.back();
    next.pop_back();
    const std::string moved_to = at.after == HotFolder::After::move ? at.move_to : "";
    for (const std::string& to : {moved_to, at.results}) {
      if (to.empty()) continue;
      if (same_place(to, start.directory)) return true;
      for (const HotFolder& other : hot_folders) {
        if (same_place(other.directory, to) && visited.insert(&other).second)
          next.push_back(&other);
      }
    }
  }
  return false;
}

std::string default_spool() { return xdg("XDG_STATE_HOME", ".local/state") + "/imgq"; }

Result<Config> load_config(const ConfigSources& sources) {
  Config config;
  config.spool = default_spool();
  for (const config::Entry& entry : config::entries()) {
    config.origin[std::string(entry.key)] = "default";
  }
  if (auto done = apply_files(config, sources); !done) return done.error();
  if (sources.read_environment) {
    if (auto done = apply_environment(config); !done) return done.error();
  }
  const std::string where = sources.file ? *sources.file : "configuration";
  if (auto done = check_together(config, where); !done) return done.error();
  return config;
}

std::vector<Setting> settings_of(const Config& config) {
  std::vector<Setting> all;
  for (const config::Entry& entry : config::entries()) {
    const std::string key(entry.key);
    all.push_back(
        {key, config::show(config, entry), origin_of(config, key), std::string(entry.meaning)});
  }
  return all;
}

std::string show_config(const Config& config) {
  std::string out;
  std::string section;
  for (const Setting& setting : settings_of(config)) {
    const size_t dot = setting.key.find('.');
    const std::string its = dot == std::string::npos ? "" : setting.key.substr(0, dot);
    if (its != section) out += fmt::format("\n[{}]\n", its);
    section = its;
    const std::string line =
        fmt::format("{} = {}", setting.key.substr(its.empty() ? 0 : dot + 1), setting.value);
    out += fmt::format("{:<32}  # {}\n", line, setting.origin);
  }
  for (const auto& [name, renditions] : config.presets) out += show_preset(config, name);
  for (const HotFolder& hot_folder : config.hot_folders) out += show_hot_folder(config, hot_folder);
  for (const auto& [name, mark] : config.watermarks) out += show_watermark(config, name);
  return out;
}

}  // namespace imgq
