#include "src/supervise/job.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "src/util/log.h"

namespace imgq::supervise {
namespace {

// ESTALE: a referenced file that changed; on the spool itself it is ambiguous.
bool is_source_fault(int code) {
  constexpr std::array kFaults = {ENOENT, EACCES, EPERM, ELOOP, EINVAL, ESTALE};
  return std::find(kFaults.begin(), kFaults.end(), code) != kFaults.end();
}

// Judges or troubles `prepared` for a source that cannot be opened.
void source_failed(Prepared& prepared, const Error& error) {
  const bool referenced = prepared.job->claim.ticket.source.kind == SourceKind::referenced;
  if (is_pausing(error) || (is_ambiguous(error) && !referenced)) {
    prepared.trouble = error;
  } else if (is_source_fault(error.code)) {
    prepared.verdict = Verdict{Code::source_missing, error.text()};
  } else {
    prepared.verdict = Verdict{Code::io_error, error.text()};
  }
}

void make_results(const Spool& spool, Prepared& prepared) {
  Job& job = *prepared.job;
  for (size_t i = 0; i < job.request.renditions.size(); ++i) {
    auto file = TempFile::create(spool);
    if (!file) {
      prepared.trouble = file.error();
      return;
    }
    job.results.push_back(std::move(*file));
  }
}

Verdict unusable(const std::string& name, std::string_view what) {
  return {Code::no_watermark, fmt::format("watermark '{}': {}", name, what)};
}

// The job's records do not tell where the daemon has it.
Verdict not_opened(const std::string& name, const Error& error) {
  log::line(log::Level::warning, "a watermark cannot be opened", {{"error", error.text()}});
  Verdict verdict = unusable(name, Error{error.code, "open its file", ""}.text());
  if (!is_source_fault(error.code)) verdict.code = Code::io_error;
  return verdict;
}

std::optional<Verdict> open_watermarks(Job& job, const Watermarks& watermarks) {
  for (const Rendition& rendition : job.request.renditions) {
    if (rendition.watermark.empty()) continue;
    const auto found = watermarks.find(rendition.watermark);
    if (found == watermarks.end()) {
      return unusable(rendition.watermark, "the configuration has none of this name");
    }
    const std::string& path = found->second.file;
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!file) {
      return not_opened(rendition.watermark, last_error("open a watermark", path));
    }
    job.watermarks.push_back({std::move(file), found->second});
  }
  return {};
}

}  // namespace

Prepared prepare(const Spool& spool, const std::shared_ptr<Owner>& owner, Claim claim,
                 const Watermarks& watermarks) {
  Prepared prepared{std::make_unique<Job>(std::move(claim), owner), std::nullopt, std::nullopt};
  Job& job = *prepared.job;
  auto request = parse_request(job.claim.ticket.request, job.claim.token.id.text());
  if (!request) {
    prepared.verdict = Verdict{Code::bad_request, request.error().text()};
    return prepared;
  }
  job.request = std::move(*request);
  prepared.verdict = open_watermarks(job, watermarks);
  if (prepared.verdict) return prepared;
  auto source = owner->open_source(job.claim);
  if (!source) {
    source_failed(prepared, source.error());
    return prepared;
  }
  job.source = std::move(*source);
  make_results(spool, prepared);
  return prepared;
}

Status reset_results(Job& job) {
  for (const TempFile& result : job.results) {
    if (::ftruncate(result.fd(), 0) != 0 || ::lseek(result.fd(), 0, SEEK_SET) != 0) {
      return last_error("empty a result", result.path());
    }
  }
  return Ok{};
}

}  // namespace imgq::supervise
