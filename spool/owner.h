#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "spool/backoff.h"
#include "spool/records.h"
#include "spool/spool.h"
#include "spool/temp_file.h"
#include "spool/types.h"

namespace imgq {

// A job this owner has taken and must complete, fail or release.
struct Claim {
  Token token;
  Ticket ticket;
  uid_t submitter = 0;     // owner of the ticket's inode
  int failures = 0;        // counted tries since submission or the last manual retry
  int crashes = 0;         // of those, how many killed their worker
  int losses = 0;          // owners that died under it, since the same
  int64_t claimed_ms = 0;  // Unix time
};

struct Claims {
  bool cordoned = false;  // this host is: nothing was tried
  std::vector<Claim> taken = {};
  int lost_races = 0;  // another owner was first: normal
  int unseen = 0;      // said to be gone, and stand: to be looked for anew
  int finished = 0;    // an old name of an ended job came back: token mended, not run
  std::vector<Error> quarantined = {};  // tickets that cannot be read: moved to corrupt/
  // could not be read now (EIO, ...): back in a minute; is_pausing: back at once, claim no more
  std::vector<Error> deferred = {};
  std::vector<std::pair<Token, Error>> stuck = {};  // could not be moved: wait in staging/ still
};

// A result written by a worker into tmp/, ready to be published.
struct FreshResult {
  std::string rendition = {};
  std::string extension = {};  // "jpg", "png", "webp", "avif"
  TempFile file;
  std::string about = "{}";  // JSON object for the outcome
};

struct Finished {
  Claim claim;
  std::vector<FreshResult> results = {};
  std::string report = "{}";  // JSON object for the outcome
};

enum class SourceAfter { keep, remove };

// What an owner's .alive tells of it besides that it lives.
struct OwnerTold {
  std::string version = {};  // of its program; empty: not told, as by those of before
  // Its clock when its heart last beat, less the file system's; nothing: not told.
  std::optional<int64_t> clock_ahead_ms = {};
};

//   alive  open for reading; `about` it
OwnerTold told_by(int alive, const struct stat& about);

bool is_version(std::string_view text);  // [A-Za-z0-9.+~-]{1,64}

class InFlightTokens;

// A running daemon instance: the folder processing/<host>.<boot>.<pid>.<random>/ with its flocked
// .alive. Only the owner of a claim moves it, others only after they saw that this owner is dead.
class Owner {
 public:
  // Registers a new instance of that version. Waits some seconds where one of this host's name may
  // be another machine's, to see whether it lives.
  //   errors  ENOTUNIQ it does: each machine needs a name of its own
  static Result<Owner> enter(const Spool& spool, std::string_view version = "");

  const std::string& name() const { return name_; }

  // Heartbeat; call every few seconds. It also settles what lies in this instance's folder and is
  // not held by anybody: a claim that could not be moved on or given back, or whose move here was
  // said to have failed.
  //   errors  ENOENT the folder was taken over: this instance was thought dead. Forget all claims,
  //           publish nothing, enter anew.
  Status beat() const;

  // Takes waiting jobs, without waiting, unless this host is cordoned: each renamed to
  // processing/<me>/, both folders synced once, tickets and tries read. A job whose outcome exists
  // is not run: its token goes where it belongs. A job with more than kMaxLosses losses is failed
  // as `poison` here and not returned.
  //   errors  ENOSPC, EROFS, ... the spool cannot move jobs now: none was taken;
  //           ENOENT this instance was taken over (see beat)
  //   source  FORMAT.md "Claim"
  Result<Claims> claim(std::span<const Token> tokens, Sync sync) const;

  // The job's image, O_RDONLY|O_NOFOLLOW|O_NONBLOCK, a regular file.
  //   errors  ENOENT it vanished; ESTALE a referenced file changed since submission; EACCES, EPERM
  //           a referenced path in a ticket of another uid, or unreadable; ELOOP, EINVAL not a file
  Result<Fd> open_source(const Claim& claim) const;

  // Publishes: results named and synced, outcome linked to <id>.end, hour folder synced, and only
  // then the answer; afterwards the token moves to completed/. Grouped in `batch`. In the order
  // given.
  //   errors  EEXIST another owner ended the job first (fenced: own results are gone, nothing to
  //           do);
  //           ENOSPC, ... not published, the claim is still held; EIO: see is_ambiguous
  //   source  FORMAT.md "Complete"
  std::vector<Result<Outcome>> complete(std::vector<Finished>& jobs, Sync sync,
                                        SourceAfter source) const;

  // Ends the job as failed: a permanent cause, or no attempts left.
  Result<Outcome> fail(const Claim& claim, const Cause& cause, const std::string& report,
                       Sync sync) const;

  // Records a failed attempt; the token goes to delayed/ with the next number; or, when the job has
  // no attempts left or has killed kPoisonCrashes workers, fails it (code "poison" for the latter).
  //   returns when it will be tried again (Unix ms), or 0 when it has failed for good
  Result<int64_t> retry_later(const Claim& claim, const Cause& cause, const Backoff& backoff,
                              Sync sync) const;

  // Gives the job back unharmed, to staging/ under the next number: stopping, or the spool is full.
  Status release(const Claim& claim) const;

  // True when the job was ended by somebody else (cancelled, or run by another owner).
  Result<bool> has_ended(const Claim& claim) const;

  // Releases what is still claimed and removes the folder.
  Status leave();

 private:
  Owner(const Spool* spool, std::string name, Fd alive);
  std::string path_of(const Token& token) const;
  Result<std::vector<Token>> rename_claims(std::span<const Token> tokens, Claims& claims) const;
  Result<bool> finish_if_ended(const Token& token) const;
  Status read_claim(const Token& token, Claims& claims, Sync sync) const;
  std::vector<Result<Outcome>> complete_group(std::span<Finished> jobs, Sync sync,
                                              SourceAfter source) const;
  Result<Outcome> finish(const Outcome& outcome, SourceAfter source) const;
  Result<int64_t> delay(const Claim& claim, const Cause& cause, const Backoff& backoff,
                        Sync sync) const;
  Status secure(const std::vector<Token>& taken, Sync sync) const;
  Status move_back(const Token& token) const;
  void move_own_ended(const Token& token, Ending ending) const;
  void ended(const Token& token, const Error* error) const;
  void give_back(const std::vector<Token>& tokens) const;
  Status give_back_strays() const;
  const Spool* spool_;  // outlives it
  std::string name_;
  Fd alive_;
  std::shared_ptr<InFlightTokens> in_flight_;
};

}  // namespace imgq
