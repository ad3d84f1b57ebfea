#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "spool/spool.h"
#include "src/base/exit_code.h"
#include "src/cli/console.h"
#include "src/cli/spool_choice.h"
#include "src/jobs/config.h"
#include "src/util/json_fwd.h"

// What every subcommand gets besides its own options.
namespace imgq::cli {

struct Session {
  Console& console;
  Config config;                        // flags of all subcommands (--spool) are laid over it
  bool json = false;                    // one JSON object a line on stdout
  std::optional<SpoolChoice> chosen{};  // nobody named the spool: `submit` may make it
};

// Opens the spool, or says on stderr what is wrong and what to do. Of a spool that nobody named it
// is told when no daemon serves it, and when jobs wait in the user's own that was passed over.
//   missing  make_own: the user's own is made, when nobody named another
//   errors  as Spool::open with spool_uuid; already told, exit_for has the code
enum class Missing { refuse, make_own };
Result<Spool> open_spool(const Session& session, Missing missing = Missing::refuse);

// Options that do not go together: EINVAL, whose action says all.
Error usage_error(std::string_view what);

// One line on stderr, and the exit code.
Exit fail(const Session& session, Exit exit, std::string_view message);
Exit fail(const Session& session, const Error& error);

// The system's words: "No such file or directory".
std::string cause_text(int code);

// "name: cause"
std::string about(std::string_view name, std::string_view cause);

// The exit code of many: ok, or the one all had, or some_failed.
class Sum {
 public:
  void add(Exit exit) { exits_.insert(exit); }
  Exit total() const;

 private:
  std::set<Exit> exits_;
};

// {"imgq":1, ...the members of `object`}
std::string versioned(const Json& object);

}  // namespace imgq::cli
