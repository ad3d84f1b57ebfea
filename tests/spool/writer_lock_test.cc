// The lock by which a writer in another PID namespace of the same host name is known.
#include "spool/internal/writer_lock.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <optional>

#include "spool/internal/durable.h"
#include "spool/layout.h"
#include "spool/sweep.h"
#include "spool/temp_file.h"
#include "src/util/sys.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::code_of;
using lab::must;
using Names = std::vector<std::string>;

class AWritersLock : public lab::SpoolTest {
 protected:
  // One of this host whose number runs nowhere here, as in another PID namespace.
  static sys::Identity elsewhere() {
    auto who = sys::identity();
    who.pid = 2'147'483'647;
    return who;
  }
  std::string named(const std::string& random, const sys::Identity& who) const {
    return path(layout::temp(random, who));
  }
  std::string lock_elsewhere() const { return named("00000aaa00000000", elsewhere()); }

  // A file of that one and its lock, which is held as long as the result lives.
  Fd writing_elsewhere() const {
    lab::write_file(named("00000aaa00000001", elsewhere()), "half a result");
    return locked(lock_elsewhere());
  }
  static Fd locked(const std::string& file) {
    Fd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    EXPECT_EQ(::flock(lock.get(), LOCK_EX | LOCK_NB), 0);
    return lock;
  }

  // The one that a file of ours goes by.
  static std::string lock_of(const TempFile& file) {
    return layout::lock_of(file.path().substr(4));
  }
  LockSeen look_at(const TempFile& file) const {
    return look_at_lock(spool_, file.path().substr(4));
  }
};

TEST_F(AWritersLock, KeepsItsFilesFromThoseWhoCannotSeeItsProcess) {
  Fd lock = writing_elsewhere();
  EXPECT_EQ(must(sweep_tmp(spool_)), 0);
  EXPECT_EQ(temps().size(), 2u);
  EXPECT_TRUE(is_clean());
  lock = Fd();
  EXPECT_EQ(must(sweep_tmp(spool_)), 1);
  EXPECT_EQ(temps(), Names{});
}

// The first process of each container has the number that the one before had.
TEST_F(AWritersLock, ThatIsFreeSaysThatItsWriterIsDeadAndItsNumberAnothers) {
  lab::write_file(named("00000aaa00000000", sys::identity()), "");
  lab::write_file(named("00000aaa00000001", sys::identity()), "of one killed before");
  const auto mine = must(TempFile::create(spool_));
  EXPECT_EQ(must(sweep_tmp(spool_)), 1);
  EXPECT_EQ(temps(), Names{mine.path().substr(4)});
}

TEST_F(AWritersLock, GoesAfterItsFilesSoThatASweepCutShortCanBeCarriedOn) {
  lab::write_file(named("00000aaa00000000", sys::identity()), "");
  lab::write_file(named("00000aaa00000001", sys::identity()), "of one killed before");
  faults::add({.call = "unlinkat", .path = "00000aaa00000001", .code = EIO});
  EXPECT_EQ(code_of(sweep_tmp(spool_)), EIO);
  EXPECT_EQ(must(sweep_tmp(spool_)), 1);
  EXPECT_EQ(temps(), Names{});
}

TEST_F(AWritersLock, ThatCannotBeOpenedIsTakenForHeld) {
  (void)writing_elsewhere();
  faults::add({.call = "openat", .path = "00000aaa", .code = EMFILE, .times = -1});
  EXPECT_EQ(must(sweep_tmp(spool_)), 0);
  EXPECT_EQ(faults::hits(), 2);  // for the lock, and for the file
  EXPECT_EQ(temps().size(), 2u);
}

TEST_F(AWritersLock, ThatIsTakenBetweenTwoLooksStays) {
  (void)locked(lock_elsewhere());
  Fd lock;
  faults::add({.call = "flock", .path = "00000aaa", .skip = 1, .run = [&] {
                 lock = locked(lock_elsewhere());
               }});
  EXPECT_EQ(must(sweep_tmp(spool_)), 0);
  EXPECT_TRUE(lab::is_there(lock_elsewhere()));
}

TEST_F(AWritersLock, ThatCannotBeRemovedIsTold) {
  (void)locked(lock_elsewhere());
  faults::add({.call = "unlinkat", .path = "00000aaa", .code = EIO});
  EXPECT_EQ(code_of(sweep_tmp(spool_)), EIO);
  faults::clear();
  faults::add({.call = "openat", .path = "00000aaa", .code = EIO, .skip = 1});
  EXPECT_EQ(code_of(sweep_tmp(spool_)), EIO);
}

TEST_F(AWritersLock, StandsFromTheFirstFileToTheEndOfTheSpool) {
  std::optional<Spool> own = must(Spool::open(path("")));
  const size_t before = lab::names_in(path("tmp")).size();
  const std::string lock = lock_of(must(TempFile::create(*own)));
  EXPECT_EQ(lab::names_in(path("tmp")).size(), before + 1);
  EXPECT_EQ(look_at_lock(spool_, lock), LockSeen::held);
  EXPECT_EQ(lock_of(must(TempFile::create(*own))), lock);
  own.reset();
  EXPECT_EQ(look_at_lock(spool_, lock), LockSeen::none);
}

