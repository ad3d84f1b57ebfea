#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

#include "src/cli/commands.h"
#include "src/cli/file_out.h"
#include "src/cli/spool_choice.h"
#include "src/util/fd.h"
#include "src/util/io.h"
#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

std::optional<gid_t> group_named(const std::string& name) {
  std::array<char, 16384> buffer{};
  struct group entry{};
  struct group* found = nullptr;
  if (getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0) return {};
  return found == nullptr ? std::nullopt : std::optional(found->gr_gid);
}

// The directory itself, before the spool is made in it: what is made below inherits its group.
// Somebody's directory is left as it is; only one with the mode already may be half a spool.
Status share(const std::string& path, std::optional<gid_t> group) {
  if (auto made = make_directories(path); !made) return made;
  const Fd dir(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return last_error("open", path);
  const auto names = list_names(dir.get(), ".");
  if (!names) return Error{names.error().code, "read", path};
  if (std::any_of(names->begin(), names->end(), [](const auto& n) { return n != "lost+found"; })) {
    struct stat about{};
    if (::fstat(dir.get(), &about) != 0) return last_error("look at", path);
    return (about.st_mode & 07777) == kShared ? Status(Ok{}) : Error{ENOTEMPTY, "share", path};
  }
  if (group && ::fchown(dir.get(), static_cast<uid_t>(-1), *group) != 0) {
    return last_error("give to the group", path);
  }
  if (::fchmod(dir.get(), kShared) != 0) return last_error("set the mode of", path);
  return Ok{};
}

Exit explain_create(const Session& session, const Error& error) {
  const auto told = [&session](Exit exit, std::string_view why) {
    return fail(session, exit, about(session.config.spool, why));
  };
  switch (error.code) {
    case ENOTEMPTY:
      return told(Exit::spool_unavailable, "the directory has other things in it");
    case EPROTO:
      return told(Exit::spool_unavailable, "a spool of another format version is there");
    case EACCES:
    case EPERM:
      return told(Exit::no_permission, cause_text(error.code));
    default:
      return told(is_pausing(error) ? Exit::try_later : Exit::cannot_create,
                  error.code == 0 ? error.text() : cause_text(error.code));
  }
}

void print_spool(const Session& session, const Spool& spool) {
  if (!session.json) {
    session.console.put_line(session.config.spool);
    return;
  }
  Json out{{"uuid", spool.uuid()}};
  put_bytes(out, "spool", session.config.spool);
  session.console.put_line(versioned(out));
}

}  // namespace

Exit init_command(const Session& session, const InitOptions& options) {
  const std::string& path = session.config.spool;
  if (!options.group.empty() && !options.shared) {
    return fail(session, Exit::usage, "--group goes with --shared");
  }
  const auto there = Spool::open(path);
  if (there) {
    session.console.note(about(path, "a spool is there already; left as it is"));
    print_spool(session, *there);
    return Exit::ok;
  }
  if (there.error().code != ENOENT) return explain_create(session, there.error());
  if (options.shared) {
    const auto group = group_named(options.group.empty() ? "imgq" : options.group);
    if (!group && !options.group.empty()) {
      return fail(session, Exit::usage,
                  fmt::format("--group: there is no group '{}'", printable(options.group)));
    }
    if (auto shared = share(path, group); !shared) return explain_create(session, shared.error());
  }
  const auto spool = Spool::create(path, options.shared ? kShared : kPrivate);
  if (!spool) return explain_create(session, spool.error());
  print_spool(session, *spool);
  return Exit::ok;
}

Exit config_command(const Session& session) {
  if (!session.json) {
    session.console.put(show_config(session.config));
    return Exit::ok;
  }
  Json settings = Json::object();
  for (const Setting& setting : settings_of(session.config)) {
    const auto value = parse_json(setting.value, setting.key);  // TOML's plain values are JSON, too
    settings[setting.key] = {{"value", value ? *value : Json(setting.value)},
                             {"origin", setting.origin},
                             {"meaning", setting.meaning}};
  }
  Json presets = Json::object();
  for (const auto& [name, renditions] : session.config.presets) {
    for (const Rendition& rendition : renditions) presets[name].push_back(json_of(rendition));
  }
  session.console.put_line(
      versioned({{"settings", std::move(settings)}, {"presets", std::move(presets)}}));
  return Exit::ok;
}

}  // namespace imgq::cli
