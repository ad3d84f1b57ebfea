// Taking jobs (FORMAT.md "Claim"). The order of the steps keeps a job from being lost or run twice:
// 0. Where this host is cordoned, nothing is taken.
// 1. Each token is renamed from staging/ to processing/<me>/. Rename is the lock: of several owners
//    one succeeds, and the others read ENOENT. In between, the job is in one of the two folders.
//    Where the token stands and is said to be gone nothing is known: the next reading shows it.
// 2. Both folders are synced, once for the batch. Only then does anybody act on a job: after a
//    power cut it stands in processing/ and recover() gives it back, or it never left staging/.
// 3. Is our .alive still there? If not, another host has taken this instance for dead and owns the
//    folder's tokens now.
// 4. Job by job: an outcome that is there already wins, since a token can come back (a healing file
//    system, a second submission of one key). Then ticket and tries are read; a job that has used
//    up its attempts, workers or daemons ends here and is never run again.
// What goes wrong with one job sets that job aside and leaves the others; what goes wrong with the
// spool gives the whole batch back.
#include <fcntl.h>

#include <set>

#include "spool/cordon.h"
#include "spool/internal/durable.h"
#include "spool/internal/folders.h"
#include "spool/internal/in_flight.h"
#include "spool/internal/moves.h"
#include "spool/internal/outcome.h"
#include "spool/internal/tickets.h"
#include "spool/internal/tidy.h"
#include "spool/internal/tries.h"
#include "spool/layout.h"
#include "spool/owner.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/util/clock.h"
#include "src/util/mutant.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

constexpr int64_t kDeferMs = 60'000;

// A ticket as read through its stable name.
struct TicketFile {
  Ticket ticket;
  uid_t owner = 0;
  nlink_t names = 0;
};

