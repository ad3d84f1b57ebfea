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
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

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

sigset_t awaited_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int one : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, one);
  return signals;
}

// Waits for a signal to end, or for the spool to be removed; on SIGHUP calls `reload`.
void wait_for_the_end(const Spool& spool, const std::function<void()>& reload) {
  const sigset_t signals = awaited_signals();
  const timespec interval{kLookForSpool.count(), 0};
  for (;;) {
    const int signal = ::sigtimedwait(&signals, nullptr, &interval);
    if (signal == SIGHUP) reload();
    if (signal == SIGTERM || signal == SIGINT || (signal < 0 && spool.removed())) return;
  }
}

// Stops the server then. Ended by SIGTERM to itself when the server ended first.
class Stopper {
 public:
  Stopper(Server& server, const Spool& spool, const std::function<void()>& reload)
      : thread_([&server, &spool, &reload] {
          wait_for_the_end(spool, reload);
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

int64_t max_body(const Config& config, const Service& service) {
  if (service.max_body_bytes > 0) return service.max_body_bytes;
  return std::max(kMinBody, largest_upload(config) + (int64_t{1} << 20));
}

ServerOptions server_options(const Config& config, const Service& service) {
  ServerOptions options;
  options.max_connections = allowed_connections(service.max_connections);
  options.max_body_bytes = max_body(config, service);
  options.pace.head_ms = service.head_timeout.count() * 1000;
  options.pace.grace_ms = service.slow_grace.count() * 1000;
  options.pace.idle_ms = service.idle_timeout.count() * 1000;
  return options;
}

SiteOptions site_options(const Settings& settings, const Service& service, size_t connections) {
  SiteOptions options;
  options.token = settings.token;
  options.max_body_bytes = max_body(settings.config, service);
  options.max_further_files = std::max(Multipart::kMaxParts, static_cast<int>(connections));
  options.max_waiting = service.max_waiting;
  options.max_held = static_cast<int>(std::max<size_t>(1, service.max_connections / 8));
  options.origins = service.origins;
  options.trusted_proxies = service.trusted_proxies;
  options.public_url = service.public_url;
  for (const std::string& name : service.hosts) options.own_hosts.push_back(lower(name));
  if (service.public_url) options.own_hosts.push_back(service.public_url->host);
  // With a token a strange page's visitor has nothing to show, whatever name it used.
  if (settings.token.empty() || !service.hosts.empty()) {
    options.hosts = options.own_hosts;
    options.hosts.emplace_back("localhost");
  }
  return options;
}

// The site that answers; another takes its place when the settings are read again.
class Sites {
 public:
  Sites(const Spool& spool, const Settings& settings, const Service& service, size_t connections)
      : spool_(spool),
        service_(service),
        connections_(connections),
        committer_(spool, sync_of(settings.config)),
        spool_view_(spool, settings.config.lease),
        site_(made(settings)) {}

  void change(const Settings& settings) {
    committer_.set_sync(sync_of(settings.config));
    spool_view_.set_lease(settings.config.lease);
    spool_.owe_hooks(!settings.config.hook.empty());
    auto site = made(settings);
    const std::lock_guard lock(mutex_);
    site_ = std::move(site);
  }

  // A stream keeps its site until it ends.
  Reply answer_to(const Asked& asked) {
    const auto site = current();
    Reply reply = answer(*site, asked);
    if (reply.stream) {
      reply.stream = [site, stream = std::move(reply.stream)](const ClientStays& client_stays,
                                                              const StreamWrite& write) {
        stream(client_stays, write);
      };
    }
    return reply;
  }

 private:
  static Sync sync_of(const Config& config) {
    return sync_named(config.sync).value_or(Sync::batch);
  }

  std::shared_ptr<Site> made(const Settings& settings) {
    return std::shared_ptr<Site>(new Site{spool_, settings.config,
                                          site_options(settings, service_, connections_),
                                          committer_, spool_view_, metrics_, held_});
  }

  std::shared_ptr<Site> current() const {
    const std::lock_guard lock(mutex_);
    return site_;
  }

  const Spool& spool_;
  const Service& service_;
  const size_t connections_;
  Committer committer_;
  SpoolView spool_view_;
  Metrics metrics_;
  Held held_;
  mutable std::mutex mutex_;
  std::shared_ptr<Site> site_;
};

void tell_manager(std::string_view state) {
  if (const Status told = notify::send(state); !told) {
    log::line(log::Level::warning, "the service manager cannot be told",
              {{"why", told.error().text()}});
  }
}

void tell_of_old_settings(const Error& error) {
  log::line(log::Level::error, "configuration not reloaded; going on with the old one",
            {{"error", error.text()}});
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

void hold_signals() {
  const sigset_t signals = awaited_signals();
  (void)::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // fails only for a bad argument
}

Status serve(const Spool& spool, const Settings& settings, const Service& service,
             const Listening& listening, const ReadSettings& read_again) {
  spare_memory();
  if (startable_threads(kThreads) < kThreads) return Error{EAGAIN, "start a thread", ""};
  const ServerOptions options = server_options(settings.config, service);
  Sites sites(spool, settings, service, options.max_connections);
  Server server(options, [&sites](const Asked& asked) { return sites.answer_to(asked); });
  const std::function<void()> reload = [&] {
    const auto fresh = read_again();
    if (!fresh) return tell_of_old_settings(fresh.error());
    if (fresh->config.spool != settings.config.spool) {
      log::line(log::Level::warning, "a changed setting counts only after a restart",
                {{"setting", "spool"}});
    }
    server.set_max_body(max_body(fresh->config, service));
    sites.change(*fresh);
    log::line(log::Level::notice, "configuration reloaded");
  };
  log::line(log::Level::notice, "serving", {{"spool", spool.path()}, {"at", listening.where}});
  tell_manager("READY=1\nSTATUS=Serving " + listening.where);
  Status served = Ok{};
  {
    const Stopper stopper(server, spool, reload);
    served = server.serve(listening.socket);
  }
  tell_manager("STOPPING=1");
  log::line(log::Level::notice, "stopped");
  // One that is made anew under the same name is another one: whoever starts us again opens it.
  if (spool.removed()) return Error{ENOENT, "go on: the spool was removed", spool.path()};
  return served;
}

}  // namespace imgq::web
