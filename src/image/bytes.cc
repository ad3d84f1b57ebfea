#include "src/image/bytes.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <system_error>

namespace imgq::image {
namespace {

std::string reason(int code) { return std::generic_category().message(code); }

Fault read_fault(int code) {
  if (code == EISDIR || code == ESPIPE) return {Code::source_missing, "not a regular file"};
  return {Code::io_error, "cannot read the source: " + reason(code)};
}

constexpr off_t kMappedAbove = 64L << 20;

// --- A page of a mapped file that its owner has cut off is a SIGBUS: it becomes one of zeros.

struct {
  uintptr_t begin = 0, end = 0;
  volatile std::sig_atomic_t cut = 0;
} mapping;

void fill_page(int /*signal*/, siginfo_t* info, void* /*context*/) {
  const auto at = reinterpret_cast<uintptr_t>(info->si_addr);
  const auto page_bytes = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  void* page = reinterpret_cast<void*>(at / page_bytes * page_bytes);  // NOLINT: an address
  const bool ours = at >= mapping.begin && at < mapping.end;
  if (ours && ::mmap(page, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
                  MAP_FAILED) {
    mapping.cut = 1;
  } else {
    (void)::signal(SIGBUS, SIG_DFL);  // it comes again, and ends the process
  }
}

void set_limit(rlim_t bytes) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0) return;
  limit.rlim_cur = bytes;
  (void)::setrlimit(RLIMIT_AS, &limit);
}

// The limit that a worker has set itself stands for all but the file, as far as the hard one goes.
// Returns what it was.
rlim_t widen_limit(size_t bytes) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0) return RLIM_INFINITY;
  const rlim_t before = limit.rlim_cur;
  if (before != RLIM_INFINITY) set_limit(std::min<rlim_t>(limit.rlim_max, before + bytes));
  return before;
}

}  // namespace

void Bytes::Unmap::operator()(uint8_t* data) const {
  (void)::munmap(data, size);
  mapping.begin = mapping.end = 0;
  set_limit(limit_before);
}

Failure Bytes::map(int descriptor) {
  struct sigaction action{};
  action.sa_sigaction = fill_page;
  action.sa_flags = SA_SIGINFO;
  if (::sigaction(SIGBUS, &action, nullptr) != 0) return read_fault(errno);
  const rlim_t before = widen_limit(size_);
  void* data = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) {
    set_limit(before);
    return Fault{Code::out_of_memory, "out of memory for the file"};
  }
  mapped_ = {static_cast<uint8_t*>(data), Unmap{size_, before}};
  mapping.begin = reinterpret_cast<uintptr_t>(data);
  mapping.end = mapping.begin + size_;
  mapping.cut = 0;
  descriptor_ = descriptor;
  return {};
}

bool Bytes::has_shrunk() const {
  return mapped_ &&
         (mapping.cut != 0 || ::lseek(descriptor_, 0, SEEK_END) < static_cast<off_t>(size_));
}

// The size comes from lseek, not fstat: a confined worker may be refused every kind of stat.
Failure Bytes::read(int descriptor, int64_t max_bytes) {
  const off_t size = lseek(descriptor, 0, SEEK_END);
  if (size < 0) return read_fault(errno);
  if (size == 0) return Fault{Code::empty_file, "the file is empty"};
  char probe = 0;
  if (pread(descriptor, &probe, 1, 0) < 0) return read_fault(errno);
  if (size > max_bytes) {
    return Fault{Code::file_too_large,
                 fmt::format("{} bytes, limits.max_file_bytes is {}", size, max_bytes)};
  }
  size_ = static_cast<size_t>(size);
  if (size > kMappedAbove) return map(descriptor);
  data_.reset(new uint8_t[size_]);
  for (size_t at = 0; at < size_;) {
    const ssize_t got = pread(descriptor, data_.get() + at, size_ - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return read_fault(errno);
    if (got == 0) return Fault{Code::source_missing, "the file shrank while it was read"};
    at += static_cast<size_t>(got);
  }
  return {};
}

std::string_view as_text(View v) { return {reinterpret_cast<const char*>(v.data()), v.size()}; }

bool has(View v, size_t at, std::string_view text) {
  return at <= v.size() && v.size() - at >= text.size() &&
         std::memcmp(v.data() + at, text.data(), text.size()) == 0;
}

}  // namespace imgq::image
