#include "src/cli/session.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "src/cli/files.h"
#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

// There is no spool; when nobody named it, another may have been meant.
std::string explain_missing(const Session& session) {
  const std::string where = printable(session.config.spool);
  std::string out =
      fmt::format("{}: no spool there: make one with 'imgq init --spool {}'", where, where);
  const bool own = session.chosen && session.chosen->whose == SpoolChoice::Whose::own;
  std::error_code error;
  if (own && std::filesystem::is_directory(session.chosen->other, error)) {
    out += fmt::format("; or use the system's, {}: 'imgq doctor' tells how",
                       printable(session.chosen->other));
  }
  return out;
}

// What is wrong with the spool, and the cure.
std::string explain(const Session& session, const Error& error) {
  const std::string& path = session.config.spool;
  const std::string where = printable(path);
  switch (error.code) {
    case ENOTDIR:
      return fmt::format("{}: no spool there, and no directory", where);
    case ENOENT:
      if (has_entries(path)) {
        return fmt::format("{}: no spool there, and other files are: name another directory",
                           where);
      }
      return explain_missing(session);
    case EPROTO:
      return fmt::format(
          "{}: a spool of another format version: use the imgq that made it, or a "
          "newer one",
          where);
    case ENOTEMPTY:
      return fmt::format("{}: the directory has other things in it and is no spool", where);
    case EXDEV:
      return fmt::format("{}: all of a spool must be one file system", where);
    case EACCES:
    case EPERM:
      return fmt::format("{}: permission denied: 'imgq doctor' says who may use it", where);
    case EROFS:
      return fmt::format("{}: the file system is read-only", where);
    default:
      return fmt::format("{}: {}", where, error.code == 0 ? error.action : cause_text(error.code));
  }
}

void tell_spool(const Session& session, const Spool& spool) {
  const std::string where = printable(spool.path());
  const auto origin = session.config.origin.find("spool");
  session.console.detail(fmt::format(
      "the spool is {} ({})", where,
      session.chosen ? words_for(session.chosen->whose)
                     : printable(origin == session.config.origin.end() ? "" : origin->second)));
  if (!session.chosen) return;
  const SpoolChoice& chosen = *session.chosen;
  const int64_t elsewhere =
      chosen.whose == SpoolChoice::Whose::system ? waiting_jobs(chosen.other) : 0;
  if (elsewhere > 0) {
    session.console.note(fmt::format(
        "{0} {1} in your own spool, which no daemon serves: imgqd --drain --spool {2}",
        counted(elsewhere, "job"), elsewhere == 1 ? "waits" : "wait", printable(chosen.other)));
  }
  if (!is_served(spool, session.config.lease)) session.console.note(unserved_words(spool.path()));
}

}  // namespace

Result<Spool> open_spool(const Session& session, Missing missing) {
  const std::string& path = session.config.spool;
  auto spool = Spool::open(path);
  const bool make = !spool && spool.error().code == ENOENT && missing == Missing::make_chosen &&
                    session.chosen.has_value();
  if (make) spool = make_spool(*session.chosen);
  if (spool) {
    tell_spool(session, *spool);
    return spool;
  }
  session.console.error(explain(session, spool.error()));
  if (spool.error().code == 0) return Error{EPROTO, "open the spool", path};  // a foreign "format"
  return spool;
}

Error usage_error(std::string_view what) { return {EINVAL, std::string(what), ""}; }

Exit fail(const Session& session, Exit exit, std::string_view message) {
  session.console.error(message);
  return exit;
}

Exit fail(const Session& session, const Error& error) {
  session.console.error(error.text());
  return exit_for(error);
}

std::string cause_text(int code) { return std::generic_category().message(code); }

std::string about(std::string_view name, std::string_view cause) {
  return fmt::format("{}: {}", name.empty() ? "''" : printable(name), cause);
}

void Sum::add(Exit exit) {
  if (exit == Exit::ok) {
    ++good_;
    return;
  }
  if (bad_ > 0 && exit != first_bad_) alike_ = false;
  if (bad_ == 0) first_bad_ = exit;
  ++bad_;
}

Exit Sum::total() const {
  if (bad_ == 0) return Exit::ok;
  return good_ == 0 && alike_ ? first_bad_ : Exit::some_failed;
}

std::string versioned(const Json& object) {
  if (object.empty()) return "{\"imgq\":1}";
  return "{\"imgq\":1," + dump_json(object).substr(1);
}

}  // namespace imgq::cli
