// Making and opening a spool, temporary files, durable groups.
#include "spool/spool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "spool/internal/durable.h"
#include "spool/internal/walk.h"
#include "spool/layout.h"
#include "spool/room.h"
#include "spool/temp_file.h"
#include "spool/types.h"
#include "src/util/io.h"
#include "src/util/sys.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::code_of;
using lab::must;

class Spools : public lab::SpoolTest {
 protected:
  static mode_t mode_of(const std::string& path) {
    struct stat about = {};
    return ::stat(path.c_str(), &about) == 0 ? about.st_mode & 07777 : 0;
  }
};

TEST_F(Spools, ANewSpoolHasAllFoldersAndAFormatFile) {
  const auto names = lab::names_in(path(""));
  for (const char* folder : layout::kFolders) {
    EXPECT_EQ(std::count(names.begin(), names.end(), folder), 1) << folder;
  }
  EXPECT_EQ(lab::read_file(path("format")), "imgq spool 1\nuuid " + spool_.uuid() + "\n");
  EXPECT_TRUE(temps().empty());
  EXPECT_TRUE(is_clean());
}

TEST_F(Spools, OpeningFindsWhatWasMade) {
  const auto again = Spool::open(path(""));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->uuid(), spool_.uuid());
  EXPECT_EQ(must(Spool::create(path(""))).uuid(), spool_.uuid());
}

TEST_F(Spools, ParentsAreMadeToo) {
  EXPECT_TRUE(Spool::create(scratch_ / "a/b/c/spool/"));
  EXPECT_TRUE(Spool::open(scratch_ / "a/b/c/spool"));
}

TEST_F(Spools, ModesAreWhatWasAskedForWhateverTheUmask) {
  const mode_t before = ::umask(0077);
  const auto shared = Spool::create(scratch_ / "shared", 02770);
  ::umask(before);
  ASSERT_TRUE(shared);
  EXPECT_EQ(mode_of(scratch_ / "shared"), 02770u);
  for (const char* folder : layout::kFolders) {
    EXPECT_EQ(mode_of(scratch_ / ("shared/" + std::string(folder))), 02770u) << folder;
  }
  EXPECT_EQ(mode_of(scratch_ / "shared/format"), 0660u);
  EXPECT_EQ(mode_of(path("")), 0700u);
  EXPECT_EQ(mode_of(path("format")), 0600u);
}

TEST_F(Spools, AnEmptyDirectoryKeepsItsOwnMode) {
  std::filesystem::create_directory(scratch_ / "given");
  ASSERT_EQ(::chmod((scratch_ / "given").c_str(), 02770), 0);
  const auto spool = Spool::create(scratch_ / "given", 0700);
  ASSERT_TRUE(spool);
  EXPECT_EQ(spool->folder_mode(), 02770u);
  EXPECT_EQ(mode_of(scratch_ / "given/staging"), 02770u);
}

TEST_F(Spools, ADirectoryWithOtherThingsIsLeftAlone) {
  std::filesystem::create_directory(scratch_ / "home");
  lab::write_file(scratch_ / "home/letter", "dear");
  EXPECT_EQ(code_of(Spool::create(scratch_ / "home")), ENOTEMPTY);
  EXPECT_EQ(lab::names_in(scratch_ / "home"), std::vector<std::string>{"letter"});
}

TEST_F(Spools, AFreshFileSystemWithLostAndFoundWillDo) {
  std::filesystem::create_directories(scratch_ / "disk/lost+found");
  EXPECT_TRUE(Spool::create(scratch_ / "disk"));
}

TEST_F(Spools, WhatIsNoSpoolIsNotOpened) {
  EXPECT_EQ(code_of(Spool::open(scratch_ / "nowhere")), ENOENT);
  std::filesystem::create_directory(scratch_ / "empty");
  EXPECT_EQ(code_of(Spool::open(scratch_ / "empty")), ENOENT);
  lab::write_file(scratch_ / "file", "x");
  EXPECT_EQ(code_of(Spool::open(scratch_ / "file")), ENOTDIR);
}

TEST_F(Spools, AnotherFormatIsRefusedAndDamageToldApart) {
  const auto with_format = [this](const std::string& text) {
    lab::write_file(path("format"), text);
    return code_of(Spool::open(path("")));
  };
  const std::string rest = "\nuuid " + spool_.uuid() + "\n";
  EXPECT_EQ(with_format("imgq spool 2" + rest), EPROTO);
  EXPECT_EQ(with_format("imgq spool 10" + rest), EPROTO);
  EXPECT_EQ(code_of(Spool::create(path(""))), EPROTO);
  EXPECT_EQ(with_format("imgq spool"), -1);
  EXPECT_EQ(with_format("hello"), -1);
  EXPECT_EQ(with_format(""), -1);
  EXPECT_EQ(with_format("imgq spool 1\nuuid x\n"), -1);
  EXPECT_EQ(with_format("imgq spool 1" + rest + "more"), -1);
  EXPECT_EQ(with_format("imgq spool 1" + rest), 0);
}

