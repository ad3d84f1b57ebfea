// What a worker cannot do, and that it still can do its work.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <sstream>

#include "src/base/wire.h"
#include "src/supervise/worker.h"
#include "tests/src/bench.h"
#include "tests/src/lab.h"

namespace imgq::test {
namespace {

TEST(Confinement, NothingThatAWorkerTriesIsAllowed) {
  const Folder folder;
  Program self_test({IMGQ_TEST_WORKER, "--self-test"}, {}, folder.file("log"));
  EXPECT_EQ(self_test.wait(), 0) << self_test.log();
  std::istringstream lines(self_test.log());
  int tried = 0;
  int allowed_before = 0;
  for (std::string line; std::getline(lines, line); ++tried) {
    const size_t now = line.find(", now E");  // an errno: EACCES, EPERM, ENOMEM
    EXPECT_NE(now, std::string::npos) << line;
    if (line.find(": allowed, now") != std::string::npos) ++allowed_before;
  }
  EXPECT_GE(tried, 33) << self_test.log();
  EXPECT_GE(allowed_before, 14) << "the attempts must be real ones\n" << self_test.log();
}

TEST(Confinement, AWorkerDiesWithItsSupervisorInTheMiddleOfAJob) {
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const pid_t supervisor = ::fork();
  if (supervisor == 0) {
    Bench bench(IMGQ_TEST_FAULTY_WORKER, Limits{});
    bench.begin("sleep", bytes(kTinyPng));
    const pid_t worker = bench.worker().pid();
    if (::write(ends[1], &worker, sizeof(worker)) < 0) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  pid_t worker = 0;
  ASSERT_EQ(::read(ends[0], &worker, sizeof(worker)), static_cast<ssize_t>(sizeof(worker)));
  ASSERT_GT(worker, 0);
  ASSERT_EQ(::kill(worker, 0), 0);
  ::kill(supervisor, SIGKILL);
  ASSERT_EQ(::waitpid(supervisor, nullptr, 0), supervisor);
  int status = 0;
  EXPECT_TRUE(eventually([&] { return ::waitpid(worker, &status, WNOHANG) == worker; }));
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  (void)::close(ends[0]);
  (void)::close(ends[1]);
}

TEST(Confinement, AWorkerServesOnlyTheProcessThatMadeItsSocket) {
  const Folder folder;
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends.data()), 0);
  const pid_t between = ::fork();  // so the maker of the socket is its grandparent
  if (between == 0) {
    ::dup2(ends[1], wire::kWorkerSocket);
    Program worker({IMGQ_TEST_WORKER, to_json(Limits{})}, {}, folder.file("log"));
    const int code = worker.wait();
    ::_exit(code == 70 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(between, &status, 0), between);
  EXPECT_EQ(status, 0) << read_file(folder.file("log"));
  (void)::close(ends[0]);
  (void)::close(ends[1]);
}

TEST(Confinement, WithoutASocketOrLimitsAWorkerSaysWhatItIs) {
  const Folder folder;
  Program bare({IMGQ_TEST_WORKER}, {}, folder.file("bare"));
  EXPECT_EQ(bare.wait(), 64);
  EXPECT_TRUE(bare.said("started by imgqd")) << bare.log();
  Program alone({IMGQ_TEST_WORKER, to_json(Limits{})}, {}, folder.file("alone"));
  EXPECT_EQ(alone.wait(), 70);
  Program wrong({IMGQ_TEST_WORKER, "{\"limits\":"}, {}, folder.file("wrong"));
  EXPECT_EQ(wrong.wait(), 70);
}

struct Kind {
  const char* name;
  std::string_view image;
};

class EveryFormat : public testing::TestWithParam<Kind> {};

TEST_P(EveryFormat, IsReadAndWrittenInsideTheConfinement) {
  Limits limits;
  limits.formats = {true, true, true, false};
  Bench bench(IMGQ_TEST_WORKER, limits);
  Request request;
  request.renditions.clear();
  for (const Format format : {Format::jpeg, Format::png, Format::webp, Format::avif}) {
    Rendition rendition;
    rendition.name = std::string(name_of(format));
    rendition.width_px = 32;
    rendition.height_px = 32;
    rendition.format = format;
    request.renditions.push_back(rendition);
  }
  const auto answer = bench.ask(request, GetParam().image);
  ASSERT_TRUE(answer.verdict) << "the worker died: " << answer.death.last_words;
  EXPECT_EQ(answer.verdict->code, Code::ok) << answer.verdict->message;
  EXPECT_EQ(answer.verdict->source.format, GetParam().name);
  EXPECT_EQ(answer.verdict->source.width_px, 64);
  ASSERT_EQ(answer.verdict->results.size(), 4U);
  for (const ResultReport& result : answer.verdict->results) {
    EXPECT_EQ(result.width_px, 32);
    EXPECT_EQ(result.height_px, 24);
    EXPECT_GT(result.size_bytes, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Confinement, EveryFormat,
                         testing::Values(Kind{"jpeg", bytes(kTinyJpeg)},
                                         Kind{"png", bytes(kTinyPng)}, Kind{"gif", bytes(kTinyGif)},
                                         Kind{"webp", bytes(kTinyWebp)},
                                         Kind{"heic", bytes(kTinyHeic)},
                                         Kind{"avif", bytes(kTinyAvif)},
                                         Kind{"jxl", bytes(kTinyJxl)}),
                         [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace imgq::test
