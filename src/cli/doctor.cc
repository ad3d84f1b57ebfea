#include "src/cli/doctor.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

std::string_view name_of(Check::Health health) {
  switch (health) {
    case Check::Health::good:
      return "good";
    case Check::Health::doubtful:
      return "doubtful";
    case Check::Health::bad:
      return "bad";
  }
  return "bad";
}

// Who may enter shows even to those who may not, when nothing above the spool keeps them out.
std::string entrance_cure(const std::string& path) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) {
    return "a directory above it keeps you out: its owner must let you through";
  }
  if ((about.st_mode & S_IXGRP) == 0) return "it is somebody's own: use a spool of your own";
  return joining_words(about.st_gid) + "; or use a spool of your own";
}

Check spool_trouble(const std::string& path, const Error& error) {
  Check check{Check::Health::bad, "spool", printable(path), ""};
  switch (error.code) {
    case ENOENT:
    case ENOTDIR:
      check.found += ": there is no spool";
      check.cure = fmt::format(
          "make one: imgq init --spool {}; or name another by --spool, "
          "IMGQ_SPOOL or the configuration",
          printable(path));
      break;
    case EPROTO:
      check.found += ": a spool of a format version that this imgq does not know";
      check.cure = "use the imgq that made it, or a newer one";
      break;
    case EACCES:
    case EPERM:
      check.found += ": you may not enter it";
      check.cure = entrance_cure(path);
      break;
    case EXDEV:
      check.found += ": a folder of it is on another file system";
      check.cure = "unmount what is mounted inside the spool: it must be one file system";
      break;
    default:
      check.found += ": " + (error.code == 0 ? error.text() : cause_text(error.code));
      check.cure = "look at the file system, and at 'imgq fsck'";
  }
  return check;
}

std::string as_json(const std::vector<Check>& checks, bool healthy) {
  Json list = Json::array();
  for (const Check& check : checks) {
    Json one{{"what", check.what}, {"health", name_of(check.health)}, {"found", check.found}};
    if (!check.cure.empty()) one["cure"] = check.cure;
    list.push_back(one);
  }
  return versioned({{"healthy", healthy}, {"checks", std::move(list)}});
}

void print(Console& console, const Check& check) {
  const Tint tint = check.health == Check::Health::good  ? Tint::good
                    : check.health == Check::Health::bad ? Tint::bad
                                                         : Tint::strong;
  const std::string word = fmt::format("{:<8}", name_of(check.health));
  console.put_line(fmt::format("{}  {}: {}", console.paint(tint, word), check.what, check.found));
  if (!check.cure.empty()) console.put_line(fmt::format("{:<10}-> {}", "", check.cure));
}

}  // namespace

void append(std::vector<Check>& all, std::vector<Check> more) {
  for (Check& check : more) all.push_back(std::move(check));
}

Exit doctor_command(const Session& session) {
  std::vector<Check> checks = check_machine();
  const auto spool = Spool::open(session.config.spool);
  if (spool) {
    append(checks, check_access(session, *spool));
    append(checks, check_spool(session, *spool));
  } else {
    checks.push_back(spool_trouble(session.config.spool, spool.error()));
  }
  append(checks, check_other_spool(session));
  bool healthy = true;
  for (const Check& check : checks) healthy = healthy && check.health != Check::Health::bad;
  if (session.json) {
    session.console.put_line(as_json(checks, healthy));
  } else {
    for (const Check& check : checks) {
      if (check.health != Check::Health::good || !session.console.quiet()) {
        print(session.console, check);
      }
    }
  }
  return healthy ? Exit::ok : Exit::some_failed;
}

}  // namespace imgq::cli
