#include "spool/submit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <thread>

#include "spool/fsck.h"
#include "spool/internal/durable.h"
#include "spool/internal/keys.h"
#include "spool/internal/tickets.h"
#include "spool/internal/walk.h"
#include "spool/layout.h"
#include "spool/list.h"
#include "spool/owner.h"
#include "spool/query.h"
#include "spool/records.h"
#include "spool/source.h"
#include "spool/spool.h"
#include "spool/sweep.h"
#include "spool/types.h"
#include "src/util/digest.h"
#include "src/util/sys.h"
#include "tests/spool/lab.h"

namespace imgq {
namespace {

using lab::code_of;
using lab::must;

class Submit : public lab::SpoolTest {
 protected:
  Fd open_file(const std::string& file) {
    return Fd(sys::openat(AT_FDCWD, file.c_str(), O_RDONLY));
  }
  std::vector<Result<Submitted>> submit_drafts(std::vector<Draft> drafts, Sync sync = Sync::none) {
    return submit(spool_, std::move(drafts), sync);
  }
  Draft keyed(const std::string& key, std::string_view image = "an image") {
    Draft made = draft(image);
    made.key = key;
    return made;
  }
  Submitted submit_keyed(const std::string& key, std::string_view image = "an image") {
    std::vector<Draft> drafts;
    drafts.push_back(keyed(key, image));
    return must(std::move(submit_drafts(std::move(drafts))[0]));
  }
  // Everything in jobs/, staging/, hold/, keys/ and tmp/.
  int files_in_spool() {
    int files = static_cast<int>(temps().size());
    for (const char* folder : {"jobs", "staging", "hold", "keys"}) {
      for (const auto& entry : std::filesystem::recursive_directory_iterator(path(folder))) {
        if (!entry.is_directory()) ++files;
      }
    }
    return files;
  }
};

TEST_F(Submit, AJobIsThereWithItsSourceTicketAndToken) {
  const JobId id = submit_one(draft("bytes of an image", "My photo.jpg"));
  EXPECT_EQ(lab::read_file(path(layout::source(id))), "bytes of an image");
  const auto ticket = read_ticket(spool_, id);
  ASSERT_TRUE(ticket);
  EXPECT_EQ(ticket->name, "My photo.jpg");
  EXPECT_EQ(ticket->source.size_bytes, 17);
  EXPECT_EQ(ticket->source.kind, SourceKind::spooled);
  struct stat job = {}, token = {};
  ASSERT_EQ(::stat(path(layout::ticket(id)).c_str(), &job), 0);
  ASSERT_EQ(::stat(path(layout::staging({id, 1})).c_str(), &token), 0);
  EXPECT_EQ(job.st_ino, token.st_ino);
  EXPECT_TRUE(temps().empty());
  EXPECT_EQ(state(id), State::staging);
  EXPECT_TRUE(is_clean());
}

TEST_F(Submit, AnswersComeInTheOrderOfTheDrafts) {
  for (const Sync sync : {Sync::full, Sync::batch, Sync::none}) {
    std::vector<Draft> drafts;
    for (int i = 0; i < 25; ++i) drafts.push_back(draft("x", "n" + std::to_string(i)));
    const auto answers = submit_drafts(std::move(drafts), sync);
    ASSERT_EQ(answers.size(), 25u);
    std::vector<JobId> ids;
    for (size_t i = 0; i < answers.size(); ++i) {
      ASSERT_TRUE(answers[i]);
      EXPECT_EQ(must(find(spool_, answers[i]->id)).ticket.name, "n" + std::to_string(i));
      ids.push_back(answers[i]->id);
    }
    EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  }
  EXPECT_TRUE(is_clean());
}

TEST_F(Submit, NothingToSubmitIsNoError) { EXPECT_TRUE(submit_drafts({}).empty()); }

TEST_F(Submit, OddBytesInNamesSurvive) {
  for (const std::string& name :
       {std::string("a\nb"), std::string("\xff\xfe.jpg"), std::string("%41"), std::string(""),
        std::string(4096, '\xff'), std::string("../../etc/passwd"), std::string("nul\0nul", 7)}) {
    EXPECT_EQ(must(find(spool_, submit_one(draft("x", name)))).ticket.name, name);
  }
}

TEST_F(Submit, AHeldJobWaitsInHold) {
  Draft held = draft();
  held.held = true;
  const JobId id = submit_one(std::move(held));
  EXPECT_EQ(state(id), State::hold);
  EXPECT_TRUE(waiting().empty());
  EXPECT_TRUE(is_clean());
}

TEST_F(Submit, ADraftThatBreaksABoundIsRefusedAloneAndLeavesNothing) {
  std::vector<Draft> drafts;
  drafts.push_back(draft());
  drafts.push_back(draft("x", std::string(4097, 'x')));
  drafts.push_back(draft());
  drafts.back().request = "not json";
  drafts.push_back(draft());
  drafts.back().max_attempts = 0;
  drafts.emplace_back();
  drafts.push_back(draft());
  const auto answers = submit_drafts(std::move(drafts), Sync::batch);
  EXPECT_EQ(code_of(answers[0]), 0);
  for (const size_t bad : {1, 2, 3, 4}) EXPECT_EQ(code_of(answers[bad]), EINVAL) << bad;
  EXPECT_EQ(code_of(answers[5]), 0);
  EXPECT_EQ(waiting().size(), 2u);
  EXPECT_TRUE(temps().empty());
  EXPECT_TRUE(is_clean());
}

TEST_F(Submit, AReferencedSourceIsOnlyNamed) {
  Draft referenced;
  referenced.referenced = {SourceKind::referenced, "/somewhere/x.jpg", 5, 6, ""};
  const JobId id = submit_one(std::move(referenced));
  EXPECT_FALSE(lab::is_there(path(layout::source(id))));
  EXPECT_EQ(must(read_ticket(spool_, id)).source.path, "/somewhere/x.jpg");
}

TEST_F(Submit, BytesThenNamesThenTokensAreSyncedBeforeTheAnswer) {
  std::vector<std::string> order;
  faults::add({.call = "fsync", .path = "spool/tmp/", .times = -1, .run = [&] {
                 order.push_back("bytes");
               }});
  faults::add({.call = "fsync", .path = "spool/jobs/", .times = -1, .run = [&] {
                 order.push_back("names");
               }});
  faults::add({.call = "fsync", .path = "/staging", .times = -1, .run = [&] {
                 order.push_back("tokens");
               }});
  faults::add({.call = "linkat", .path = " staging/", .times = -1, .run = [&] {
                 order.push_back("token");
               }});
  faults::add(
      {.call = "renameat", .path = ".job", .times = -1, .run = [&] { order.push_back("ticket"); }});
  std::vector<Draft> drafts;
  drafts.push_back(draft());
  ASSERT_TRUE(submit_drafts(std::move(drafts), Sync::full)[0]);
  const auto at = [&](const std::string& what) {
    return std::find(order.begin(), order.end(), what) - order.begin();
  };
  const auto last_bytes = order.rend() - std::find(order.rbegin(), order.rend(), "bytes") - 1;
  EXPECT_LT(last_bytes, at("ticket"));
  EXPECT_LT(at("ticket"), at("token"));
  EXPECT_EQ(order.back(), "tokens");
  const auto last_names = order.rend() - std::find(order.rbegin(), order.rend(), "names") - 1;
  EXPECT_LT(last_names, at("token"));
  EXPECT_GT(last_names, at("ticket"));
}

TEST_F(Submit, ErrorsAtEveryCallAreNotAcknowledgedAndLeaveNothingOrAWholeJob) {
  for (const int code : {ENOSPC, EIO}) {
    for (int skip = 0;; ++skip) {
      std::vector<Draft> drafts;
      for (int i = 0; i < 3; ++i) drafts.push_back(draft());
      faults::clear();
      faults::add({.call = "", .code = code, .skip = skip});
      const auto answers = submit_drafts(std::move(drafts), Sync::batch);
      const bool hit = faults::hits() > 0;
      faults::clear();
      size_t good = 0;
      for (const auto& answer : answers) {
        if (!answer) continue;
        ++good;
        EXPECT_EQ(state(answer->id), State::staging) << skip;
      }
      EXPECT_EQ(waiting().size(), good) << "call " << skip << " code " << code;
      EXPECT_TRUE(is_clean()) << "call " << skip << " code " << code;
      auto owner = must(Owner::enter(spool_));
      EXPECT_EQ(claim_all(owner).taken.size(), good) << skip;
      for (const auto& answer : answers) {
        if (answer) must(cancel(spool_, answer->id));
      }
      must(owner.leave());
      if (!hit) {
        EXPECT_EQ(good, 3u);
        break;
      }
    }
  }
}

TEST_F(Submit, ASyncThatFailsFailsTheWholeGroup) {
  std::vector<Draft> drafts;
  for (int i = 0; i < 3; ++i) drafts.push_back(draft());
  faults::add({.call = "fsync", .path = "/staging", .code = EIO});
  for (const auto& answer : submit_drafts(std::move(drafts), Sync::batch)) {
    EXPECT_EQ(code_of(answer), EIO);
  }
  EXPECT_TRUE(waiting().empty());
  EXPECT_EQ(files_in_spool(), 0);
}

TEST_F(Submit, AFailedSubmissionThatADaemonTookIsNotTornFromIt) {
  const auto owner = must(Owner::enter(spool_));
  faults::add({.call = "fsync", .path = "/staging", .code = EIO, .run = [&] { claim_all(owner); }});
  std::vector<Draft> drafts;
  drafts.push_back(draft());
  EXPECT_EQ(code_of(submit_drafts(std::move(drafts), Sync::full)[0]), EIO);
  const auto running = must(list(spool_, State::processing, Order::oldest_first, 10));
  ASSERT_EQ(running.size(), 1u);
  EXPECT_TRUE(lab::is_there(path(layout::source(running[0].id))));
  EXPECT_TRUE(is_clean());
}

TEST_F(Submit, AnHourFolderThatVanishesIsMadeAgain) {
  const JobId first = submit_one();
  must(cancel(spool_, first));
  must(purge(spool_, first));
  std::filesystem::remove_all(path("jobs"));
  std::filesystem::create_directory(path("jobs"));
  EXPECT_EQ(state(submit_one()), State::staging);
}

TEST_F(Submit, AKeySubmittedTwiceIsOneJob) {
  const Submitted first = submit_keyed("order 7");
  const Submitted second = submit_keyed("order 7", "other bytes");
  EXPECT_FALSE(first.existing);
  EXPECT_TRUE(second.existing);
  EXPECT_EQ(first.id, second.id);
  EXPECT_EQ(waiting().size(), 1u);
  EXPECT_FALSE(submit_keyed("order 8").existing);
  EXPECT_TRUE(is_clean());
}

TEST_F(Submit, AKeyThatIsOnlyToldIsInTheTicketAndNotTaken) {
  std::vector<Draft> drafts(2);
  for (Draft& one : drafts) {
    one = draft();
    one.key = "order 7";
    one.takes_key = false;
  }
  const auto answers = submit_drafts(std::move(drafts), Sync::batch);
  EXPECT_NE(answers[0]->id, answers[1]->id);
  EXPECT_EQ(must(find(spool_, answers[1]->id)).ticket.key, "order 7");
  EXPECT_TRUE(lab::names_in(path("keys")).empty());
}

// The link is made, its answer lost; before the error is known another submitter finds the key,
// carries the job through and answers it: it must not be taken back.
TEST_F(Submit, AJobThatSomebodyElseAnsweredIsNotTakenBack) {
  std::optional<JobId> answered;
  faults::add({.call = "linkat", .path = "keys/", .code = EIO, .after = true});
  faults::add({.call = "unlinkat", .run = [&] { answered = submit_keyed("k").id; }});
  std::vector<Draft> drafts;
  drafts.push_back(keyed("k"));
  EXPECT_EQ(code_of(submit_drafts(std::move(drafts))[0]), EIO);
  faults::clear();
  const JobId again = submit_keyed("k").id;
  EXPECT_EQ(state(again), State::staging);
  EXPECT_TRUE(lab::is_there(path(layout::source(again))));
  if (answered) {
    EXPECT_EQ(*answered, again);
  }
}

// Another submitter of the key gives the ticket its name and is stopped there.
TEST_F(Submit, AJobWhoseTicketSomebodyElseNamedHasATokenAllTheSame) {
  faults::add({.call = "renameat", .path = ".job", .run = [&] {
                 const std::string hour = must(hours_under(spool_, "jobs")).back();
                 const std::string source = lab::names_in(path("jobs/" + hour)).front();
                 const std::string id = source.substr(0, 36);
                 std::filesystem::create_hard_link(path(key_path("k")),
                                                   path("jobs/" + hour + "/" + id + ".job"));
               }});
  const Submitted job = submit_keyed("k");
  EXPECT_EQ(faults::hits(), 1);
  EXPECT_EQ(waiting(), (std::vector<Token>{{job.id, 1}}));
  EXPECT_TRUE(temps().empty());
  EXPECT_TRUE(is_clean());
}

TEST_F(Submit, AKeyOfAnEndedJobStillLeadsToIt) {
  const Submitted first = submit_keyed("k");
  const auto owner = must(Owner::enter(spool_));
  complete(owner, claim_one(owner));
  EXPECT_EQ(submit_keyed("k").id, first.id);
  EXPECT_TRUE(waiting().empty());
  EXPECT_EQ(state(first.id), State::completed);
}

TEST_F(Submit, AKeyOfAPurgedJobIsFreeAgain) {
  const Submitted first = submit_keyed("k");
  must(cancel(spool_, first.id));
  must(purge(spool_, first.id));
  const Submitted second = submit_keyed("k");
  EXPECT_FALSE(second.existing);
  EXPECT_NE(first.id, second.id);
  EXPECT_TRUE(is_clean());
}

TEST_F(Submit, TwoDraftsOfOneGroupWithOneKeyAreOneJob) {
  std::vector<Draft> drafts;
  drafts.push_back(keyed("k"));
  drafts.push_back(keyed("k"));
  drafts.push_back(draft());
  const auto answers = submit_drafts(std::move(drafts), Sync::batch);
  EXPECT_EQ(must(answers[0]).id, must(answers[1]).id);
  EXPECT_FALSE(answers[0]->existing);
  EXPECT_TRUE(answers[1]->existing);
  EXPECT_EQ(waiting().size(), 2u);
  EXPECT_TRUE(is_clean());
}

TEST_F(Submit, ManyWithOneKeyGetOneJob) {
  std::vector<std::string> ids(8);
  std::vector<std::thread> threads;
  for (std::string& id : ids) {
    threads.emplace_back([this, &id] { id = submit_keyed("the key").id.text(); });
  }
  for (auto& thread : threads) thread.join();
  for (const std::string& id : ids) EXPECT_EQ(id, ids[0]);
  EXPECT_EQ(waiting().size(), 1u);
  EXPECT_TRUE(is_clean());
}

// A submission under a key, killed just before a call; the next with the key gets a whole job.
TEST_F(Submit, ASubmissionCutAnywhereIsCarriedThroughOrDoneAnew) {
  bool reached_end = false;
  for (int skip = 0; !reached_end; ++skip) {
    const std::string key = "key " + std::to_string(skip);
    const int result = lab::in_child([&] {
      faults::add({.call = "", .skip = skip, .run = [] { ::_exit(42); }});
      std::vector<Draft> drafts;
      drafts.push_back(keyed(key));
      must(std::move(submit_drafts(std::move(drafts), Sync::full)[0]));
    });
    ASSERT_TRUE(result == 0 || result == 42);
    reached_end = result == 0;
    const size_t before = waiting().size();
    const Submitted again = submit_keyed(key);
    EXPECT_EQ(state(again.id), State::staging) << skip;
    EXPECT_LE(waiting().size(), before + 1) << skip;
    EXPECT_TRUE(lab::is_there(path(layout::source(again.id)))) << skip;
    EXPECT_EQ(submit_keyed(key).id, again.id) << skip;
    must(cancel(spool_, again.id));
    EXPECT_TRUE(waiting().empty()) << skip;
  }
  must(sweep_tmp(spool_));
  EXPECT_TRUE(temps().empty());
  must(fsck(spool_, Repair::mend));
  EXPECT_TRUE(is_clean());
}

TEST_F(Submit, AStaleKeyIsRemovedAndTakenAnew) {
  const Submitted first = submit_keyed("k");
  std::filesystem::remove(path(layout::ticket(first.id)));
  std::filesystem::remove(path(layout::source(first.id)));
  std::filesystem::remove(path(layout::staging({first.id, 1})));
  const Submitted second = submit_keyed("k");
  EXPECT_FALSE(second.existing);
  EXPECT_EQ(state(second.id), State::staging);
}

TEST_F(Submit, AKeyThatCannotBeReadIsSetAside) {
  const std::string key = path(key_path("k"));
  std::filesystem::create_directories(std::filesystem::path(key).parent_path());
  lab::write_file(key, "garbage");
  EXPECT_FALSE(submit_keyed("k").existing);
  EXPECT_EQ(lab::names_in(path("corrupt")).size(), 1u);
}

TEST_F(Submit, AKeyIsDroppedOnlyWhenItStillLeadsToThatJob) {
  const Submitted job = submit_keyed("k");
  EXPECT_TRUE(drop_key(spool_, key_path("k"), lab::unknown_id(), KeyOf::any_job));
  EXPECT_TRUE(lab::is_there(path(key_path("k"))));
  EXPECT_TRUE(drop_key(spool_, key_path("k"), job.id, KeyOf::any_job));
  EXPECT_FALSE(lab::is_there(path(key_path("k"))));
  EXPECT_TRUE(drop_key(spool_, key_path("k"), job.id, KeyOf::any_job));
  EXPECT_TRUE(drop_key(spool_, key_path("never seen"), job.id, KeyOf::any_job));
}

// The first submitter has the key and not yet its ticket's name; it goes on, and the job ends,
// between two looks of the second.
TEST_F(Submit, AKeyOfAJobThatEndsMeanwhileStays) {
  const Owner owner = must(Owner::enter(spool_));
  const JobId first = submit_keyed("k").id;
  const std::string ticket = path(layout::ticket(first)), aside = scratch_ / "ticket";
  std::filesystem::rename(ticket, aside);
  faults::add({.call = "fstatat", .path = ".end", .run = [&] {
                 std::filesystem::rename(aside, ticket);
                 complete(owner, claim_one(owner));
               }});
  const Submitted second = submit_keyed("k");
  EXPECT_EQ(faults::hits(), 1);
  EXPECT_TRUE(second.existing);
  EXPECT_EQ(second.id, first);
}

// A submission was cut short after its key; somebody else carries it through, it ends and is
// purged, and the key is another's by the time that its ticket would get its name.
TEST_F(Submit, AKeyThatChangesHandsIsNotCarriedThroughForTheOld) {
  const JobId gone = submit_keyed("k").id;
  std::filesystem::remove(path(layout::ticket(gone)));
  std::filesystem::remove(path(layout::staging({gone, 1})));
  std::optional<JobId> now;
  faults::add({.call = "flock", .run = [&] {
                 std::filesystem::remove(path(key_path("k")));
                 std::filesystem::remove(path(layout::source(gone)));
                 now = submit_keyed("k", "another image").id;
               }});
  const Submitted asked = submit_keyed("k");
  ASSERT_TRUE(now);
  EXPECT_EQ(asked.id, *now);
  EXPECT_FALSE(lab::is_there(path(layout::ticket(gone))));
  EXPECT_TRUE(is_clean());
}

TEST_F(Submit, AKeyThatIsCarriedThroughMeanwhileIsNotDroppedByFsck) {
  const JobId id = submit_keyed("k").id;
  std::filesystem::remove(path(layout::ticket(id)));
  std::filesystem::remove(path(layout::staging({id, 1})));
  faults::add({.call = "flock", .run = [&] { EXPECT_EQ(submit_keyed("k").id, id); }});
  must(fsck(spool_, Repair::mend));
  EXPECT_EQ(faults::hits(), 1);
  EXPECT_EQ(submit_keyed("k").id, id);
}

TEST_F(Submit, ACopyHasTheBytesOfItsFileFromTheStart) {
  const std::string bytes(3'000'000, 'z');
  lab::write_file(scratch_ / "image", bytes);
  const Fd file = open_file(scratch_ / "image");
  char skipped[10];
  ASSERT_EQ(sys::read(file.get(), skipped, 10), 10);
  for (const char* broken : {"", "clone_range", "copy_file_range"}) {
    faults::clear();
    if (*broken != '\0') faults::add({.call = "clone_range", .code = EOPNOTSUPP, .times = -1});
    if (std::string(broken) == "copy_file_range") {
      faults::add({.call = "copy_file_range", .code = EXDEV, .times = -1});
    }
    const auto copy = copy_source(spool_, file.get(), 3'000'000);
    ASSERT_TRUE(copy) << copy.error().text();
    EXPECT_EQ(lab::read_file(path(copy->path())), bytes) << broken;
  }
}

TEST_F(Submit, ACopyRefusesWhatIsNoImageFile) {
  lab::write_file(scratch_ / "empty", "");
  lab::write_file(scratch_ / "large", "12345");
  EXPECT_EQ(code_of(copy_source(spool_, open_file(scratch_ / "empty").get(), 10)), ENODATA);
  EXPECT_EQ(code_of(copy_source(spool_, open_file(scratch_ / "large").get(), 4)), EFBIG);
  EXPECT_EQ(code_of(copy_source(spool_, open_file(scratch_ / "large").get(), 5)), 0);
  EXPECT_EQ(code_of(copy_source(spool_, open_file(scratch_.path()).get(), 10)), EINVAL);
  EXPECT_EQ(code_of(copy_source(spool_, -1, 10)), EBADF);
  EXPECT_TRUE(temps().empty());
}

TEST_F(Submit, AFullDiskWhileCopyingIsToldAndLeavesNothing) {
  lab::write_file(scratch_ / "image", std::string(1'000'000, 'z'));
  for (const int code : {ENOSPC, EDQUOT, EIO}) {
    faults::clear();
    faults::add({.call = "clone_range", .code = EOPNOTSUPP, .times = -1});
    faults::add({.call = "copy_file_range", .code = code, .times = -1});
    EXPECT_EQ(code_of(copy_source(spool_, open_file(scratch_ / "image").get(), 1 << 30)), code);
    faults::clear();
    faults::add({.call = "clone_range", .code = EOPNOTSUPP, .times = -1});
    faults::add({.call = "copy_file_range", .code = EINVAL, .times = -1});
    faults::add({.call = "write", .code = code, .skip = 1});
    EXPECT_EQ(code_of(copy_source(spool_, open_file(scratch_ / "image").get(), 1 << 30)), code);
  }
  EXPECT_TRUE(temps().empty());
}

TEST_F(Submit, ALinkedSourceIsTheSameInode) {
  lab::write_file(scratch_ / "image", "bytes");
  auto link = must(link_source(spool_, AT_FDCWD, scratch_ / "image"));
  Draft made;
  made.source = std::move(link);
  const JobId id = submit_one(std::move(made));
  struct stat ours = {}, theirs = {};
  ASSERT_EQ(::stat(path(layout::source(id)).c_str(), &ours), 0);
  ASSERT_EQ(::stat((scratch_ / "image").c_str(), &theirs), 0);
  EXPECT_EQ(ours.st_ino, theirs.st_ino);
  EXPECT_EQ(must(read_ticket(spool_, id)).source.size_bytes, 5);
}

TEST_F(Submit, ALinkIsRefusedForWhatIsNoReadableFile) {
  std::filesystem::create_symlink("image", scratch_ / "symlink");
  lab::write_file(scratch_ / "image", "bytes");
  lab::write_file(scratch_ / "empty", "");
  ASSERT_EQ(::mkfifo((scratch_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(code_of(link_source(spool_, AT_FDCWD, scratch_ / "symlink")), ELOOP);
  EXPECT_EQ(code_of(link_source(spool_, AT_FDCWD, scratch_ / "none")), ENOENT);
  EXPECT_EQ(code_of(link_source(spool_, AT_FDCWD, scratch_ / "empty")), ENODATA);
  EXPECT_EQ(code_of(link_source(spool_, AT_FDCWD, scratch_ / "pipe")), EINVAL);
  EXPECT_TRUE(temps().empty());
  EXPECT_TRUE(lab::is_there(scratch_ / "image"));
}

TEST_F(Submit, ALinkInASharedSpoolMustBeReadableForItsGroup) {
  const auto shared = must(Spool::create(scratch_ / "shared", 02770));
  lab::write_file(scratch_ / "private", "bytes");
  lab::write_file(scratch_ / "public", "bytes");
  ASSERT_EQ(::chmod((scratch_ / "private").c_str(), 0600), 0);
  ASSERT_EQ(::chmod((scratch_ / "public").c_str(), 0644), 0);
  EXPECT_EQ(code_of(link_source(shared, AT_FDCWD, scratch_ / "private")), EPERM);
  EXPECT_EQ(code_of(link_source(shared, AT_FDCWD, scratch_ / "public")), 0);
}

}  // namespace
}  // namespace imgq
