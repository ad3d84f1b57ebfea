#include "src/cli/session.h"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

#include "src/cli/files.h"
#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

// There is no spool; when nobody named it, another may have been meant.
std::string explain_missing(const Session& session) {
  const bool own = session.chosen && session.chosen->whose == SpoolChoice::Whose::own;
  const bool system = session.chosen && !own;
  std::string out =
      fmt::format("no spool there: {}make one with 'imgq init --spool {}'",
                  system ? "mount its file system, or " : "", printable(session.config.spool));
  if (own && directory_id(session.chosen->other)) {
    out += fmt::format("; or use the system's, {}: 'imgq doctor' tells how",
                       printable(session.chosen->other));
  }
  return out;
}

// What is wrong with the spool, and the cure.
std::string explain(const Session& session, const Error& error) {
  switch (error.code) {
    case ENOTDIR:
      return "no spool there, and no directory";
    case ENOENT:
      return has_entries(session.config.spool)
                 ? "no spool there, and other files are: name another directory"
                 : explain_missing(session);
    case EMEDIUMTYPE:
      return fmt::format("another spool than spool_uuid says, {} ({})", session.config.spool_uuid,
                         printable(session.config.origin.at("spool_uuid")));
    case EPROTO:
      return "a spool of another format version: use the imgq that made it, or a newer one";
    case ENOTEMPTY:
      return "the directory has other things in it and is no spool";
    case EXDEV:
      return "all of a spool must be one file system";
    case EACCES:
    case EPERM:
      return "permission denied: 'imgq doctor' says who may use it";
    case EROFS:
      return "the file system is read-only";
    default:
      return error.code == 0 ? error.action : cause_text(error.code);
  }
}

void tell_spool(const Session& session, const Spool& spool) {
  const bool system = session.chosen && session.chosen->whose == SpoolChoice::Whose::system;
  const auto origin = session.config.origin.find("spool");
  const std::string why = system           ? "the system's, as none was named"
                          : session.chosen ? "your own, as none was named"
                          : origin == session.config.origin.end() ? ""
                                                                  : printable(origin->second);
  session.console.detail(fmt::format("the spool is {} ({})", printable(spool.path()), why));
  if (!session.chosen) return;
  const std::string& other = session.chosen->other;
  if (const int64_t elsewhere = system ? waiting_jobs(other) : 0; elsewhere > 0) {
    session.console.note(fmt::format(
        "{0} {1} in your own spool, which no daemon serves: imgqd --drain --spool {2}",
        counted(elsewhere, "job"), elsewhere == 1 ? "waits" : "wait", printable(other)));
  }
  const std::string unserved = unserved_words(spool, session.config.lease);
  if (!unserved.empty()) session.console.note(unserved);
}

}  // namespace

Result<Spool> open_spool(const Session& session, Missing missing) {
  const std::string& path = session.config.spool;
  auto spool = Spool::open(path, session.config.spool_uuid);
  const bool own = session.chosen && session.chosen->whose == SpoolChoice::Whose::own;
  const bool make = !spool && spool.error().code == ENOENT && missing == Missing::make_own && own &&
                    session.config.spool_uuid.empty();
  if (make) spool = Spool::create(path, kPrivate);
  if (spool) {
    spool->owe_hooks(!session.config.hook.empty());
    tell_spool(session, *spool);
    return spool;
  }
  session.console.error(about(path, explain(session, spool.error())));
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

Exit Sum::total() const {
  if (exits_.empty()) return Exit::ok;
  return exits_.size() == 1 ? *exits_.begin() : Exit::some_failed;
}

std::string versioned(const Json& object) {
  if (object.empty()) return "{\"imgq\":1}";
  return "{\"imgq\":1," + dump_json(object).substr(1);
}

}  // namespace imgq::cli
