#include "src/web/service.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include "src/http/header_value.h"
#include "src/http/multipart.h"
#include "src/http/server.h"
#include "src/util/log.h"
#include "src/util/open_files.h"
#include "src/util/sd_notify.h"
#include "src/util/threads.h"
#include "src/web/routes.h"

namespace imgq::web {
namespace {

constexpr size_t kMinToken = 16, kMaxToken = 512;
constexpr std::chrono::seconds kLookForSpool{5};
constexpr int64_t kMinBody = int64_t{256} << 20;
constexpr size_t kThreads = 3;       // what looks at the spool, what stops the server, a connection
constexpr size_t kEach = 3;          // descriptors of a connection
constexpr size_t kLittle = 64 + 64;  // of all else, and of one form of as many files as it may have

// Hundreds of threads with an arena each would keep what one of them once needed.
void spare_memory() {
  // A hint: nothing depends on it. No thread has started yet.
  (void)::mallopt(M_ARENA_MAX, 2);  // NOLINT(concurrency-mt-unsafe)
}

// As many descriptors as we may have; returns how many connections they allow: a socket, an image
// and a further image of some form each, and a little.
size_t allowed_connections(size_t wanted) {
  const size_t granted = allow_open_files(wanted * kEach + kLittle);
  return std::clamp<size_t>((granted - std::min(granted, kLittle)) / kEach, 4, wanted);
}

sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Waits for a signal to end, or for the spool to be removed.
void wait_for_the_end(const Spool& spool) {
  const sigset_t signals = ending_signals();
  const timespec interval{kLookForSpool.count(), 0};
  while (::sigtimedwait(&signals, nullptr, &interval) < 0 && !spool.removed()) {
  }
}

// Stops the server then. Ended by SIGTERM to itself when the server ended first.
class Stopper {
 public:
  Stopper(Server& server, const Spool& spool)
      : thread_([&server, &spool] {
          wait_for_the_end(spool);
          server.stop();
        }) {}
  Stopper(const Stopper&) = delete;
  Stopper& operator=(const Stopper&) = delete;
  ~Stopper() {
    // Joinable, so it is there; it waits for the signal, which ends nothing.
    // NOLINTNEXTLINE(bugprone-bad-signal-to-kill-thread)
    (void)::pthread_kill(thread_.native_handle(), SIGTERM);
    thread_.join();
  }

 private:
  std::thread thread_;
};

ServerOptions server_options(const Service& service, int64_t max_body_bytes) {
  ServerOptions options;
  options.max_connections = allowed_connections(service.max_connections);
  options.max_body_bytes = max_body_bytes;
  options.pace.head_ms = service.head_timeout.count() * 1000;
  options.pace.grace_ms = service.slow_grace.count() * 1000;
  return options;
}

SiteOptions site_options(const Service& service, const ServerOptions& server) {
  SiteOptions options;
  options.token = service.token;
  options.max_body_bytes = server.max_body_bytes;
  options.max_further_files =
      std::max(Multipart::kMaxParts, static_cast<int>(server.max_connections));
  options.max_waiting = service.max_waiting;
  options.max_held = static_cast<int>(std::max<size_t>(1, service.max_connections / 8));
  // With a token a strange page's visitor has nothing to show, whatever name it used.
  if (service.token.empty() || !service.hosts.empty()) {
    options.hosts = service.hosts;
    options.hosts.emplace_back("localhost");
  }
  return options;
}

void tell_manager(std::string_view state) {
  if (const Status told = notify::send(state); !told) {
    log::line(log::Level::warning, "the service manager cannot be told",
              {{"why", told.error().text()}});
  }
}

}  // namespace

Result<std::string> read_token(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return last_error("open", path);
  std::array<char, kMaxToken + 2> text{};
  const ssize_t size = sys::read(file.get(), text.data(), text.size());
  if (size < 0) return last_error("read", path);
  std::string_view token = trimmed({text.data(), static_cast<size_t>(size)});
  if (token.ends_with('\n')) token.remove_suffix(1);
  if (token.ends_with('\r')) token.remove_suffix(1);
  token = trimmed(token);
  const bool printable =
      std::all_of(token.begin(), token.end(), [](char c) { return c >= 0x21 && c <= 0x7e; });
  if (token.size() < kMinToken || token.size() > kMaxToken || !printable) {
    return bad_data("a token is one line of 16 to 512 printable characters", path);
  }
  struct stat about = {};
  if (sys::fstat(file.get(), &about) == 0 && (about.st_mode & S_IROTH) != 0) {
    log::line(log::Level::warning, "others can read the token file", {{"file", path}});
  }
  return std::string(token);
}

Status serve(const Spool& spool, const Config& config, const Service& service,
             const Listening& listening) {
  spare_memory();
  if (startable_threads(kThreads) < kThreads) return Error{EAGAIN, "start a thread", ""};
  const sigset_t signals = ending_signals();
  (void)::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // fails only for a bad argument
  const int64_t max_body = service.max_body_bytes > 0
                               ? service.max_body_bytes
                               : std::max(kMinBody, largest_upload(config) + (int64_t{1} << 20));
  Committer committer(spool, sync_named(config.sync).value_or(Sync::batch));
  SpoolView spool_view(spool, config.lease);
  Metrics metrics;
  const ServerOptions options = server_options(service, max_body);
  Site site{spool, config, site_options(service, options), committer, spool_view, metrics};
  Server server(options, [&site](const Asked& asked) { return answer(site, asked); });
  log::line(log::Level::notice, "serving", {{"spool", spool.path()}, {"at", listening.where}});
  tell_manager("READY=1\nSTATUS=Serving " + listening.where);
  Status served = Ok{};
  {
    const Stopper stopper(server, spool);
    served = server.serve(listening.socket);
  }
  tell_manager("STOPPING=1");
  log::line(log::Level::notice, "stopped");
  // One that is made anew under the same name is another one: whoever starts us again opens it.
  if (spool.removed()) return Error{ENOENT, "go on: the spool was removed", spool.path()};
  return served;
}

}  // namespace imgq::web
