#include "src/web/service.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "spool/remount.h"
#include "src/http/header_value.h"
#include "src/http/multipart.h"
#include "src/http/server.h"
#include "src/jobs/hang_report.h"
#include "src/util/log.h"
#include "src/util/open_files.h"
#include "src/util/sd_notify.h"
#include "src/util/threads.h"
#include "src/web/routes.h"

namespace imgq::web {
namespace {

constexpr size_t kMinToken = 16, kMaxToken = 512;
constexpr std::chrono::seconds kLookForSpool{1};
constexpr std::chrono::milliseconds kDrain{10'000};  // for requests under way at the end
constexpr int64_t kMinBody = int64_t{256} << 20;
constexpr size_t kThreads = 4;       // for the spool's view, the hang report, the end; a connection
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
  options.drain_ms = kDrain.count();
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

// A spool that is served, and what looks into it. Kept by the sites that are of it: when it is
// mounted anew, what is under way ends with the old one and closes it.
struct Served {
  Served(Spool opened, const Settings& settings)
      : spool(std::move(opened)),
        committer(spool, sync_named(settings.config.sync).value_or(Sync::batch)),
        spool_view(spool, settings.config.lease) {
    change(settings);
  }
  void change(const Settings& settings) {
    committer.set_sync(sync_named(settings.config.sync).value_or(Sync::batch));
    spool_view.set_lease(settings.config.lease);
    spool.owe_hooks(!settings.config.hook.empty());
  }

  const Spool spool;
  Remount remount{spool};
  Committer committer;
  SpoolView spool_view;
};

// The site that answers; another takes its place when the settings are read again, or the spool is
// mounted anew. All but answer_to() is for one thread.
class Sites {
 public:
  Sites(Spool spool, Settings settings, const Service& service, size_t connections)
      : settings_(std::move(settings)),
        service_(service),
        connections_(connections),
        served_(std::make_shared<Served>(std::move(spool), settings_)),
        site_(made()) {}

  void change(const Settings& settings) {
    settings_ = settings;
    served_->change(settings);
    replace();
  }

  // Looks for the spool. Why it can be served no longer, if so.
  std::optional<Error> look() {
    const std::string path = served_->spool.path();
    // One that is made anew under the same name is another one: whoever starts us again opens it.
    if (served_->spool.removed()) return Error{ENOENT, "go on: the spool was removed", path};
    switch (served_->remount.look()) {
      case Remount::Seen::well:
        said_lost_.clear();
        break;
      case Remount::Seen::away:
        tell_lost(served_->remount.why());
        break;
      case Remount::Seen::dead:
        return Error{EAGAIN, "go on: a mount that died is all there is", path};
      case Remount::Seen::back:
        begin_anew(*served_->remount.take());
        break;
    }
    return std::nullopt;
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
  // A site keeps the spool that it is of.
  std::shared_ptr<Site> made() {
    Served& served = *served_;
    auto* site = new Site{served.spool,
                          settings_.config,
                          site_options(settings_, service_, connections_),
                          served.committer,
                          served.spool_view,
                          metrics_,
                          held_};
    return {site, [kept = served_](const Site* gone) { delete gone; }};
  }

  void replace() {
    auto site = made();
    const std::lock_guard lock(mutex_);
    site_.swap(site);  // the old one goes when the lock is given up, or with its last request
  }

  void begin_anew(Spool spool) {
    log::line(log::Level::notice, "the spool is mounted anew", {{"spool", spool.path()}});
    const auto old = std::exchange(served_, std::make_shared<Served>(std::move(spool), settings_));
    replace();
    old->spool_view.close();  // streams end; who reads them asks again
  }

  void tell_lost(const std::string& why) {
    if (std::exchange(said_lost_, why) == why) return;
    log::line(log::Level::error, "the spool's file system went away; waiting for it",
              {{"error", why}});
  }

  std::shared_ptr<Site> current() const {
    const std::lock_guard lock(mutex_);
    return site_;
  }

  Settings settings_;
  const Service& service_;
  const size_t connections_;
  std::shared_ptr<Served> served_;
  Metrics metrics_;
  Held held_;
  std::string said_lost_;
  mutable std::mutex mutex_;
  std::shared_ptr<Site> site_;
};

// Waits for a signal to end, or for the end of the spool; on SIGHUP calls `reload`.
Status wait_for_the_end(Sites& sites, const std::function<void()>& reload) {
  const sigset_t signals = awaited_signals();
  const timespec interval{kLookForSpool.count(), 0};
  for (;;) {
    const int signal = ::sigtimedwait(&signals, nullptr, &interval);
    if (signal == SIGHUP) reload();
    if (signal == SIGTERM || signal == SIGINT) return Ok{};
    const auto trouble = signal < 0 ? sites.look() : std::nullopt;
    if (trouble) return *trouble;
  }
}

// Stops the server then. Ended by SIGTERM to itself when the server ended first.
class Stopper {
 public:
  Stopper(Server& server, Sites& sites, const std::function<void()>& reload, Status& why)
      : thread_([&server, &sites, &reload, &why] {
          why = wait_for_the_end(sites, reload);
          HangReport::end_after(kDrain);
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

Status serve(Spool spool, const Settings& settings, const Service& service,
             const Listening& listening, const ReadSettings& read_again) {
  spare_memory();
  if (startable_threads(kThreads) < kThreads) return Error{EAGAIN, "start a thread", ""};
  const ServerOptions options = server_options(settings.config, service);
  const std::string path = spool.path();
  Sites sites(std::move(spool), settings, service, options.max_connections);
  Server server(options, [&sites](const Asked& asked) { return sites.answer_to(asked); });
  std::atomic<std::chrono::milliseconds> io_timeout{settings.config.io_timeout};
  HangReport hangs(settings.config.io_stalled, [&] {
    const std::chrono::milliseconds timeout = io_timeout.load();
    if (timeout.count() > 0) server.refuse_working(timeout.count());
  });
  const std::function<void()> reload = [&] {
    const auto fresh = read_again();
    if (!fresh) return tell_of_old_settings(fresh.error());
    if (fresh->config.spool != settings.config.spool) {
      log::line(log::Level::warning, "a changed setting counts only after a restart",
                {{"setting", "spool"}});
    }
    server.set_max_body(max_body(fresh->config, service));
    sites.change(*fresh);
    hangs.change(fresh->config.io_stalled);
    io_timeout = fresh->config.io_timeout;
    log::line(log::Level::notice, "configuration reloaded");
  };
  log::line(log::Level::notice, "serving", {{"spool", path}, {"at", listening.where}});
  tell_manager("READY=1\nSTATUS=Serving " + listening.where);
  Status served = Ok{}, ended = Ok{};
  {
    const Stopper stopper(server, sites, reload, ended);
    served = server.serve(listening.socket);
  }
  tell_manager("STOPPING=1");
  log::line(log::Level::notice, "stopped");
  return ended ? served : ended;
}

}  // namespace imgq::web
