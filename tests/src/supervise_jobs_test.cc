// imgqd over real workers: what becomes of jobs.
#include <gtest/gtest.h>

#include "tests/src/lab.h"

namespace imgq::test {
namespace {

TEST(Daemon, DoesWhatIsSubmittedBeforeAndWhileItRuns) {
  Lab lab;
  const auto before = lab.submit_many(5);
  const auto daemon = lab.daemon();
  ASSERT_TRUE(lab.all_reach(before, State::completed)) << daemon.log();
  const JobId later = lab.submit();
  ASSERT_TRUE(lab.reaches(later, State::completed)) << daemon.log();
  const auto view = lab.view(later);
  ASSERT_EQ(view.outcome->results.size(), 1U);
  EXPECT_EQ(view.outcome->results[0].rendition, "thumb");
  EXPECT_TRUE(open_result(lab.spool(), later, view.outcome->results[0]));
  lab.expect_in_order();
}

}  // namespace
}  // namespace imgq::test
