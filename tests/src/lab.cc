#include "tests/src/lab.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <sstream>
#include <thread>
#include <utility>

#include "spool/fsck.h"
#include "spool/list.h"
#include "spool/query.h"
#include "spool/records.h"
#include "spool/source.h"
#include "spool/spool.h"
#include "spool/submit.h"
#include "spool/types.h"

namespace imgq::test {
namespace {

std::string make_folder() {
  const char* base = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): one thread
  std::string path = std::string(base == nullptr ? "/tmp" : base) + "/imgq-test-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) std::abort();
  return path;
}

void remove_all(const std::string& path) {
  for (const std::string& name : names_in(path)) {
    std::string inner = path;
    inner.append("/").append(name);
    if (::unlink(inner.c_str()) != 0) remove_all(inner);
  }
  (void)::rmdir(path.c_str());
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

[[noreturn]] void become(std::vector<std::string>& command, std::vector<std::string>& environment,
                         const std::string& log) {
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ::dup2(out, 1);
  ::dup2(out, 2);
  auto argv = pointers(command);
  auto envp = pointers(environment);
  ::execve(argv[0], argv.data(), envp.data());
  ::_exit(127);
}

}  // namespace

bool eventually(const std::function<bool()>& condition, std::chrono::seconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

Folder::Folder() : path_(make_folder()) {}

Folder::~Folder() { remove_all(path_); }

void Folder::write(std::string_view name, std::string_view content) const {
  std::ofstream(file(name), std::ios::binary) << content;
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  DIR* open = ::opendir(folder.c_str());
  if (open == nullptr) return names;
  while (const dirent* entry = ::readdir(open)) {  // NOLINT(concurrency-mt-unsafe): own stream
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  ::closedir(open);
  std::sort(names.begin(), names.end());
  return names;
}

Program::Program(std::vector<std::string> command, std::vector<std::string> environment,
                 std::string log)
    : log_(std::move(log)) {
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
    if (value != nullptr) environment.push_back(std::string(name) + "=" + value);
  }
  pid_ = ::fork();
  if (pid_ == 0) become(command, environment, log_);
}

Program::Program(Program&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), end_(other.end_), log_(std::move(other.log_)) {}

Program::~Program() { kill(); }

void Program::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

void Program::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  (void)wait();
}

int Program::wait() {
  int status = 0;
  const auto ended = [&] { return pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) == pid_; };
  if (!eventually(ended) || pid_ <= 0) return end_;
  pid_ = -1;
  end_ = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  return end_;
}

std::string Program::log() const { return read_file(log_); }

std::vector<pid_t> Program::children() const {
  const std::string pid = std::to_string(pid_);
  std::istringstream list(read_file("/proc/" + pid + "/task/" + pid + "/children"));
  std::vector<pid_t> all;
  for (pid_t child = 0; list >> child;) all.push_back(child);
  return all;
}

Lab::Lab(const std::string& settings) : Lab(settings, "") {}

Lab::Lab(const std::string& settings, const std::string& spool_path)
    : path_(spool_path.empty() ? folder_.file("spool") : spool_path) {
  auto spool = Spool::create(path_);
  if (!spool) {
    ADD_FAILURE() << spool.error().text();
    std::abort();
  }
  spool_ = std::make_unique<Spool>(std::move(*spool));
  configure(settings);
}

void Lab::configure(const std::string& settings) const {
  folder_.write("imgq.toml", "daemon.min_free = \"0\"\ndaemon.poll = \"1s\"\n" + settings);
}

JobId Lab::submit(const std::string& preset, std::string_view image, int max_attempts) const {
  folder_.write("image", image);
  const Fd file(::open(folder_.file("image").c_str(), O_RDONLY | O_CLOEXEC));
  auto copy = copy_source(*spool_, file.get(), 1 << 30);
  EXPECT_TRUE(copy) << copy.error().text();
  Request request;
  request.preset = preset;
  std::vector<Draft> drafts(1);
  drafts[0].name = "image.png";
  drafts[0].request = to_json(request);
  drafts[0].max_attempts = max_attempts;
  drafts[0].source = std::move(*copy);
  const auto answers = imgq::submit(*spool_, std::move(drafts), Sync::none);
  EXPECT_TRUE(answers.at(0)) << answers[0].error().text();
  return answers[0]->id;
}

std::vector<JobId> Lab::submit_many(int count, const std::string& preset) const {
  std::vector<JobId> ids;
  ids.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) ids.push_back(submit(preset));
  return ids;
}

Program Lab::daemon(std::vector<std::string> options, std::vector<std::string> environment) {
  std::vector<std::string> command = {IMGQ_TEST_IMGQD, "--spool", path_, "--config",
                                      folder_.file("imgq.toml")};
  command.insert(command.end(), options.begin(), options.end());
  environment.emplace_back("PATH=/bin");
  environment.emplace_back("XDG_STATE_HOME=" + folder_.file("state"));
  environment.emplace_back("IMGQ_WORKER=" IMGQ_TEST_FAULTY_WORKER);  // the first of a name counts
  return Program(std::move(command), std::move(environment),
                 folder_.file("log." + std::to_string(++daemons_)));
}

JobView Lab::view(const JobId& id) const {
  auto found = find(*spool_, id);
  if (found) return std::move(*found);
  ADD_FAILURE() << found.error().text();
  return JobView{.ticket = Ticket{id}, .state = State::hold};
}

Cause Lab::cause(const JobId& id) const {
  const JobView found = view(id);
  return found.outcome ? found.outcome->cause : Cause{};
}

bool Lab::reaches(const JobId& id, State state) const {
  return eventually([&] {
    const auto now = state_of(*spool_, id);
    return now && *now == state;
  });
}

bool Lab::all_reach(const std::vector<JobId>& ids, State state) const {
  return std::all_of(ids.begin(), ids.end(), [&](const JobId& id) { return reaches(id, state); });
}

int64_t Lab::jobs() const {
  const auto counts = count(*spool_);
  EXPECT_TRUE(counts) << counts.error().text();
  return counts ? std::accumulate(counts->jobs.begin(), counts->jobs.end(), int64_t{0}) : -1;
}

void Lab::expect_in_order() const {
  std::string wrong;
  const auto all_well = [&] {
    const auto report = fsck(*spool_, Repair::report_only);
    wrong = report ? "" : report.error().text();
    for (size_t i = 0; report && i < report->findings.size(); ++i) {
      const Finding& finding = report->findings[i];
      if (finding.kind != Finding::Kind::note) wrong += finding.path + ": " + finding.what + "\n";
    }
    return wrong.empty();
  };
  EXPECT_TRUE(eventually(all_well, std::chrono::seconds(10))) << wrong;
}

}  // namespace imgq::test
