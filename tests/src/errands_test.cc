#include "src/supervise/errands.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <map>
#include <mutex>

#include "src/supervise/loop.h"

namespace imgq::supervise {
namespace {

// Each hangs until it is let go. "begun" and "ended" hold their names in order.
class ErrandsThatHang : public testing::Test {
 protected:
  ErrandsThatHang() { heart_.every(std::chrono::milliseconds(10)); }
  void enter(const std::string& name, const std::string& directory,
             Errands::Turn turn = Errands::Turn::last) {
    std::shared_future<void> go = release_[name].get_future().share();
    loop_.errands().enter({[this, name, go] {
                             note(name);
                             go.wait();
                           },
                           [this, name] {
                             ended_ += name;
                             loop_.stop();
                           },
                           directory, this, turn});
  }
  void note(const std::string& name) {
    const std::lock_guard lock(mutex_);
    begun_ += name;
    changed_.notify_all();
  }
  std::string begun(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return begun_.size() >= count; });
    return begun_;
  }
  void let_go(const std::string& name) {
    release_[name].set_value();
    while (ended_.find(name) == std::string::npos) loop_.run();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::promise<void>> release_;
  std::string begun_, ended_;
  Loop loop_;
  Timer heart_{loop_, [this] { loop_.stop(); }};
};

TEST_F(ErrandsThatHang, KeepOneThreadForADirectoryHoweverOftenItIsTried) {
  enter("a", "/hangs");
  EXPECT_EQ(begun(1), "a");
  enter("b", "/hangs");
  enter("c", "/other");
  EXPECT_EQ(begun(2), "ac");
  let_go("c");
  enter("d", "/other");
  EXPECT_EQ(begun(3), "acd");
  let_go("d");
  let_go("a");
  EXPECT_EQ(begun(4), "acdb");
  let_go("b");
}

TEST_F(ErrandsThatHang, AreTwoInFoldersAtATime) {
  enter("a", "/1");
  (void)begun(1);
  enter("b", "/2");
  (void)begun(2);
  enter("c", "/3");
  let_go("b");
  EXPECT_EQ(begun(3), "abc");
  let_go("a");
  let_go("c");
}

TEST_F(ErrandsThatHang, HoldUpWhatCameWithThemUntilTheNextRing) {
  release_["a"].set_value();
  Timer together(loop_, [this] {
    for (const char* name : {"a", "b", "c"}) enter(name, "");
  });
  together.after(std::chrono::milliseconds(0));
  while (begun(0) != "abc" || ended_ != "a") loop_.run();
  let_go("b");
  let_go("c");
}

// A heart that waits behind what hangs beats too seldom.
TEST_F(ErrandsThatHang, DoNotComeBeforeWhatIsNext) {
  Timer together(loop_, [this] {
    for (const char* name : {"a", "b"}) enter(name, "");
    enter("c", "", Errands::Turn::next);
  });
  together.after(std::chrono::milliseconds(0));
  while (begun(0).empty()) loop_.run();
  EXPECT_EQ(begun(0).front(), 'c');
  for (const char* name : {"c", "a", "b"}) let_go(name);
}

TEST_F(ErrandsThatHang, AreForgottenWhenTheyHaveNotBegun) {
  enter("a", "/1");
  (void)begun(1);
  enter("b", "/1");
  loop_.errands().forget(this);
  enter("c", "/1");
  let_go("a");
  EXPECT_EQ(begun(2), "ac");
  let_go("c");
}

}  // namespace
}  // namespace imgq::supervise
