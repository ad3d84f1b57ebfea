#include "src/cli/doctor.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "src/cli/commands.h"
#include "src/cli/file_out.h"
#include "src/cli/files.h"
#include "src/cli/spool_choice.h"
#include "src/util/json.h"
#include "src/util/sys.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

constexpr std::array<std::string_view, 3> kHealths = {"good", "doubtful", "bad"};
constexpr std::array<Tint, 3> kTints = {Tint::good, Tint::strong, Tint::bad};

// Who may enter shows even to those who may not, when nothing above the spool keeps them out.
std::string entrance_cure(const std::string& path) {
  struct stat about{};
  if (!look_at(path, about)) {
    return "a directory above it keeps you out: its owner must let you through";
  }
  if ((about.st_mode & S_IXGRP) == 0) return "it is somebody's own: use a spool of your own";
  return joining_words(about.st_gid) + "; or use a spool of your own";
}

// Root's own is seldom the one that is meant.
std::string missing_cure(const std::string& path) {
  const bool passed_over =
      path != kSystemSpool && sys::effective_uid() == 0 && is_there(kSystemSpool);
  return fmt::format(
      "{}make one: imgq init --spool {}; or name another by --spool, IMGQ_SPOOL or the "
      "configuration",
      passed_over ? fmt::format("look at the system's: imgq doctor --spool {}; or ", kSystemSpool)
                  : "",
      printable(path));
}

Check spool_trouble(const std::string& path, const Error& error) {
  const std::string where = printable(path);
  const auto bad = [&where](std::string_view found, std::string cure) {
    return Check{Check::Health::bad, "spool", fmt::format("{}: {}", where, found), std::move(cure)};
  };
  switch (error.code) {
    case ENOENT:
    case ENOTDIR:
      return bad("there is no spool", missing_cure(path));
    case EMEDIUMTYPE:
      return bad(error.action, "mount the right file system, or change spool_uuid");
    case EPROTO:
      return bad("a spool of a format version that this imgq does not know",
                 "use the imgq that made it, or a newer one");
    case EACCES:
    case EPERM:
      return bad("you may not enter it", entrance_cure(path));
    case EXDEV:
      return bad("a folder of it is on another file system",
                 "unmount what is mounted inside the spool: it must be one file system");
    default:
      return bad(error.code == 0 ? error.text() : cause_text(error.code),
                 "look at the file system, and at 'imgq fsck'");
  }
}

std::string as_json(const Checks& checks, bool healthy) {
  Json list = Json::array();
  for (const Check& check : checks.all()) {
    const auto health = kHealths[static_cast<size_t>(check.health)];
    list.push_back({{"what", check.what}, {"health", health}, {"found", check.found}});
    if (check.health != Check::Health::good) list.back()["cure"] = check.cure;
  }
  return versioned({{"healthy", healthy}, {"checks", std::move(list)}});
}

void print(Console& console, const Check& check) {
  if (console.quiet() && check.health == Check::Health::good) return;
  const auto health = static_cast<size_t>(check.health);
  const std::string word = console.paint(kTints[health], fmt::format("{:<8}", kHealths[health]));
  console.put_line(fmt::format("{}  {}: {}", word, check.what, check.found));
  if (check.health != Check::Health::good) {
    console.put_line(fmt::format("{:<10}-> {}", "", check.cure));
  }
  (void)console.flush();  // the caller's last flush tells
}

}  // namespace

Exit doctor_command(const Session& session, const DoctorOptions& options) {
  Checks checks([&session](const Check& check) {
    if (!session.json) print(session.console, check);
  });
  check_machine(checks);
  const auto spool = Spool::open(session.config.spool, session.config.spool_uuid);
  if (spool) {
    check_access(session, *spool, checks);
    check_sharing(*spool, checks);
    if (!options.also.empty()) check_other_mount(*spool, options.also, checks);
    check_spool(session, *spool, checks);
  } else {
    checks.push_back(spool_trouble(session.config.spool, spool.error()));
  }
  check_other_spool(session, checks);
  check_configured(session, checks);
  const bool healthy =
      std::none_of(checks.all().begin(), checks.all().end(),
                   [](const Check& check) { return check.health == Check::Health::bad; });
  if (session.json) session.console.put_line(as_json(checks, healthy));
  return healthy ? Exit::ok : Exit::some_failed;
}

}  // namespace imgq::cli
