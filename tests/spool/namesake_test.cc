// Two machines of one name on a file system that both have: none takes the other's for its own.
#include <filesystem>
#include <optional>

#include "spool/layout.h"
#include "spool/owner.h"
#include "spool/recover.h"
#include "spool/sweep.h"
#include "spool/types.h"
#include "src/util/sys.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::code_of;
using lab::must;
using std::chrono::hours;
using std::chrono::milliseconds;

class Namesake : public lab::SpoolTest {
 protected:
  void share() { faults::add({.call = "check_local", .code = EREMOTE, .times = -1}); }

  // An owner of this host's name, of another boot, whose lock is free: it does not reach here.
  std::string with_a_claim(const JobId& id) {
    auto writer = sys::identity();
    writer.boot = std::string(32, 'f');
    writer.pid = 2'147'483'647;
    const std::string owner = layout::owner_name(writer, "00000000000000aa");
    std::filesystem::create_directory(path(layout::owner_folder(owner)));
    lab::write_file(alive(owner), "");
    lab::set_mtime(alive(owner), 1);
    std::filesystem::rename(path(layout::staging({id, 1})),
                            path(layout::processing(owner, {id, 1})));
    lab::write_file(path(layout::temp("00000000000000bb", writer)), "being written");
    return owner;
  }
  std::string alive(const std::string& owner) const { return path(layout::alive(owner)); }
};

TEST_F(Namesake, WhoseHeartBeatsIsNeverTakenOver) {
  share();
  const JobId id = submit_one();
  const std::string owner = with_a_claim(id);
  Heartbeats seen;
  for (int beat = 1; beat < 4; ++beat) {
    lab::set_mtime(alive(owner), beat);
    (void)seen.still(owner, (beat - 1) * int64_t{1'000'000'000}, 0);  // hours ago
    EXPECT_EQ(must(recover(spool_, "", seen, hours(1))).owners, 0) << beat;
  }
  EXPECT_EQ(must(sweep_tmp(spool_)), 0);
  EXPECT_EQ(state(id), State::processing);
  EXPECT_EQ(must(recover(spool_, "", seen, milliseconds(0))).owners, 1);  // it stands still
  EXPECT_EQ(state(id), State::staging);
  EXPECT_TRUE(temps().empty());
}

TEST_F(Namesake, WhoseHeartBeatsKeepsTheNewcomerOut) {
  share();
  const std::string owner = with_a_claim(submit_one());
  int beats = 1;
  faults::add({.call = "sleep", .code = EINTR, .skip = 3, .times = -1, .run = [&] {
                 lab::set_mtime(alive(owner), ++beats);
               }});
  const auto refused = Owner::enter(spool_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ENOTUNIQ);
  EXPECT_EQ(refused.error().path, layout::owner_folder(owner));
  EXPECT_EQ(lab::names_in(path("processing")), std::vector<std::string>{owner});
}

TEST_F(Namesake, ThatStandsStillForTwoBeatsKeepsNobodyOut) {
  share();
  (void)with_a_claim(submit_one());
  faults::add({.call = "sleep", .code = EINTR, .times = -1});
  const int64_t before = sys::monotonic_ms();
  EXPECT_TRUE(Owner::enter(spool_));
  EXPECT_GE(sys::monotonic_ms() - before, 5000);
}

TEST_F(Namesake, OnALocalFileSystemIsThisHostBeforeItsLastBoot) {
  const JobId id = submit_one();
  (void)with_a_claim(id);
  faults::add({.call = "sleep", .times = -1});
  const Owner owner = must(Owner::enter(spool_));
  EXPECT_EQ(faults::hits(), 0);
  Heartbeats seen;
  EXPECT_EQ(must(recover(spool_, owner.name(), seen, hours(1))).owners, 1);
  EXPECT_EQ(must(sweep_tmp(spool_)), 1);
}

TEST_F(Namesake, OfTheSameBootIsOneselfWhereverTheSpoolIs) {
  share();
  const Owner one = must(Owner::enter(spool_));
  const Owner other = must(Owner::enter(spool_));
  EXPECT_TRUE(spool_.is_here(sys::identity()));
  EXPECT_EQ(faults::hits(), 0);
}

}  // namespace
}  // namespace imgq