TEST_F(Spools, AFormatFileThatIsALinkIsRefused) {
  std::filesystem::rename(path("format"), scratch_ / "format");
  std::filesystem::create_symlink(scratch_ / "format", path("format"));
  EXPECT_EQ(code_of(Spool::open(path(""))), ELOOP);
}

TEST_F(Spools, ManyMakeOneSpoolTogether) {
  std::vector<std::string> uuids(8);
  std::vector<std::thread> threads;
  for (std::string& uuid : uuids) {
    threads.emplace_back([this, &uuid] { uuid = must(Spool::create(scratch_ / "one")).uuid(); });
  }
  for (auto& thread : threads) thread.join();
  for (const std::string& uuid : uuids) EXPECT_EQ(uuid, uuids[0]);
  EXPECT_TRUE(lab::names_in(scratch_ / "one/tmp").empty());
}

TEST_F(Spools, ErrorsWhileMakingAreErrorsAndTheNextTrySucceeds) {
  for (int skip = 0;; ++skip) {
    const std::string folder = scratch_ / ("made" + std::to_string(skip));
    faults::clear();
    faults::add({.call = "", .code = ENOSPC, .skip = skip});
    const auto made = Spool::create(folder);
    const bool hit = faults::hits() > 0;
    faults::clear();
    if (!made) {
      EXPECT_TRUE(Spool::create(folder)) << skip;
    }
    if (made) {
      EXPECT_TRUE(Spool::open(folder)) << skip;
    }
    if (!hit) break;
  }
}

TEST_F(Spools, RoomIsWhatTheFileSystemSays) {
  const auto room = spool_.room();
  ASSERT_TRUE(room);
  EXPECT_GT(room->free_bytes, 0u);
  faults::add({.call = "fstatvfs", .code = EIO});
  EXPECT_EQ(code_of(spool_.room()), EIO);
}

TEST_F(Spools, TheRoomThatIsKeptIsTheFloorBesideWhatIsWritten) {
  const uint64_t free = must(spool_.room()).free_bytes;
  const uint64_t half = free / 2;
  EXPECT_TRUE(require_room(spool_, half));
  EXPECT_TRUE(require_room(spool_, half, free / 4));
  EXPECT_EQ(code_of(require_room(spool_, half, free)), ENOSPC);
  EXPECT_EQ(code_of(require_room(spool_, UINT64_MAX)), ENOSPC);
  EXPECT_EQ(code_of(require_room(spool_, UINT64_MAX, UINT64_MAX)), ENOSPC);
  EXPECT_TRUE(require_room(spool_, 0, UINT64_MAX));
  faults::add({.call = "fstatvfs", .code = EIO});
  EXPECT_EQ(code_of(require_room(spool_, 1)), EIO);
}

TEST_F(Spools, ATempFileIsGoneUnlessItWasGivenAName) {
  {
    const auto file = must(TempFile::create(spool_));
    EXPECT_EQ(temps().size(), 1u);
    EXPECT_TRUE(layout::parse_writer(file.path().substr(4)));
    EXPECT_EQ(mode_of(path(file.path())), 0600u);
  }
  EXPECT_TRUE(temps().empty());
  {
    auto file = must(TempFile::create(spool_));
    must(durable::put(spool_, file, "hold/named"));
  }
  EXPECT_TRUE(lab::is_there(path("hold/named")));
}

TEST_F(Spools, AMovedTempFileIsRemovedOnce) {
  auto first = must(TempFile::create(spool_));
  auto second = must(TempFile::create(spool_));
  const std::string kept = second.path();
  first = std::move(second);
  EXPECT_EQ(first.path(), kept);
  TempFile third(std::move(first));
  EXPECT_EQ(third.path(), kept);
  EXPECT_TRUE(first.path().empty());  // NOLINT(bugprone-use-after-move): that is what is tested
}

TEST_F(Spools, ATempFileThatCannotHaveItsModeIsRemoved) {
  must(TempFile::create(spool_));  // has the lock made
  const mode_t before = ::umask(0777);
  faults::add({.call = "fchmod", .code = EPERM});
  EXPECT_EQ(code_of(TempFile::create(spool_)), EPERM);
  ::umask(before);
  EXPECT_TRUE(temps().empty());
}

TEST_F(Spools, AGroupSyncsFilesAndFoldersOnce) {
  const auto file = must(TempFile::create(spool_));
  durable::Group group(spool_, Sync::batch);
  group.file(file);
  group.folder("staging");
  group.folder("staging");
  faults::add({.call = "fsync", .times = -1});
  EXPECT_TRUE(group.flush());
  EXPECT_EQ(faults::hits(), 2);
  EXPECT_TRUE(group.flush());
  EXPECT_EQ(faults::hits(), 2);
}

TEST_F(Spools, AGroupWithoutSyncAsksForNothing) {
  durable::Group group(spool_, Sync::none);
  group.folder("staging");
  faults::add({.call = "fsync", .times = -1});
  EXPECT_TRUE(group.flush());
  EXPECT_EQ(faults::hits(), 0);
}

