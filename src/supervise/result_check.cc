#include "src/supervise/result_check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

#include "spool/spool.h"

namespace imgq::supervise {
namespace {

// What GLib, libstdc++ and the sanitizers say before they end a process that got no memory.
bool speaks_of_memory(std::string_view words) {
  for (std::string_view phrase :
       {"failed to allocate", "bad_alloc", "Error creating thread", "out of memory",
        "Cannot allocate memory", "allocation-size-too-big", "out-of-memory"}) {
    if (words.find(phrase) != std::string_view::npos) return true;
  }
  return false;
}

std::string seconds(int count) { return std::to_string(count) + " s"; }

std::string how_it_ended(const ProcessEnd& end) {
  if (end.signal == 0) return "the worker ended with exit code " + std::to_string(end.exit_code);
  const char* name = ::sigdescr_np(end.signal);
  return "the worker was killed by signal " + std::to_string(end.signal) +
         (name == nullptr ? "" : std::string(" (") + name + ")");
}

std::string_view format_in(int fd) {
  std::array<char, kSignatureBytes> head{};
  const ssize_t got = ::pread(fd, head.data(), head.size(), 0);
  return got <= 0 ? "" : name_of(sniff({head.data(), static_cast<size_t>(got)}).kind);
}

bool side_fits(int side, int asked, int limit) {
  return side >= 1 && side <= limit && (asked == 0 || side <= asked);
}

// Empty when the result is what it claims to be.
std::string fault_of(const ResultReport& result, const Rendition& asked, const Limits& limits,
                     int fd) {
  struct stat file{};
  if (result.rendition != asked.name) return "is for another rendition";
  if (!side_fits(result.width_px, asked.width_px, limits.max_result_side_px)) return "width";
  if (!side_fits(result.height_px, asked.height_px, limits.max_result_side_px)) return "height";
  if (asked.format != Format::automatic && asked.format != Format::keep &&
      result.format != name_of(asked.format)) {
    return "format";
  }
  if (::fstat(fd, &file) != 0 || file.st_size != result.size_bytes) return "size of the file";
  if (format_in(fd) != result.format) return "first bytes";
  return "";
}

bool is_not_a_workers_word(Code code) {
  return code == Code::poison || code == Code::cancelled || code == Code::lost ||
         code == Code::crashed || code == Code::timed_out;
}

}  // namespace

Verdict verdict_on(const Death& death, const Limits& limits) {
  const int signal = death.end.signal;
  if (death.why == Death::Why::overdue && death.extensions > 0) {
    return {Code::timed_out,
            "took longer than " + seconds(limits.wall_seconds * (1 + death.extensions)) +
                ", most of which the host did not let it run",
            0};
  }
  if (death.why == Death::Why::overdue) {
    return {Code::timed_out, "took longer than " + seconds(limits.wall_seconds), signal};
  }
  if (signal == SIGXCPU) {
    return {Code::timed_out, "used more than " + seconds(limits.cpu_seconds) + " of CPU time",
            signal};
  }
  if (death.why == Death::Why::garbage) {
    return {Code::crashed, "the worker broke its protocol and was killed", signal};
  }
  if (signal == SIGKILL && death.why == Death::Why::itself) {
    return {Code::out_of_memory,
            "the worker was killed, and not by imgq: host or control group were out of memory", 0};
  }
  if (speaks_of_memory(death.last_words)) {
    const Code code = death.first_job ? Code::too_large : Code::out_of_memory;
    return {code, "decoding needs more memory than a worker may have", 0};
  }
  return {Code::crashed, how_it_ended(death.end), signal};
}

Verdict checked(Verdict verdict, const Request& request, const Limits& limits,
                std::span<const int> results) {
  verdict.signal = 0;
  if (is_not_a_workers_word(verdict.code)) {
    return {Code::internal_error, "the worker judged what it cannot know", 0};
  }
  if (verdict.code != Code::ok) return verdict;
  std::string fault;
  if (verdict.results.size() != request.renditions.size() ||
      results.size() != verdict.results.size()) {
    fault = "number of results";
  }
  for (size_t i = 0; fault.empty() && i < results.size(); ++i) {
    fault = fault_of(verdict.results[i], request.renditions[i], limits, results[i]);
    if (!fault.empty()) fault += " of " + request.renditions[i].name;
  }
  if (fault.empty()) return verdict;
  verdict.code = Code::wrong_result;
  verdict.message = "not what was asked: " + fault;
  verdict.results.clear();
  return verdict;
}

std::optional<Error> disk_trouble(int result, off_t bytes) {
  if (::fallocate(result, FALLOC_FL_KEEP_SIZE, 0, bytes) == 0) return std::nullopt;
  Error error = last_error("make room for a result", "tmp");
  if (error.code == EOPNOTSUPP) {
    const std::array<char, 4096> block{};
    if (::pwrite(result, block.data(), block.size(), 0) >= 0 && ::fsync(result) == 0) return {};
    error = last_error("write a result", "tmp");
  }
  if (is_pausing(error)) return error;
  return std::nullopt;
}

}  // namespace imgq::supervise