Result<TicketFile> open_ticket(const Spool& spool, const JobId& id) {
  const std::string path = layout::ticket(id);
  const Fd file(sys::openat(spool.root(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return last_error("open the ticket", path);
  struct stat about = {};
  if (sys::fstat(file.get(), &about) != 0) return last_error("look at the ticket", path);
  if (!S_ISREG(about.st_mode)) return bad_data("not a regular file", path);
  const auto text = durable::read_text(file.get(), path);
  if (!text) return text.error();
  auto ticket = decode_ticket(*text, path);
  if (!ticket) return ticket.error();
  if (ticket->id != id) return bad_data("record is another job's", path);
  return TicketFile{std::move(*ticket), about.st_uid, about.st_nlink};
}

// The ticket, made anew from the token when its stable name was lost.
Result<TicketFile> open_or_restore(const Spool& spool, const Token& token,
                                   const std::string& token_path) {
  auto file = open_ticket(spool, token.id);
  if (file || file.error().code != ENOENT) return file;
  if (const auto done = restore_ticket(spool, token_path, token.id); !done) return done.error();
  return open_ticket(spool, token.id);
}

// The token, and the ticket when it is what cannot be read.
Status quarantine_job(const Spool& spool, const JobId& id, const std::string& token_path) {
  if (const auto moved = durable::quarantine(spool, token_path); !moved) return moved.error();
  const auto ticket = read_ticket(spool, id);
  if (ticket || ticket.error().code != 0) return Ok{};
  return durable::quarantine(spool, layout::ticket(id));
}

// Sets a job aside that cannot be read: what is damaged to corrupt/, what cannot be read now (a
// disk error, a record of a newer imgq) a minute later. Neither stands in the way of the others.
void set_aside(const Spool& spool, const Token& token, const std::string& path, const Error& why,
               Claims& claims) {
  if (why.code == 0) {
    claims.quarantined.push_back(why);
    const auto moved = quarantine_job(spool, token.id, path);
    if (!moved) claims.deferred.push_back(moved.error());
    return;
  }
  claims.deferred.push_back(why);
  const std::string to =
      has_next(token) ? layout::delayed(now_ms() + kDeferMs, next_of(token)) : layout::hold(token);
  const auto moved = move_token(spool, path, to);
  if (!moved && moved.error().code != ENOENT) claims.deferred.push_back(moved.error());
}

// The token's name in staging/ is back although it was renamed: made anew by a second submitter of
// the same key, or healed. It is one too many; should it stay, the next scan meets it again.
void remove_second_name(const Spool& spool, const TicketFile& file, const Token& token) {
  const nlink_t own_names = file.ticket.key.empty() ? 2 : 3;
  if (file.names > own_names) (void)durable::remove(spool, layout::staging(token));
}

}  // namespace

Result<std::vector<Token>> Owner::rename_claims(std::span<const Token> tokens,
                                                Claims& claims) const {
  std::vector<Token> taken;
  for (const Token& token : tokens) {
    const std::string from = layout::staging(token), to = path_of(token);
    if (in_flight_->has(token)) {
      // Its old name healed back: renaming it would do nothing, both names being one inode.
      if (const auto gone = durable::remove(*spool_, from); !gone) {
        give_back(taken);
        return gone.error();
      }
      ++claims.finished;
      continue;
    }
    in_flight_->add(token);
    if (sys::renameat(spool_->root(), from.c_str(), spool_->root(), to.c_str()) == 0) {
      taken.push_back(token);
      continue;
    }
    const Error why = last_error("move to processing", from);
    if (why.code == ENOENT) {
      // A network client that lost the reply asks again and finds the old name gone: the new one,
      // which nobody else uses, says whose the job is.
      const auto ours = durable::exists(*spool_, to);
      if (ours && *ours) {
        taken.push_back(token);
        continue;
      }
      in_flight_->drop(token);
      const auto stands = durable::exists(*spool_, from);
      ++(stands && !*stands ? claims.lost_races : claims.unseen);
      continue;
    }
    in_flight_->drop(token);  // should it have been moved all the same, the next beat sees it
    if (is_pausing(why)) {
      give_back(taken);
      return why;
    }
    claims.stuck.emplace_back(token, why);
  }
  return taken;
}

Result<bool> Owner::finish_if_ended(const Token& token) const {
  if (mutated(Mutant::no_outcome_check_on_claim)) return false;
  auto ended = durable::exists(*spool_, layout::outcome(token.id));
  if (!ended || !*ended) return ended;
  const auto outcome = read_outcome(*spool_, token.id);
  if (!outcome) return outcome.error();
  if (!*outcome) return false;  // retried by hand in this very moment
  if (const auto tidy = remove_other_results(*spool_, {**outcome}); !tidy) return tidy.error();
  const auto moved = move_ended(*spool_, path_of(token), token.id, (*outcome)->ending);
  return moved ? Result<bool>(true) : moved.error();
}

// One token that is ours: what it asks for, or where it went instead.
Status Owner::read_claim(const Token& token, Claims& claims, Sync sync) const {
  const auto finished = finish_if_ended(token);
  if (!finished) return finished.error();
  if (*finished) {
    ++claims.finished;
    return Ok{};
  }
  auto file = open_or_restore(*spool_, token, path_of(token));
  if (!file) return file.error();
  remove_second_name(*spool_, *file, token);
  const auto tries = read_tries(*spool_, token.id, token.attempt);
  if (!tries) return tries.error();
  const Tally sum = tally(*tries);
  Claim claim{token,   std::move(file->ticket), file->owner, sum.failures, sum.crashes, sum.losses,
              now_ms()};
  if (const auto cause = why_not_again(sum, claim.ticket.max_attempts)) {
    const auto failed = fail(claim, *cause, "{}", sync);
    ++claims.finished;
    return failed || failed.error().code == EEXIST ? Status(Ok{}) : failed.error();
  }
  claims.taken.push_back(std::move(claim));
  return Ok{};
}

// The batch in our folder is on the disk before anybody acts on it.
Status Owner::secure(const std::vector<Token>& taken, Sync sync) const {
  auto alive = durable::exists(*spool_, layout::alive(name_));
  if (alive && !*alive) alive = durable::exists_anew(*spool_, layout::alive(name_));
  if (!alive) return alive.error();
  if (!*alive) return Error{ENOENT, "claim: this instance was taken over", name_};
  if (taken.empty()) return Ok{};
  std::set<std::string> folders{layout::folder_of(path_of(taken.front()))};
  if (!mutated(Mutant::target_folder_only)) folders.insert("staging");
  return durable::sync_folders(*spool_, sync, folders);
}

Result<Claims> Owner::claim(std::span<const Token> tokens, Sync sync) const {
  Claims claims;
  const auto cordoned = is_cordoned(*spool_, sys::identity().host);
  if (!cordoned) return cordoned.error();
  claims.cordoned = *cordoned;
  if (*cordoned) return claims;
  const auto taken = rename_claims(tokens, claims);
  if (!taken) return taken.error();
  if (const auto secured = secure(*taken, sync); !secured) {
    give_back(*taken);
    return secured.error();
  }
  for (const Token& token : *taken) {
    const size_t before = claims.taken.size();
    const auto status = read_claim(token, claims, sync);
    if (!status && is_pausing(status.error())) {
      claims.deferred.push_back(status.error());
      give_back({token});
    } else if (!status) {
      set_aside(*spool_, token, path_of(token), status.error(), claims);
    }
    if (claims.taken.size() == before) in_flight_->drop(token);
  }
  return claims;
}

}  // namespace imgq