TEST_F(Spools, ManyFilesAreSyncedAtOnceOrWhereThatIsUnsoundOneByOne) {
  std::vector<TempFile> files;
  for (int i = 0; i < 40; ++i) files.push_back(must(TempFile::create(spool_)));
  durable::Group group(spool_, Sync::batch);
  const auto name_all = [&] {
    for (const TempFile& file : files) group.file(file);
  };
  name_all();
  faults::add({.call = "fsync", .times = -1});
  EXPECT_TRUE(group.flush());
  EXPECT_EQ(faults::hits(), 0);
  faults::add({.call = "syncfs", .code = EOPNOTSUPP, .times = -1});
  name_all();
  EXPECT_TRUE(group.flush());
  EXPECT_EQ(faults::hits(), 41);
}

TEST_F(Spools, ABlockThatWasLostIsToldThoughAnotherSyncHasHeardOfIt) {
  std::vector<TempFile> files;
  for (int i = 0; i < 40; ++i) files.push_back(must(TempFile::create(spool_)));
  durable::Group group(spool_, Sync::batch);
  for (const TempFile& file : files) group.file(file);
  faults::add({.call = "wait_written", .path = files[30].path(), .code = EIO});
  EXPECT_EQ(code_of(group.flush()), EIO);
}

TEST_F(Spools, ASyncThatFailsIsNotRepeated) {
  const auto file = must(TempFile::create(spool_));
  durable::Group group(spool_, Sync::full);
  group.file(file);
  group.folder("staging");
  faults::add({.call = "fsync", .code = EIO, .times = -1});
  EXPECT_EQ(code_of(group.flush()), EIO);
  EXPECT_EQ(faults::hits(), 1);
}

TEST_F(Spools, ShortWritesAreCarriedOn) {
  const auto file = must(TempFile::create(spool_));
  EXPECT_TRUE(write_all(file.fd(), std::string(100'000, 'x'), "t"));
  EXPECT_EQ(lab::read_file(path(file.path())).size(), 100'000u);
  faults::add({.call = "write", .code = ENOSPC});
  EXPECT_EQ(code_of(write_all(file.fd(), "y", "t")), ENOSPC);
}

TEST_F(Spools, TextIsReadUpToTheLimitAndOnlyFromFiles) {
  lab::write_file(path("hold/long"), std::string(200'000, 'x'));
  EXPECT_GT(must(durable::read_text(spool_, "hold/long")).size(), 65'536u);
  EXPECT_LT(must(durable::read_text(spool_, "hold/long")).size(), 200'000u);
  lab::write_file(path("hold/middle"), std::string(50'000, 'x'));
  EXPECT_EQ(must(durable::read_text(spool_, "hold/middle")).size(), 50'000u);
  EXPECT_EQ(code_of(durable::read_text(spool_, "hold")), -1);
  EXPECT_EQ(code_of(durable::read_text(spool_, "hold/none")), ENOENT);
  std::filesystem::create_symlink("long", path("hold/link"));
  EXPECT_EQ(code_of(durable::read_text(spool_, "hold/link")), ELOOP);
  ASSERT_EQ(::mkfifo(path("hold/pipe").c_str(), 0600), 0);
  EXPECT_EQ(code_of(durable::read_text(spool_, "hold/pipe")), -1);
}

TEST_F(Spools, HoursAreListedInOrderAndStrangersSkipped) {
  for (const char* hour :
       {"2026-01-02/03", "2025-12-31/23", "2026-01-02/00", "junk/00", "2026-01-02/x"}) {
    std::filesystem::create_directories(path("jobs/" + std::string(hour)));
  }
  lab::write_file(path("jobs/2024-01-01"), "a file");
  const auto hours = hours_under(spool_, "jobs");
  if (hours) {
    EXPECT_EQ(*hours,
              (std::vector<std::string>{"2025-12-31/23", "2026-01-02/00", "2026-01-02/03"}));
  } else {
    EXPECT_EQ(hours.error().code, ENOTDIR);
  }
}

TEST_F(Spools, AnHourBeginsWhereItsJobsSayTheyAre) {
  for (int64_t ms = 0; ms < 4'000'000'000'000; ms += 7'777'777'777) {
    const JobId id = id_at(ms);
    const int64_t start = start_of_hour_ms(id.folder());
    ASSERT_LE(start, ms);
    ASSERT_LT(ms, start + 3'600'000);
    ASSERT_EQ(start % 3'600'000, 0);
  }
}

TEST_F(Spools, QuarantineKeepsWhatItMoves) {
  lab::write_file(path("hold/bad"), "evidence");
  EXPECT_TRUE(durable::quarantine(spool_, "hold/bad"));
  EXPECT_TRUE(durable::quarantine(spool_, "hold/bad"));
  const auto kept = lab::names_in(path("corrupt"));
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(lab::read_file(path("corrupt/" + kept[0])), "evidence");
}

}  // namespace
}  // namespace imgq
