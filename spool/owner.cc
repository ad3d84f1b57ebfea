// A daemon instance: its folder, its life sign, and giving jobs back.
#include "spool/owner.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <map>
#include <optional>

#include "spool/internal/durable.h"
#include "spool/internal/folders.h"
#include "spool/internal/in_flight.h"
#include "spool/internal/locate.h"
#include "spool/internal/moves.h"
#include "spool/internal/outcome.h"
#include "spool/internal/tidy.h"
#include "spool/internal/walk.h"
#include "spool/layout.h"
#include "spool/records.h"
#include "spool/recover.h"
#include "spool/spool.h"
#include "spool/types.h"
#include "src/util/clock.h"
#include "src/util/io.h"
#include "src/util/mutant.h"
#include "src/util/random.h"
#include "src/util/sys.h"

namespace imgq {
namespace {

constexpr int64_t kLookAgainMs = 200;

// The inode under the name of .alive; looked at anew before it is called gone.
Result<ino_t> inode_of_alive(const Spool& spool, const std::string& path) {
  struct stat named = {};
  if (sys::fstatat(spool.root(), path.c_str(), &named) == 0) return named.st_ino;
  const Error why = last_error("look at", path);
  if (why.code != ENOENT && why.code != ESTALE) return why;
  const auto there = durable::exists_anew(spool, path);
  if (!there) return there.error();
  if (!*there) return Error{ENOENT, why.action, path};
  if (sys::fstatat(spool.root(), path.c_str(), &named) != 0) return last_error("look at", path);
  return named.st_ino;
}

constexpr std::string_view kVersionLine = "version ";

// The time that .alive says is by this host's clock, that of its last change by the file system's:
// so both can be compared. By the latter alone where the file is not ours to set, or nobody's.
int touch(int alive) {
  struct timespec now = {};
  if (sys::clock_realtime(&now) == 0 && sys::set_mtime(alive, now) == 0) return 0;
  return errno == EPERM || errno == EACCES ? sys::futimens_now(alive) : -1;
}

// .alive in a folder that is still in tmp/, whole and locked before anybody can see it.
Result<Fd> make_alive(const Spool& spool, const std::string& folder, std::string_view version) {
  const std::string path = folder + "/.alive";
  Fd alive(sys::openat(spool.root(), path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
                       spool.file_mode()));
  if (!alive) return last_error("create", path);
  if (const auto set = durable::set_mode(alive.get(), spool.file_mode(), path); !set) {
    return set.error();
  }
  if (is_version(version)) {
    const std::string line = std::string(kVersionLine) + std::string(version) + "\n";
    (void)write_all(alive.get(), line, path);  // no room: it is not told
  }
  if (touch(alive.get()) != 0) return last_error("give a sign of life", path);
  if (sys::flock(alive.get(), LOCK_EX | LOCK_NB) != 0) return last_error("lock", path);
  return alive;
}

// The folder and its move are on the disk before a token is put into it.
Status move_in(const Spool& spool, const std::string& temp, const std::string& folder) {
  if (const auto synced = durable::sync_names(spool, temp); !synced) return synced.error();
  if (sys::renameat(spool.root(), temp.c_str(), spool.root(), folder.c_str()) != 0) {
    return last_error("register an instance", folder);
  }
  const auto synced = durable::sync_after_move(spool, "processing");
  return synced ? durable::sync_names(spool, "tmp") : synced;
}

// The sign of life of an owner, by open, which a network client does not answer from memory.
std::optional<int64_t> mark_of(const Spool& spool, const std::string& owner) {
  const Fd alive(
      sys::openat(spool.root(), layout::alive(owner).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  struct stat about = {};
  if (!alive || sys::fstat(alive.get(), &about) != 0) return std::nullopt;
  return ns_of(about.st_mtim);
}

// Owners of this host's name that may be another machine's; those whose heart beats are.
Status refuse_namesakes(const Spool& spool) {
  const auto owners = owners_of(spool);
  if (!owners) return owners.error();
  std::map<std::string, int64_t> marks;
  for (const std::string& owner : *owners) {
    const auto writer = layout::parse_writer(owner);
    if (writer->host != sys::identity().host || spool.is_here(*writer)) continue;
    if (const auto mark = mark_of(spool, owner)) marks.emplace(owner, *mark);
  }
  const int64_t until = sys::monotonic_ms() + kTwoBeats.count();
  while (!marks.empty() && sys::monotonic_ms() < until) {
    sys::sleep_ms(kLookAgainMs);
    for (const auto& [owner, before] : marks) {
      if (mark_of(spool, owner).value_or(before) == before) continue;
      return Error{ENOTUNIQ, "enter: another machine that has this host's name works here",
                   layout::owner_folder(owner)};
    }
  }
  return Ok{};
}

Status check_source(const Claim& claim, const struct stat& about, const std::string& path) {
  const Source& source = claim.ticket.source;
  if (!S_ISREG(about.st_mode)) return Error{EINVAL, "read what is not a regular file", path};
  bool same = about.st_size == source.size_bytes;
  if (source.kind == SourceKind::referenced) {
    const int64_t modified = ns_of(about.st_mtim);
    same = same && modified == source.modified_ns;
  }
  return same ? Status(Ok{}) : Error{ESTALE, "read a source that changed", path};
}

}  // namespace

Owner::Owner(const Spool* spool, std::string name, Fd alive)
    : spool_(spool),
      name_(std::move(name)),
      alive_(std::move(alive)),
      in_flight_(std::make_shared<InFlightTokens>()) {}

bool is_version(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view(".+~-").find(c) != std::string_view::npos;
  });
}

OwnerTold told_by(int alive, const struct stat& about) {
  OwnerTold told;
  const auto text = durable::read_text(alive, ".alive");
  if (!text || text->substr(0, kVersionLine.size()) != kVersionLine) return told;
  const size_t end = text->find('\n');
  std::string version = text->substr(kVersionLine.size(), end - kVersionLine.size());
  if (end == std::string::npos || !is_version(version)) return told;
  told.version = std::move(version);
  // One time to the nanosecond is by one clock: see touch().
  const bool by_one = ns_of(about.st_mtim) == ns_of(about.st_ctim) && about.st_mtim.tv_nsec != 0;
  if (!by_one) told.clock_ahead_ms = ms_of(about.st_mtim) - ms_of(about.st_ctim);
  return told;
}

Result<Owner> Owner::enter(const Spool& spool, std::string_view version) {
  if (const auto alone = refuse_namesakes(spool); !alone) return alone.error();
  const sys::Identity me = sys::identity();
  const std::string temp = durable::temp_path(spool);
  const std::string name = layout::owner_name(me, random_name());
  const auto made = durable::make_state_folder(spool.root(), temp.c_str(), spool.folder_mode());
  if (!made) return made.error();
  auto alive = make_alive(spool, temp, version);
  if (!alive) return alive.error();
  if (const auto in = move_in(spool, temp, layout::owner_folder(name)); !in) return in.error();
  if (mutated(Mutant::shared_claim_name)) {
    const auto shared = durable::make_folder(spool, "processing/shared");
    if (!shared) return shared.error();
  }
  return Owner(&spool, name, std::move(*alive));
}

std::string Owner::path_of(const Token& token) const {
  return layout::processing(mutated(Mutant::shared_claim_name) ? "shared" : name_, token);
}

Status Owner::beat() const {
  struct stat held = {};
  const std::string path = layout::alive(name_);
  if (touch(alive_.get()) != 0) {
    const Error why = last_error("give a sign of life", path);
    // Of a file that another host has removed a network file system says ESTALE.
    const auto there = durable::exists_anew(*spool_, path);
    return there && !*there ? Error{ENOENT, "recognise this instance's folder", path} : why;
  }
  if (sys::fstat(alive_.get(), &held) != 0) return last_error("look at", path);
  const auto named = inode_of_alive(*spool_, path);
  if (!named) return named.error();
  if (held.st_ino != *named) return Error{ENOENT, "recognise this instance's folder", path};
  return give_back_strays();
}

Status Owner::give_back_strays() const {
  const auto names = sorted_names(*spool_, layout::owner_folder(name_));
  if (!names) return names.error();
  std::vector<Token> strays;
  for (const std::string& name : *names) {
    const auto token = layout::parse_token(name);
    if (!token || in_flight_->has(*token)) continue;
    const auto stands =
        durable::exists(*spool_, path_of(*token));  // it may just have been moved on
    if (stands && *stands) strays.push_back(*token);
  }
  give_back(strays);
  return Ok{};
}

// What cannot be given back is left for the next beat, or for whoever recovers our folder.
void Owner::give_back(const std::vector<Token>& tokens) const {
  for (const Token& token : tokens) {
    (void)release(Claim{token, Ticket{token.id}});
    in_flight_->drop(token);
  }
}

// A job left our hands, unless an error says that it is still held.
void Owner::ended(const Token& token, const Error* error) const {
  if (error == nullptr || error->code == EEXIST) in_flight_->drop(token);
}

// The token of an ended job; should it stay behind, a later beat sees to it.
void Owner::move_own_ended(const Token& token, Ending ending) const {
  (void)move_ended(*spool_, path_of(token), token.id, ending);
}

Result<Fd> Owner::open_source(const Claim& claim) const {
  const Source& source = claim.ticket.source;
  const bool referenced = source.kind == SourceKind::referenced;
  const std::string path = referenced ? source.path : layout::source(claim.token.id);
  if (referenced && claim.submitter != sys::effective_uid()) {
    return Error{EPERM, "follow a path from another user's ticket", path};
  }
  Fd file(sys::openat(spool_->root(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return last_error("open the source", path);
  struct stat about = {};
  if (sys::fstat(file.get(), &about) != 0) return last_error("look at the source", path);
  if (const auto good = check_source(claim, about, path); !good) return good.error();
  return file;
}

Result<bool> Owner::has_ended(const Claim& claim) const {
  return durable::exists(*spool_, layout::outcome(claim.token.id));
}

Status Owner::release(const Claim& claim) const {
  auto done = move_back(claim.token);
  ended(claim.token, done ? nullptr : &done.error());
  return done;
}

Status Owner::move_back(const Token& token) const {
  const std::string from = path_of(token);
  const auto outcome = read_outcome(*spool_, token.id);
  if (outcome && *outcome) {
    (void)remove_other_results(*spool_, {**outcome});  // fsck finds what stays
    return move_ended(*spool_, from, token.id, (*outcome)->ending);
  }
  if (!has_next(token)) {
    const Cause cause{"poison", "attempt numbers are used up", 0};
    const auto failed = fail(Claim{token, Ticket{token.id}}, cause, "{}", Sync::full);
    return failed ? Status(Ok{}) : failed.error();
  }
  auto moved = move_token_durably(*spool_, from, layout::staging(next_of(token)), Sync::batch);
  if (!moved && moved.error().code == ENOENT) return Ok{};  // taken over: not ours any more
  return moved;
}

Status Owner::leave() {
  const std::string folder = layout::owner_folder(name_);
  const auto names = sorted_names(*spool_, folder);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const auto token = layout::parse_token(name);
    if (!token) continue;
    const auto given_back = release(Claim{*token, Ticket{token->id}});
    if (!given_back) return given_back.error();
  }
  const auto gone = durable::remove(*spool_, layout::alive(name_));
  if (!gone) return gone.error();
  if (sys::unlinkat(spool_->root(), folder.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return last_error("leave", folder);
  }
  if (mutated(Mutant::shared_claim_name)) {  // else the folder gives the fault away by itself
    (void)sys::unlinkat(spool_->root(), "processing/shared", AT_REMOVEDIR);
  }
  alive_ = Fd();
  return Ok{};
}

}  // namespace imgq