TEST_F(AWritersLock, IsMadeAnewWhenOneWhoCannotSeeItSweptIt) {
  const auto first = must(TempFile::create(spool_));
  std::filesystem::remove(path("tmp/" + lock_of(first)));
  const auto second = must(TempFile::create(spool_));
  EXPECT_EQ(lock_of(first), lock_of(second));
  EXPECT_EQ(look_at(first), LockSeen::held);
}

TEST_F(AWritersLock, IsNeverMuchOlderThanTheFiles) {
  must(TempFile::create(spool_));
  faults::add({.call = "futimens_now", .path = "/tmp/", .times = -1});
  must(TempFile::create(spool_));
  EXPECT_EQ(faults::hits(), 0);
  faults::step_clock(2 * 3600);
  must(TempFile::create(spool_));
  EXPECT_EQ(faults::hits(), 1);
}

TEST_F(AWritersLock, ThatIsSweptBeforeItIsHeldIsMadeAgain) {
  const Spool own = must(Spool::open(path("")));
  faults::add({.call = "flock", .path = "/tmp/", .run = [&] { must(sweep_tmp(spool_)); }});
  const auto file = must(TempFile::create(own));
  EXPECT_EQ(faults::hits(), 1);
  EXPECT_EQ(look_at(file), LockSeen::held);
}

TEST_F(AWritersLock, ThatAnotherKeepsTakingIsTriedAgainWithTheNextFile) {
  const Spool own = must(Spool::open(path("")));
  faults::add({.call = "flock", .path = "/tmp/", .code = EWOULDBLOCK, .times = 3});
  EXPECT_EQ(look_at(must(TempFile::create(own))), LockSeen::none);
  EXPECT_EQ(look_at(must(TempFile::create(own))), LockSeen::held);
}

TEST_F(AWritersLock, WhereThereAreNoLocksIsDoneWithout) {
  const Spool own = must(Spool::open(path("")));
  faults::add({.call = "flock", .code = ENOLCK, .times = -1});
  const auto first = must(TempFile::create(own));
  const auto second = must(TempFile::create(own));
  EXPECT_EQ(faults::hits(), 1);
  EXPECT_EQ(look_at(first), LockSeen::none);
  (void)writing_elsewhere();
  EXPECT_EQ(must(sweep_tmp(spool_)), 1);  // judged by the pid alone
  EXPECT_TRUE(lab::is_there(path(second.path())));
}

TEST_F(AWritersLock, OfAForkedProcessIsItsOwn) {
  const auto mine = must(TempFile::create(spool_));
  EXPECT_EQ(lab::in_child([&] {
              const Spool moved(std::move(spool_));
              const auto own = must(TempFile::create(moved));
              if (lock_of(own) == lock_of(mine)) ::_exit(1);
            }),
            0);
  EXPECT_EQ(look_at(mine), LockSeen::held);
}

// Of this number in a PID namespace of its own, whose first process waits for it.
pid_t start_in_a_namespace(int number, const std::function<void()>& body) {
  return lab::start_child([number, &body] {
    if (::unshare(CLONE_NEWPID) != 0) ::_exit(77);
    const pid_t first = lab::start_child([number, &body] {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const pid_t wanted = number;
      clone_args how = {};
      how.exit_signal = SIGCHLD;
      how.set_tid = reinterpret_cast<uintptr_t>(&wanted);
      how.set_tid_size = 1;
      const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &how, sizeof how));
      if (pid < 0) ::_exit(77);
      if (pid == 0) {
        body();
        ::_exit(0);
      }
      ::_exit(lab::wait_for(pid));
    });
    ::_exit(lab::wait_for(first));
  });
}

TEST_F(AWritersLock, OfARealNamespaceIsSeenWhileItWrites) {
  int number = 32'000;
  while (sys::is_running(number)) --number;
  const pid_t writer = start_in_a_namespace(number, [this] {
    const Spool own = must(Spool::open(path("")));
    auto file = must(TempFile::create(own));
    lab::write_file(path("hold/begun"), "");
    lab::eventually([this] { return lab::is_there(path("hold/swept")); });
    must(durable::put(own, file, "hold/whole"));
    lab::eventually([this] { return lab::is_there(path("hold/end")); });
  });
  int status = 0;
  while (!lab::is_there(path("hold/begun"))) {
    if (::waitpid(writer, &status, WNOHANG) == writer) {
      ASSERT_EQ(status, 77 << 8);
      GTEST_SKIP() << "no PID namespaces here";
    }
  }
  EXPECT_FALSE(sys::is_running(number));
  EXPECT_EQ(must(sweep_tmp(spool_)), 0);
  lab::write_file(path("hold/swept"), "");
  EXPECT_TRUE(lab::eventually([this] { return lab::is_there(path("hold/whole")); }));
  lab::write_file(path("hold/end"), "");
  EXPECT_EQ(lab::wait_for(writer), 0);
  EXPECT_EQ(temps(), Names{});
}

}  // namespace
}  // namespace imgq
