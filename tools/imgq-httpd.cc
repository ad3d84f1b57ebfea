// imgq-httpd: the HTTP shim, a client of the spool like imgq. Options in, one call, one catch. See
// src/web/service.h.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/base/exit_code.h"
#include "src/jobs/config.h"
#include "src/util/log.h"
#include "src/util/standard_files.h"
#include "src/util/units.h"
#include "src/web/service.h"
#include "tools/usage_words.h"

namespace {

using imgq::Config;
using imgq::Error;
using imgq::Exit;
using imgq::Result;
using imgq::Status;

struct Options {
  std::string spool, listen = "127.0.0.1:8080", config, token_file, log_level, log_style;
  std::string max_body, max_connections, max_waiting, head_timeout, slow_grace;
  std::vector<std::string> hosts;
  bool insecure = false, create = false;
};

int complain(const std::string& what, Exit code) {
  (void)std::fprintf(stderr, "imgq-httpd: %s\n", what.c_str());
  return static_cast<int>(code);
}

int complain(const Error& error) { return complain(error.text(), imgq::exit_for(error)); }

Error bad(const std::string& what) { return Error{EINVAL, what, ""}; }

void describe(CLI::App& app, Options& options) {
  app.set_version_flag("-V,--version", "imgq-httpd " IMGQ_VERSION, "print the version");
  const auto text = [&](const char* name, std::string& into, const char* what, const char* value) {
    app.add_option(name, into, what)->type_name(value)->take_last();
  };
  text("-s,--spool", options.spool, "the spool (default: imgq.toml's, or the user's own)", "DIR");
  text("-l,--listen", options.listen,
       "where to listen (default 127.0.0.1:8080); port 0: a free one, which is printed",
       "ADDRESS:PORT|unix:PATH");
  text("-t,--token-file", options.token_file, "answer only who shows the token in this file",
       "FILE");
  app.add_option("--allow-host", options.hosts, "answer to this Host name too; may be repeated")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_flag("--insecure", options.insecure, "listen beyond this machine without a token");
  text("--max-body", options.max_body, "bytes of one request (default 256MiB)", "SIZE");
  text("--max-connections", options.max_connections, "served at once (default 512)", "N");
  text("--max-waiting", options.max_waiting,
       "jobs that may wait before uploads are refused (default 100000)", "N");
  text("--head-timeout", options.head_timeout, "time for a request's head (default 10s)", "TIME");
  text("--slow-grace", options.slow_grace,
       "time before a body or a reader slower than 4 KiB/s is cut off (default 15s)", "TIME");
  text("-c,--config", options.config, "read this file instead of the usual ones", "FILE");
  text("--log-level", options.log_level, "error, warning, notice, info (default) or debug",
       "LEVEL");
  text("--log-style", options.log_style, "text (default) or json", "STYLE");
  app.add_flag("--create", options.create, "make the spool when it is missing");
  app.footer(
      "The address that is served is printed as one line on standard output. A socket handed over\n"
      "by the service manager counts more than --listen. SIGTERM ends requests under way first.\n\n"
      "Examples:\n"
      "  imgq-httpd --spool /var/spool/imgq\n"
      "  imgq-httpd --spool ~/pictures.spool --listen 127.0.0.1:0\n"
      "  imgq-httpd --listen 0.0.0.0:8080 --token-file /etc/imgq/token\n");
}

Status lay_over(const Options& options, Config& config) {
  if (!options.spool.empty()) config.spool = options.spool;
  if (config.spool.empty()) config.spool = imgq::default_spool();
  if (!options.log_level.empty()) config.log_level = options.log_level;
  if (!options.log_style.empty()) config.log_style = options.log_style;
  return imgq::log::set_up(config.log_level, config.log_style);
}

// Reads a count option over its default.
Status read_count(const char* name, const std::string& text, int64_t low, int64_t high,
                  int64_t& into) {
  if (text.empty()) return imgq::Ok{};
  const auto count = imgq::parse_count(text, low, high);
  if (!count) return bad(std::string(name) + ": " + count.error().text());
  into = *count;
  return imgq::Ok{};
}

Status read_time(const char* name, const std::string& text, std::chrono::seconds& into) {
  if (text.empty()) return imgq::Ok{};
  const auto time = imgq::parse_duration(text);
  if (!time || time->count() < 1 || time->count() > 3600) {
    return bad(std::string(name) + " is a time from 1s to 1h");
  }
  into = *time;
  return imgq::Ok{};
}

Result<imgq::web::Service> service_of(const Options& options) {
  imgq::web::Service service;
  service.hosts = options.hosts;
  auto connections = static_cast<int64_t>(service.max_connections);
  if (auto read = read_count("--max-connections", options.max_connections, 4, 16384, connections);
      !read) {
    return read.error();
  }
  service.max_connections = static_cast<size_t>(connections);
  if (auto read =
          read_count("--max-waiting", options.max_waiting, 1, INT64_MAX, service.max_waiting);
      !read) {
    return read.error();
  }
  if (auto read = read_time("--head-timeout", options.head_timeout, service.head_timeout); !read) {
    return read.error();
  }
  if (auto read = read_time("--slow-grace", options.slow_grace, service.slow_grace); !read) {
    return read.error();
  }
  if (!options.max_body.empty()) {
    const auto size = imgq::parse_size(options.max_body);
    if (!size || *size < 1) return bad("--max-body is a size like 256MiB");
    service.max_body_bytes = *size;
  }
  return service;
}

// The socket we were handed, else a new one.
Result<imgq::web::Listening> open_socket(const Options& options) {
  auto handed = imgq::web::inherited();
  if (!handed) return handed.error();
  if (*handed) return std::move(**handed);
  const auto address = imgq::web::parse_address(options.listen);
  if (!address) return bad("--listen: " + address.error().text());
  return imgq::web::listen_at(*address);
}

Result<imgq::Spool> open_spool(const Options& options, const std::string& path) {
  auto spool = imgq::Spool::open(path);
  if (spool || spool.error().code != ENOENT) return spool;
  if (options.create || path == imgq::default_spool()) return imgq::Spool::create(path);
  return Error{ENOENT, "open the spool (--create makes one)", path};
}

int serve(const Options& options, const Config& config, imgq::web::Service service) {
  if (!options.token_file.empty()) {
    auto token = imgq::web::read_token(options.token_file);
    if (!token) return complain(token.error().text(), Exit::bad_config);
    service.token = std::move(*token);
  }
  const auto spool = open_spool(options, config.spool);
  if (!spool) return complain(spool.error());
  const auto listening = open_socket(options);
  if (!listening && listening.error().code == EINVAL) {
    return complain(listening.error().action, Exit::usage);
  }
  if (!listening) return complain(listening.error().text(), Exit::cannot_create);
  if (!listening->loopback && service.token.empty() && !options.insecure) {
    return complain(
        "others can reach " + listening->where + ": give a --token-file, or say --insecure",
        Exit::usage);
  }
  (void)std::printf("%s\n", listening->where.c_str());  // a closed stdout is no reason to end
  (void)std::fflush(stdout);
  const auto served = imgq::web::serve(*spool, config, service, *listening);
  return served ? static_cast<int>(Exit::ok) : complain(served.error());
}

int run(int argc, char** argv) {
  CLI::App app{"Serves a spool over HTTP: uploads, results, and a page.", "imgq-httpd"};
  Options options;
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    return complain(imgq::tools::usage_words(app, error), Exit::usage);
  }
  imgq::ConfigSources sources;
  if (!options.config.empty()) sources.file = options.config;
  auto config = imgq::load_config(sources);
  if (!config) return complain(config.error().text(), Exit::bad_config);
  if (auto laid = lay_over(options, *config); !laid) {
    return complain(laid.error().action, Exit::usage);
  }
  auto service = service_of(options);
  if (!service) return complain(service.error().action, Exit::usage);
  return serve(options, *config, std::move(*service));
}

}  // namespace

int main(int argc, char** argv) {
  imgq::fill_standard_files();
  (void)::signal(SIGPIPE, SIG_IGN);  // a client or a log that is gone is no reason to end
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    return complain(std::string("bug: ") + error.what(), Exit::bug);
  }
}
