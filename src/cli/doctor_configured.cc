// What the configuration names outside the spool: hot folders, and the files of watermarks.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "src/cli/doctor.h"
#include "src/cli/files.h"
#include "src/util/text.h"
#include "src/util/unanswered.h"

namespace imgq::cli {
namespace {

using Health = Check::Health;

std::string origin_of(const Config& config, const std::string& key) {
  const auto found = config.origin.find(key);
  return found == config.origin.end() ? "the configuration" : printable(found->second);
}

// As who asks may, which is the daemon's user or not.
void check_folder(const std::string& path, int mode, const std::string& what,
                  const std::string& origin, Checks& checks) {
  if (path.empty()) return;
  const Asking asking("faccessat");
  const bool usable = ::faccessat(AT_FDCWD, (path + "/.").c_str(), mode, AT_EACCESS) == 0;
  checks.push_back(
      {usable ? Health::good : Health::doubtful, what,
       printable(path) + (usable ? "" : ": " + cause_text(errno)),
       fmt::format("make the folder and let the daemon's user use it, or correct {}", origin)});
}

void check_hot_folder(const Config& config, const HotFolder& folder, Checks& checks) {
  const std::string origin = origin_of(config, "intake." + folder.directory);
  const int changes = folder.after == HotFolder::After::keep ? 0 : W_OK;
  check_folder(folder.directory, R_OK | X_OK | changes, "intake", origin, checks);
  if (folder.after == HotFolder::After::move) {
    check_folder(folder.move_to, W_OK | X_OK, "move_to", origin, checks);
  }
  check_folder(folder.results, W_OK | X_OK, "results", origin, checks);
}

void check_watermark(const Config& config, const std::string& name, Checks& checks) {
  const std::string& path = config.watermarks.at(name).file;
  const auto opened = open_input(path);
  checks.push_back({opened ? Health::good : Health::doubtful, "watermark " + name,
                    printable(path) + (opened ? "" : ": " + cause_text(opened.error().code)),
                    fmt::format("put the image there for the daemon's user to read, or correct {}",
                                origin_of(config, "watermark." + name))});
}

}  // namespace

void check_configured(const Session& session, Checks& checks) {
  const Config& config = session.config;
  for (const HotFolder& folder : config.hot_folders) check_hot_folder(config, folder, checks);
  for (const auto& [name, mark] : config.watermarks) check_watermark(config, name, checks);
}

}  // namespace imgq::cli
