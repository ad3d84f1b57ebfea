// A program that a daemon starts must not keep the daemon's descriptors: its life sign is locked as
// long as anybody has it open.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "spool/layout.h"
#include "spool/recover.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::must;

struct Pipe {
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    read = Fd(ends[0]);
    write = Fd(ends[1]);
  }
  Fd read, write;
};

// Replaces this process by a program that reads `input` and writes to `output`.
[[noreturn]] void become(const char* const* words, int input, int output) {
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::execvp(words[0], const_cast<char* const*>(words));
  ::_exit(127);
}

std::string read_all(const Fd& from) {
  std::string text;
  char some[4096];
  for (ssize_t got = 0; (got = ::read(from.get(), some, sizeof some)) > 0;) {
    text.append(some, static_cast<size_t>(got));
  }
  return text;
}

class AStartedProgram : public lab::SpoolTest {};

TEST_F(AStartedProgram, GetsNoDescriptorOfTheSpool) {
  submit_one();
  const auto owner = must(Owner::enter(spool_));
  const Claim claim = claim_one(owner);
  const Fd source = must(owner.open_source(claim));
  const auto fresh = result();
  Pipe answer;
  const pid_t pid = lab::start_child([&] {
    const char* const words[] = {"ls", "-l", "/proc/self/fd", nullptr};
    become(words, answer.read.get(), answer.write.get());
  });
  answer.write = Fd();
  const std::string open = read_all(answer.read);
  EXPECT_EQ(lab::wait_for(pid), 0);
  EXPECT_NE(open.find("/proc/"), std::string::npos) << open;
  EXPECT_EQ(open.find(scratch_.path()), std::string::npos) << open;
}

TEST_F(AStartedProgram, DoesNotMakeAKilledDaemonLookAlive) {
  submit_one();
  Pipe hold;     // the program lives until this is closed
  Pipe started;  // says that it runs
  const pid_t daemon = lab::start_child([&] {
    const auto owner = must(Owner::enter(spool_));
    claim_all(owner);
    lab::start_child([&] {
      const char* const words[] = {"sh", "-c", "echo runs; exec cat", nullptr};
      become(words, hold.read.get(), started.write.get());
    });
    char word[4];
    if (::read(started.read.get(), word, sizeof word) <= 0) ::_exit(98);
    ::kill(::getpid(), SIGKILL);
  });
  ASSERT_EQ(lab::wait_for(daemon), 128 + SIGKILL);
  Heartbeats seen;
  const auto done = must(recover(spool_, "", seen, std::chrono::hours(1)));
  EXPECT_EQ(done.owners, 1);
  EXPECT_EQ(done.jobs, 1);
  hold.write = Fd();     // now it may end,
  started.write = Fd();  // and is waited for
  (void)read_all(started.read);
}

}  // namespace
}  // namespace imgq
