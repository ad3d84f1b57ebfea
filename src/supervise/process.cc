#include <signal.h>
#include <uv.h>

#include <utility>

#include "src/supervise/loop.h"

namespace imgq::supervise {
namespace {

// The form of execve(2): pointers into strings that outlive the call, and a null.
std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

std::vector<uv_stdio_container_t> descriptor_table(const std::vector<int>& fds) {
  std::vector<uv_stdio_container_t> table(fds.size());
  for (size_t i = 0; i < fds.size(); ++i) {
    table[i].flags = fds[i] < 0 ? UV_IGNORE : UV_INHERIT_FD;
    table[i].data.fd = fds[i];
  }
  return table;
}

}  // namespace

struct Process::Handle {
  uv_process_t uv{};
  std::function<void(ProcessEnd)> ended;

  bool running() const { return ::uv_is_active(reinterpret_cast<const uv_handle_t*>(&uv)) != 0; }
};

Result<std::unique_ptr<Process>> Process::start(Loop& loop, const Start& how,
                                                std::function<void(ProcessEnd)> ended) {
  std::vector<std::string> words{how.program};
  words.insert(words.end(), how.arguments.begin(), how.arguments.end());
  auto arguments = pointers(words);
  auto environment = pointers(how.environment);
  auto table = descriptor_table(how.fds);
  uv_process_options_t options{};
  options.file = how.program.c_str();
  options.args = arguments.data();
  options.env = environment.data();
  options.stdio = table.data();
  options.stdio_count = static_cast<int>(table.size());
  if (how.session == Start::Session::own) options.flags = UV_PROCESS_DETACHED;
  options.exit_cb = [](uv_process_t* uv, int64_t exit_code, int signal) {
    const auto call = static_cast<Handle*>(uv->data)->ended;
    if (call) call(ProcessEnd{static_cast<int>(exit_code), signal});
  };
  auto* handle = new Handle{{}, std::move(ended)};
  handle->uv.data = handle;
  std::unique_ptr<Process> process(new Process(handle));
  const int result = ::uv_spawn(loop.raw(), &handle->uv, &options);
  if (result < 0) return Error{-result, "start", how.program};
  return process;
}

Process::~Process() {
  kill(SIGKILL);
  handle_->ended = nullptr;
  ::uv_close(reinterpret_cast<uv_handle_t*>(&handle_->uv),
             [](uv_handle_t* uv) { delete static_cast<Handle*>(uv->data); });
}

int Process::pid() const { return handle_->running() ? handle_->uv.pid : 0; }

std::chrono::nanoseconds Process::cpu_time() const {
  clockid_t clock{};
  timespec used{};
  if (pid() == 0 || ::clock_getcpuclockid(pid(), &clock) != 0) return {};
  if (::clock_gettime(clock, &used) != 0) return {};
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

void Process::kill(int signal) {
  if (handle_->running() && handle_->uv.pid > 0) ::uv_process_kill(&handle_->uv, signal);
}

}  // namespace imgq::supervise
