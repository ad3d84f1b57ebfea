// imgq-httpd: the HTTP shim, a client of the spool like imgq. Options in, one call. See
// src/web/service.h.
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "src/http/listen.h"
#include "src/util/units.h"
#include "src/web/public_url.h"
#include "src/web/service.h"
#include "tools/daemon.h"

namespace imgq::tools {
namespace {

struct Options {
  DaemonOptions common;
  std::string listen = "127.0.0.1:8080", token_file;
  std::string socket_mode, public_url;
  std::string max_body, max_connections, max_waiting, head_timeout, slow_grace, idle_timeout;
  std::vector<std::string> hosts, origins, proxies;
  bool insecure = false;
};

Command program_table(Options& o) {
  return {
      "imgq-httpd",
      "serves a spool over HTTP: uploads, results, and a page",
      "imgq-httpd --spool /var/spool/imgq\n"
      "imgq-httpd --spool ~/pictures.spool --listen 127.0.0.1:0\n"
      "imgq-httpd --listen 0.0.0.0:8080 --token-file /etc/imgq/token",
      "The address that is served is printed as one line on standard output. A socket handed over "
      "by the service manager counts more than --listen. SIGTERM ends requests under way first. "
      "SIGHUP has it read configuration and token again.",
      daemon_groups(
          o.common,
          {{"-l,--listen", &o.listen,
            "where to listen [127.0.0.1:8080]; port 0: a free one, which is printed",
            "ADDRESS:PORT|unix:PATH"},
           {"--socket-mode", &o.socket_mode,
            "who may connect to unix:PATH [as the umask has it], in octal", "MODE"},
           {"-t,--token-file", &o.token_file, "answer only who shows the token in this file",
            "FILE", "@file"},
           {"--allow-host", &o.hosts,
            "answer to this Host name, and to pages from there, too; may be repeated", "NAME"},
           {"--allow-origin", &o.origins,
            "let pages of this origin use /v1 (CORS) [none]; may be repeated", "ORIGIN"},
           {"--public-url", &o.public_url,
            "the address that a proxy gives it: for links, and as a Host name", "URL"},
           {"--trusted-proxy", &o.proxies,
            "believe X-Forwarded-For of this peer, for the log; may be repeated", "ADDRESS|unix"},
           {"--insecure", &o.insecure, "listen beyond this machine without a token"},
           {"--max-body", &o.max_body, "bytes of one request [256MiB]", "SIZE"},
           {"--max-connections", &o.max_connections, "served at once [512]", "N"},
           {"--max-waiting", &o.max_waiting,
            "jobs that may wait before uploads are refused [100000]", "N"},
           {"--head-timeout", &o.head_timeout, "time for a request's head [10s]", "TIME"},
           {"--slow-grace", &o.slow_grace,
            "time before a body or a reader slower than 4 KiB/s is cut off [15s]", "TIME"},
           {"--idle-timeout", &o.idle_timeout,
            "time between two requests of a connection [20s]; 0s: one request each", "TIME"}}),
  };
}

// Each reads an option over its default.
Status read_count(const char* name, const std::string& text, int64_t low, int64_t high,
                  int64_t& into) {
  if (text.empty()) return Ok{};
  const auto count = parse_count(text, low, high);
  if (!count) return Error{EINVAL, std::string(name) + ": " + count.error().text(), ""};
  into = *count;
  return Ok{};
}

Status read_time(const char* name, const std::string& text, int low, std::chrono::seconds& into) {
  if (text.empty()) return Ok{};
  const auto time = parse_duration(text);
  if (!time || time->count() < low || time->count() > 3600) {
    return Error{EINVAL, std::string(name) + " is a time from " + std::to_string(low) + "s to 1h",
                 ""};
  }
  into = *time;
  return Ok{};
}

Status read_size(const char* name, const std::string& text, int64_t& into) {
  if (text.empty()) return Ok{};
  const auto size = parse_size(text);
  if (!size || *size < 1) return Error{EINVAL, std::string(name) + " is a size like 256MiB", ""};
  into = *size;
  return Ok{};
}

// Who asks, and how it is called from outside.
Status read_outside(const Options& o, web::Service& service) {
  service.hosts = o.hosts;
  service.origins = o.origins;
  service.trusted_proxies = o.proxies;
  for (const std::string& origin : o.origins) {
    if (web::is_origin(origin)) continue;
    return Error{EINVAL, "--allow-origin is an origin like https://app.example.org", ""};
  }
  for (const std::string& proxy : o.proxies) {
    if (proxy == "unix" || web::is_ip_address(proxy)) continue;
    return Error{EINVAL, "--trusted-proxy is an address in numbers, or unix", ""};
  }
  if (o.public_url.empty()) return Ok{};
  auto url = web::parse_public_url(o.public_url);
  if (!url) return Error{EINVAL, "--public-url: " + url.error().text(), ""};
  service.public_url = std::move(*url);
  return Ok{};
}

Result<web::Service> service_of(const Options& o) {
  web::Service service;
  auto connections = static_cast<int64_t>(service.max_connections);
  for (const Status& read :
       {read_outside(o, service),
        read_count("--max-connections", o.max_connections, 4, 16384, connections),
        read_count("--max-waiting", o.max_waiting, 1, INT64_MAX, service.max_waiting),
        read_time("--head-timeout", o.head_timeout, 1, service.head_timeout),
        read_time("--slow-grace", o.slow_grace, 1, service.slow_grace),
        read_time("--idle-timeout", o.idle_timeout, 0, service.idle_timeout),
        read_size("--max-body", o.max_body, service.max_body_bytes)}) {
    if (!read) return read.error();
  }
  service.max_connections = static_cast<size_t>(connections);
  return service;
}

// The socket we were handed, else a new one.
Result<web::Listening> open_socket(const Options& options) {
  auto handed = web::inherited();
  if (!handed) return handed.error();
  if (*handed) return std::move(**handed);
  auto address = web::parse_address(options.listen);
  if (!address) return Error{EINVAL, "--listen: " + address.error().text(), ""};
  if (!options.socket_mode.empty()) {
    address->mode = web::parse_mode(options.socket_mode);
    if (!address->mode) return Error{EINVAL, "--socket-mode is like 0660", ""};
    if (address->path.empty()) return Error{EINVAL, "--socket-mode is of a --listen unix:PATH", ""};
  }
  return web::listen_at(*address);
}

Result<web::Settings> read_settings(const Options& options) {
  auto config = read_daemon_config(options.common);
  if (!config) return config.error();
  web::Settings settings{std::move(*config), ""};
  if (options.token_file.empty()) return settings;
  auto token = web::read_token(options.token_file);
  if (!token) return token.error();
  settings.token = std::move(*token);
  return settings;
}

Exit serve(const Command& program, const Options& options, const web::Settings& settings,
           const web::Service& service) {
  const Config& config = settings.config;
  Exit failure = Exit::ok;
  auto spool = open_or_make(config, options.common, failure);
  if (!spool) return complain(program, spool.error().text(), failure);
  const auto listening = open_socket(options);
  if (!listening && listening.error().code == EINVAL) {
    return complain(program, listening.error().action);
  }
  if (!listening) return complain(program, listening.error().text(), Exit::cannot_create);
  if (!listening->loopback && settings.token.empty() && !options.insecure) {
    return complain(program, "others can reach " + listening->where +
                                 ": give a --token-file, or say --insecure");
  }
  web::hold_signals();
  (void)std::printf("%s\n", listening->where.c_str());  // a closed stdout is no reason to end
  (void)std::fflush(stdout);
  const auto served = web::serve(std::move(*spool), settings, service, *listening,
                                 [&options] { return read_settings(options); });
  return served ? Exit::ok : complain(program, served.error().text(), exit_for(served.error()));
}

Exit run(int count, char** words) {
  Options options;
  const Command program = program_table(options);
  const auto done = read_daemon_options(program, options.common, count, words);
  if (done) return *done;
  const auto service = service_of(options);
  if (!service) return complain(program, service.error().action);
  const auto settings = read_settings(options);
  if (!settings) return complain(program, settings.error().text(), Exit::bad_config);
  return serve(program, options, *settings, *service);
}

}  // namespace
}  // namespace imgq::tools

int main(int count, char** words) {
  return imgq::tools::run_program("imgq-httpd", [&] { return imgq::tools::run(count, words); });
}
