// Folders that several programs make in the same moment, and what a network client says of them.
#include "spool/internal/folders.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "spool/internal/durable.h"
#include "spool/layout.h"
#include "spool/types.h"
#include "src/util/fd.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::code_of;
using lab::must;

class Folders : public lab::SpoolTest {
 protected:
  static mode_t mode_of(const std::string& path) {
    struct stat about = {};
    return ::stat(path.c_str(), &about) == 0 ? about.st_mode & 07777 : 0;
  }
};

TEST_F(Folders, AFolderIsMadeOnceWithItsModeWhateverTheUmask) {
  const auto shared = must(Spool::create(scratch_ / "shared", 02770));
  const mode_t before = ::umask(0077);
  const auto made = durable::make_folder(shared, "keys/aa");
  ::umask(before);
  ASSERT_TRUE(made);
  EXPECT_EQ(mode_of(scratch_ / "shared/keys/aa"), 02770u);
  EXPECT_EQ(must(durable::make_folder(shared, "keys/aa")), *made);
  faults::add({.call = "mkdirat", .path = "keys/bb", .code = ENOSPC});
  EXPECT_EQ(code_of(durable::make_folder(shared, "keys/bb")), ENOSPC);
  EXPECT_FALSE(lab::is_there(scratch_ / "shared/keys/bb"));
}

TEST_F(Folders, AFolderThatSomebodyElseJustMadeIsTakenAndNotReplaced) {
  ino_t theirs = 0;
  faults::add({.call = "mkdirat", .path = "keys/cc", .run = [&] {
                 std::filesystem::create_directory(path("keys/cc"));
                 struct stat about{};
                 ASSERT_EQ(::stat(path("keys/cc").c_str(), &about), 0);
                 theirs = about.st_ino;
               }});
  EXPECT_EQ(must(durable::make_folder(spool_, "keys/cc")), theirs);
  EXPECT_TRUE(temps().empty());
}

// Its maker was killed, or has yet to call fchmod(2).
TEST_F(Folders, AFolderWithoutItsModeGetsIt) {
  const auto shared = must(Spool::create(scratch_ / "shared", 02770));
  std::filesystem::create_directory(scratch_ / "shared/keys/aa");
  ASSERT_EQ(::chmod((scratch_ / "shared/keys/aa").c_str(), 02750), 0);
  EXPECT_TRUE(durable::make_folder(shared, "keys/aa"));
  EXPECT_EQ(mode_of(scratch_ / "shared/keys/aa"), 02770u);
}

class MakersOfAFolder : public Folders {
 protected:
  MakersOfAFolder() : other_(::open(path("format").c_str(), O_RDWR | O_CLOEXEC)) {
    EXPECT_EQ(::flock(other_.get(), LOCK_EX), 0);
  }
  Fd other_;
};

TEST_F(MakersOfAFolder, AreOneAtATime) {
  bool made_before = true;
  faults::add({.call = "sleep", .skip = 3, .run = [&] {
                 made_before = lab::is_there(path("keys/aa"));
                 ASSERT_EQ(::flock(other_.get(), LOCK_UN), 0);
               }});
  EXPECT_TRUE(durable::make_folder(spool_, "keys/aa"));
  EXPECT_FALSE(made_before);
  EXPECT_TRUE(lab::is_there(path("keys/aa")));
}

TEST_F(MakersOfAFolder, AreNotWaitedForWhenItIsThere) {
  std::filesystem::create_directory(path("keys/aa"));
  faults::add({.call = "flock", .times = -1});
  EXPECT_TRUE(durable::make_folder(spool_, "keys/aa"));
  EXPECT_EQ(faults::hits(), 0);
}

TEST_F(MakersOfAFolder, AreNotStoppedByOneThatIsStopped) {
  faults::add({.call = "sleep", .code = EINTR, .times = -1});
  EXPECT_TRUE(durable::make_folder(spool_, "keys/aa"));
  EXPECT_GT(faults::hits(), 100);
  EXPECT_TRUE(lab::is_there(path("keys/aa")));
}

TEST_F(MakersOfAFolder, DoWithoutALockWhereThereIsNone) {
  faults::add({.call = "flock", .code = EOPNOTSUPP});
  EXPECT_TRUE(durable::make_folder(spool_, "keys/aa"));
  faults::add({.call = "openat", .path = "format", .code = EACCES});
  EXPECT_TRUE(durable::make_folder(spool_, "keys/bb"));
  EXPECT_EQ(faults::hits(), 2);
}

TEST_F(Folders, AnHourFolderIsDurableBeforeItsFirstUseAndPaidOnce) {
  const std::string hour = layout::hour_folder(id_at(1'700'000'000'000));
  faults::add({.call = "fsync", .times = -1});
  EXPECT_TRUE(durable::make_durable_folder(spool_, hour, Sync::batch));
  EXPECT_EQ(faults::hits(), 2);
  EXPECT_TRUE(durable::make_durable_folder(spool_, hour, Sync::batch));
  EXPECT_EQ(faults::hits(), 2);
  const auto another = must(Spool::open(path("")));
  EXPECT_TRUE(durable::make_durable_folder(another, hour, Sync::batch));
  EXPECT_EQ(faults::hits(), 4);  // seeing a folder does not mean that it is on the disk
}

TEST_F(Folders, AnHourFolderThatWasMadeAnewIsMadeDurableAnew) {
  const std::string hour = layout::hour_folder(id_at(1'700'000'000'000));
  EXPECT_TRUE(durable::make_durable_folder(spool_, hour, Sync::batch));
  faults::add({.call = "fsync", .times = -1});
  EXPECT_TRUE(durable::sync_names(spool_, hour));
  EXPECT_EQ(faults::hits(), 1);
  std::filesystem::create_directory(path("other"));  // its inode is not used again for the new one
  std::filesystem::rename(path("other"), path(hour));
  EXPECT_TRUE(durable::sync_names(spool_, hour));
  EXPECT_EQ(faults::hits(), 4);  // both parents first
  EXPECT_TRUE(durable::sync_names(spool_, hour));
  EXPECT_EQ(faults::hits(), 5);
}

// A client that remembers another folder of that name says so for a second, at most.
class ANameInAFolderThatIsUnseen : public Folders, public ::testing::WithParamInterface<int> {
 protected:
  ANameInAFolderThatIsUnseen() { faults::add({.call = "sleep", .code = EINTR, .times = -1}); }
  static void unseen(const char* call, const char* path, int times) {
    faults::add({.call = call, .path = path, .code = GetParam(), .times = times});
  }
};

TEST_P(ANameInAFolderThatIsUnseen, IsGivenOnceItIsSeen) {
  unseen("renameat", ".src", 20);
  unseen("renameat", ".job", 20);
  unseen("linkat", "keys/", 20);
  unseen("linkat", "staging/", 20);
  Draft one = draft();
  one.key = "a key";
  const JobId id = submit_one(std::move(one));
  EXPECT_EQ(state(id), State::staging);
  EXPECT_TRUE(is_clean());
}

TEST_P(ANameInAFolderThatIsUnseen, IsGivenToResultsAndOutcome) {
  const JobId id = submit_one();
  const Owner owner = must(Owner::enter(spool_));
  const Claim claim = claim_one(owner);
  unseen("linkat", ".main.", 20);
  unseen("linkat", ".end", 20);
  EXPECT_EQ(complete(owner, claim).ending, Ending::completed);
  EXPECT_TRUE(is_clean());
}

TEST_P(ANameInAFolderThatIsUnseen, IsAnErrorWhenThatLasts) {
  const int64_t before = sys::monotonic_ms();
  unseen("renameat", ".job", -1);
  std::vector<Draft> drafts;
  drafts.push_back(draft());
  EXPECT_EQ(code_of(submit(spool_, std::move(drafts), Sync::full).at(0)), GetParam());
  EXPECT_GE(sys::monotonic_ms() - before, 3000);
  EXPECT_TRUE(temps().empty());
  EXPECT_TRUE(is_clean());
}

TEST_P(ANameInAFolderThatIsUnseen, IsOnTheDiskOnceTheFolderCanBeOpened) {
  const std::string hour = layout::hour_folder(submit_one());
  unseen("openat", hour.c_str(), 20);
  EXPECT_TRUE(durable::sync_names(spool_, hour));
  EXPECT_EQ(code_of(durable::sync_names(spool_, "jobs/none")), ENOENT);
}

INSTANTIATE_TEST_SUITE_P(Codes, ANameInAFolderThatIsUnseen, ::testing::Values(ENOENT, ESTALE),
                         [](const auto& code) {
                           return std::string(code.param == ENOENT ? "ENOENT" : "ESTALE");
                         });

}  // namespace
}  // namespace imgq
