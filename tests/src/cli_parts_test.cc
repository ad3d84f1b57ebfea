// The parts of the command that need no spool.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "src/cli/doctor.h"
#include "src/cli/done_file.h"
#include "src/cli/files.h"
#include "src/cli/gather.h"
#include "src/cli/progress.h"
#include "src/cli/request_options.h"
#include "src/cli/session.h"
#include "src/cli/spool_choice.h"
#include "src/cli/top.h"
#include "src/run/names.h"
#include "src/run/single.h"
#include "src/util/clock.h"
#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

using Names = std::vector<std::string>;

bool nothing_is_taken(const std::string&, size_t) { return false; }

// The numbers are those of statfs(2); the lines, of hosts that have such mounts.
TEST(NetworkFileSystems, AreKnownByTheirNumberAndFuseByItsMount) {
  const std::string mounts =
      "36 25 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
      "98 36 0:45 / /srv/a rw shared:2 master:9 - fuse.glusterfs 10.77.0.1:/spool rw\n"
      "99 36 0:46 / /srv/b rw - fuse.mfs mfs#m:9421 rw\n";
  EXPECT_EQ(network_name(0x65735546, 0, 45, mounts), "FUSE (fuse.glusterfs)");
  EXPECT_EQ(network_name(0x65735546, 0, 46, mounts), "FUSE (fuse.mfs)");
  EXPECT_EQ(network_name(0x65735546, 0, 47, mounts), "FUSE");
  EXPECT_EQ(network_name(0x6969, 0, 45, mounts), "NFS");
  EXPECT_EQ(network_name(0x00C36400, 0, 1, ""), "CephFS");
  EXPECT_EQ(network_name(0xEF53, 8, 1, mounts), "");       // ext4
  EXPECT_EQ(network_name(0x01021994, 0, 30, mounts), "");  // tmpfs
}

TEST(OutputNames, AreThoseOfTheSourcesWithTheirFolders) {
  EXPECT_EQ(name_outputs({{"a/photo.jpg", ""}, {"trip/day1/x.tar.png", "day1"}}, nothing_is_taken),
            (Names{"photo", "day1/x.tar"}));
}

TEST(OutputNames, ThatWouldMeetKeepTheirExtension) {
  EXPECT_EQ(name_outputs({{"p.png", ""}, {"p.jpg", ""}, {"q.jpg", ""}}, nothing_is_taken),
            (Names{"p.png", "p.jpg", "q"}));
}

TEST(OutputNames, ThatAreAlikeAreNumberedInTheOrderGiven) {
  EXPECT_EQ(name_outputs({{"x/p.jpg", ""}, {"y/p.jpg", ""}, {"z/p.jpg", ""}}, nothing_is_taken),
            (Names{"p.jpg", "p.jpg-2", "p.jpg-3"}));
}

TEST(OutputNames, NeverMeetWhatAnotherSourceIsCalled) {
  const Names names = name_outputs(
      {{"x/p.jpg", ""}, {"y/p.jpg", ""}, {"p.jpg.png", ""}, {"p.jpg-2.gif", ""}}, nothing_is_taken);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  EXPECT_EQ(names[2], "p.jpg");
}

TEST(OutputNames, ThatAreTakenByOthersAreLeftToThem) {
  const auto taken = [](const std::string& name, size_t) { return name == "p" || name == "p.jpg"; };
  EXPECT_EQ(name_outputs({{"y/p.jpg", ""}, {"q.jpg", ""}}, taken), (Names{"p.jpg-2", "q"}));
}

TEST(OutputNames, OfHiddenAndBareFilesAreWhole) {
  EXPECT_EQ(name_outputs({{".hidden", ""}, {"bare", ""}}, nothing_is_taken),
            (Names{".hidden", "bare"}));
}

// A place that other users can reach, and the rights of one of them; tests run by root give theirs
// up meanwhile.
class WhoseSpool : public testing::Test {
 protected:
  WhoseSpool() {
    std::filesystem::create_directories(system_);
    (void)::chmod(folder_.c_str(), 0711);  // below it is seen whether that went well
    (void)::chmod(system_.c_str(), 0777);
    if (::geteuid() == 0) is_nobody_ = ::seteuid(65534) == 0;
  }
  ~WhoseSpool() override {
    if (is_nobody_ && ::seteuid(0) != 0) ADD_FAILURE() << "not root again";
    std::filesystem::remove_all(folder_);
  }
  SpoolChoice choice() const { return choose_spool(own_, system_, std::chrono::seconds(30)); }

  const std::string folder_ = [] {
    std::string path = std::filesystem::temp_directory_path() / "imgq-whose.XXXXXX";
    return std::string(::mkdtemp(path.data()));
  }();
  const std::string own_ = folder_ + "/own", system_ = folder_ + "/system";
  bool is_nobody_ = false;
};

TEST_F(WhoseSpool, IsTheSystemsForWhoMayWriteToIt) {
  EXPECT_EQ(choice().whose, SpoolChoice::Whose::system);
  EXPECT_EQ(choice().path, system_);
  EXPECT_EQ(choice().other, own_);
}

TEST_F(WhoseSpool, IsOnesOwnForOthersAndWhereThereIsNone) {
  for (const char* elsewhere : {"/proc", "/proc/none", "/dev/null"}) {
    const SpoolChoice choice = choose_spool(own_, elsewhere, std::chrono::seconds(30));
    EXPECT_EQ(choice.whose, SpoolChoice::Whose::own) << elsewhere;
    EXPECT_EQ(choice.path, own_) << elsewhere;
    EXPECT_EQ(choice.other, elsewhere);
  }
}

TEST_F(WhoseSpool, IsOnesOwnWhereTheSystemsIsThat) {
  EXPECT_EQ(choose_spool(system_, system_, std::chrono::seconds(30)).whose,
            SpoolChoice::Whose::own);
}

TEST_F(WhoseSpool, IsAlwaysItsOwnForRoot) {
  if (!is_nobody_) GTEST_SKIP() << "needs root";
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_EQ(choice().whose, SpoolChoice::Whose::own);
}

TEST(Words, CountOneAndMany) {
  EXPECT_EQ(counted(1, "job"), "1 job");
  EXPECT_EQ(counted(0, "job"), "0 jobs");
  EXPECT_EQ(counted(2, "file"), "2 files");
}

bool begins_like_image(std::string_view bytes) { return format_of(sniff(bytes).kind) != nullptr; }
bool named_like_image(std::string_view name) {
  return format_with_extension(lower_extension(name)) != nullptr;
}

TEST(Signature, TellsImagesFromOtherFiles) {
  using namespace std::string_view_literals;
  EXPECT_TRUE(begins_like_image("\xff\xd8\xff\xe0"sv));
  EXPECT_TRUE(begins_like_image("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"sv));
  EXPECT_TRUE(begins_like_image("GIF89a123"sv));
  EXPECT_TRUE(begins_like_image("RIFF\1\2\3\4WEBPVP8 "sv));
  EXPECT_TRUE(
      begins_like_image("\0\0\0\x18"
                        "ftypheic\0\0\0\0"sv));
  EXPECT_TRUE(begins_like_image("\0\0\0\x0cJXL \r\n\x87\n"sv));
  for (const std::string_view text :
       {""sv, "\xff\xd8"sv, "RIFF\1\2\3\4WAVEfmt "sv, "%PDF-1.7"sv, "<svg xmlns="sv,
        "\0\0\0\x18"
        "ftypmp42"sv,
        "hello, world"sv}) {
    EXPECT_FALSE(begins_like_image(text)) << text;
  }
}

TEST(ImageNames, AreKnownByTheirExtensionInAnyCase) {
  EXPECT_TRUE(named_like_image("a/DSC_0001.JPG"));
  EXPECT_TRUE(named_like_image("x.Heic"));
  for (const std::string_view name : {"notes.txt", "jpg", ".jpg", "a.jpg.part", "a.svg", ""}) {
    EXPECT_FALSE(named_like_image(name)) << name;
  }
}

TEST(OutputGoal, IsAFileByItsNameAndADirectoryByASlashOrByBeingOne) {
  EXPECT_EQ(goal_of("-"), Goal::out);
  for (const char* file : {"small.jpg", "a/b.WebP", "x.gif"}) EXPECT_EQ(goal_of(file), Goal::file);
  for (const char* name : {"thumbs", "small.jpg/", ".jpg", "a.jpg/b", "x.svg", "/", ""}) {
    EXPECT_EQ(goal_of(name), Goal::directory) << name;
  }
  const std::string made = testing::TempDir() + "goal.jpg";
  std::filesystem::create_directory(made);
  EXPECT_EQ(goal_of(made), Goal::directory);
  std::filesystem::remove(made);
  EXPECT_EQ(format_of("a.JPG"), "jpeg");
  EXPECT_EQ(format_of("a.b/c.avif"), "avif");
  EXPECT_EQ(format_of("a.gif"), "");
}

TEST(Progress, LineFitsItsTerminalWhateverItsWidth) {
  for (int width = 1; width < 200; ++width) {
    const std::string line = progress_line(42, 102, 1, 1100, width);
    EXPECT_LE(line.size(), static_cast<size_t>(width)) << width;
  }
  EXPECT_EQ(progress_line(51, 102, 1, 1000, 60),
            " 51/102 [#########---------]  50%  51/s  1 s left  1 failed");
  EXPECT_EQ(progress_line(0, 0, 0, 0, 30).find("nan"), std::string::npos);
}

// A spool at work: two daemons, jobs with long names, failures.
Snapshot busy_spool() {
  Snapshot now;
  now.at_ms = 1'700'000'000'000;
  now.monotonic_ms = 60'000;
  now.counts.jobs[static_cast<size_t>(State::staging)] = 1'234'567;
  now.counts.jobs[static_cast<size_t>(State::completed)] = 890;
  now.counts.jobs[static_cast<size_t>(State::failed)] = 12;
  now.counts.jobs[static_cast<size_t>(State::cancelled)] = 7;
  now.counts.oldest_waiting = *JobId::parse("018bcfe5-6800-7000-8000-000000000000");
  now.free_bytes = 71'400'000'000;
  now.owners = {{"here.1.2.3", "here", 4711, true, OwnerSeen::Life::alive, 0},
                {"there.1.2.3", "there", 4712, false, OwnerSeen::Life::silent, 300'000}};
  now.owners[0].told = {"0.1.0", 6'500};
  now.cordons = {{"there", now.at_ms - 7'200'000}, {"away", now.at_ms - 180'000}};
  for (int i = 0; i < 20; ++i) {
    Running one{{JobId::generate(), State::processing, i == 0 ? 2 : 1, 0, "here.1.2.3"},
                fmt::format("/a/folder/with/a/long/n\u00e4me/and/another/photo{:03}.jpg", i),
                now.at_ms - 3000};
    now.running.push_back(std::move(one));
  }
  for (int i = 0; i < 12; ++i) {
    JobView view{Ticket{JobId::generate()}};
    view.ticket.name = fmt::format("bad\nfile{:02}.jpg", i);
    view.outcome = Outcome{view.ticket.id};
    view.outcome->ended_ms = now.at_ms - 60'000;
    view.outcome->cause = {"truncated", "the file ends before the image does"};
    now.failures.push_back(std::move(view));
  }
  return now;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

class Top : public testing::Test {
 protected:
  std::string drawn(const Snapshot& now, ScreenSize size, std::optional<Mark> before = {}) {
    return joined(draw_top(console_, "/var/spool/imgq", now, before, size));
  }
  Console console_{Loudness::normal, When::never};
};

TEST_F(Top, FitsEveryScreen) {
  for (int columns = 10; columns <= 240; columns += 5) {
    for (int rows = 5; rows <= 60; ++rows) {
      for (const Snapshot& now : {busy_spool(), Snapshot{}}) {
        const auto lines = draw_top(console_, "/var/spool/imgq", now, Mark{}, {columns, rows});
        EXPECT_LE(lines.size(), static_cast<size_t>(rows));
        for (const std::string& line : lines) {
          ASSERT_LE(imgq::columns(line), static_cast<size_t>(columns)) << line;
        }
      }
    }
  }
}

TEST_F(Top, NeverCutsANumberOfJobs) {
  for (const ScreenSize size : {ScreenSize{80, 24}, {40, 10}, {24, 24}, {200, 60}}) {
    const std::string text = drawn(busy_spool(), size);
    for (const char* number : {"1234567", "890", "12", "7"}) {
      EXPECT_NE(text.find(number), std::string::npos) << number << "\n" << text;
    }
  }
}

TEST_F(Top, ShowsTheEndsOfNamesAndHowManyAreMissing) {
  const std::string narrow = drawn(busy_spool(), {40, 12});
  EXPECT_NE(narrow.find("photo000.jpg, attempt 2\n"), std::string::npos) << narrow;
  EXPECT_NE(narrow.find(" more\n"), std::string::npos);
  EXPECT_NE(narrow.find("...file00.jpg  the file ends"), std::string::npos);
  const std::string wide = drawn(busy_spool(), {120, 60});
  EXPECT_NE(wide.find("n\u00e4me/and/another/photo019.jpg  "), std::string::npos) << wide;
  EXPECT_EQ(wide.find(" more\n"), std::string::npos);
  EXPECT_NE(wide.find("here  pid 4711  20 jobs  0.1.0  clock +6.500 s\n"), std::string::npos);
  EXPECT_NE(wide.find("there  pid 4712  silent for 5 min  cordoned for 2 h\n"), std::string::npos);
  EXPECT_NE(wide.find("away  no daemon  cordoned for 3 min\n"), std::string::npos);
  EXPECT_NE(wide.find("file11.jpg"), std::string::npos);
}

TEST_F(Top, CountsWhatEndedWellOrBadlyIntoThePace) {
  const Snapshot now = busy_spool();
  EXPECT_EQ(mark_of(now).ended, 902);
  EXPECT_NE(drawn(now, {}, Mark{50'000, 802}).find("10.0 jobs/s"), std::string::npos);
  EXPECT_EQ(drawn(now, {}).find("jobs/s"), std::string::npos);  // one look tells no pace
}

// A look a second after the one before, when so many jobs had ended and so many ran.
Snapshot look(int64_t second, int64_t ended, size_t running) {
  Snapshot now;
  now.monotonic_ms = second * 1000;
  now.counts.jobs[static_cast<size_t>(State::completed)] = ended;
  now.running.resize(running, Running{{JobId::generate(), State::processing}, "a.jpg", 0});
  return now;
}

TEST_F(Top, ItsPaceIsThatOfTheLastLooksAndNothingOnceTheSpoolIsIdle) {
  Pace pace;
  EXPECT_FALSE(pace.since(look(0, 0, 1)));
  for (int second = 1; second <= 20; ++second) {
    const auto before = pace.since(look(second, 5 * second, 1));
    ASSERT_TRUE(before);
    EXPECT_EQ(before->ended, 5 * std::max(0, second - 10));
  }
  EXPECT_EQ(pace.since(look(21, 100, 1))->ended, 55);  // a long job, not idleness
  EXPECT_EQ(pace.since(look(22, 101, 0))->ended, 60);  // the last one ended
  const Snapshot idle = look(23, 101, 0);
  const auto before = pace.since(idle);
  EXPECT_EQ(before->ended, 101);
  EXPECT_NE(drawn(idle, {}, before).find("0.0 jobs/s"), std::string::npos);
}

TEST_F(Top, SaysThatNothingIsThere) {
  Snapshot now;
  EXPECT_NE(drawn(now, {40, 10}).find("no jobs\n"), std::string::npos);
  EXPECT_NE(drawn(now, {}).find("no daemon is running\n"), std::string::npos);
  now.owners = {{"here.1.2.3", "here", 4711, true, OwnerSeen::Life::alive, 0}};
  EXPECT_NE(drawn(now, {}).find("here  pid 4711  idle  version unknown\n"), std::string::npos);
}

TEST(ExitSum, IsTheCommonCauseOrOne) {
  Sum sum;
  EXPECT_EQ(sum.total(), Exit::ok);
  sum.add(Exit::bad_image);
  EXPECT_EQ(sum.total(), Exit::bad_image);
  sum.add(Exit::bad_image);
  EXPECT_EQ(sum.total(), Exit::bad_image);
  Sum mixed = sum;
  mixed.add(Exit::no_input);
  EXPECT_EQ(mixed.total(), Exit::some_failed);
  sum.add(Exit::ok);
  EXPECT_EQ(sum.total(), Exit::some_failed);
}

TEST(Versioned, PutsTheVersionFirst) {
  EXPECT_EQ(versioned(Json::object()), "{\"imgq\":1}");
  EXPECT_EQ(versioned(Json{{"a", 2}}), "{\"imgq\":1,\"a\":2}");
}

std::string request_of(const RequestOptions& options) {
  const auto request = make_request(options, Config{});
  return request ? to_json(*request) : request.error().action;
}

TEST(RequestOptionsOf, SeveralSizesNameTheirRenditions) {
  RequestOptions options;
  options.size = "320x,x240,100x100";
  options.fields["quality"] = "70";
  const auto request = make_request(options, Config{});
  ASSERT_TRUE(request);
  ASSERT_EQ(request->renditions.size(), 3U);
  EXPECT_EQ(request->renditions[0].name, "320w");
  EXPECT_EQ(request->renditions[1].name, "240h");
  EXPECT_EQ(request->renditions[2].name, "100x100");
  EXPECT_EQ(request->renditions[2].quality, 70);
}

TEST(RequestOptionsOf, APresetTakesOtherOptionsOverAll) {
  Config config;
  Rendition small;
  small.name = "small";
  Rendition big;
  big.name = "big";
  config.presets["web"] = {small, big};
  RequestOptions options;
  options.preset = "web";
  options.fields["format"] = "webp";
  const auto request = make_request(options, config);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->preset, "web");
  EXPECT_EQ(request->renditions[0].format, Format::webp);
  EXPECT_EQ(request->renditions[1].format, Format::webp);
  options.preset = "wbe";
  EXPECT_EQ(make_request(options, config).error().action,
            "--preset: unknown preset 'wbe'; did you mean 'web'?");
}

TEST(RequestOptionsOf, AnAnchorMeansFill) {
  RequestOptions options;
  options.fields["anchor"] = "north";
  const auto request = make_request(options, Config{});
  ASSERT_TRUE(request);
  EXPECT_EQ(request->renditions[0].fit, Fit::fill);
  options.fit = true;
  EXPECT_EQ(request_of(options), "--anchor and --focus say what --fill keeps");
}

TEST(RequestOptionsOf, WrongOnesAreNamedWithWhatIsAllowed) {
  const auto with = [](const char* field, const char* value) {
    RequestOptions options;
    options.fields[field] = value;
    return request_of(options);
  };
  EXPECT_EQ(with("quality", "0"), "--quality: '0' is not a whole number from 1 to 100");
  EXPECT_EQ(with("chroma", "411"), "--chroma: '411' is not 420 or 444");
  EXPECT_EQ(with("sharpen", "1e1"), "--sharpen: '1e1' is not a number from 0 to 10");
  EXPECT_EQ(with("sharpen", "-1"), "--sharpen: '-1' is not a number from 0 to 10");
  EXPECT_EQ(with("max_bytes", "0"), "--max-bytes: 0 bytes hold no image");
  EXPECT_EQ(with("fit", "zoom"), "--mode: 'zoom' is not a mode: use fit, fill, force or pad");
  RequestOptions sizes;
  sizes.size = "5x5,5x5";
  EXPECT_EQ(request_of(sizes), "two renditions are named '5x5'");
  RequestOptions both;
  both.fill = both.force = true;
  EXPECT_EQ(request_of(both), "--fit, --fill, --force, --pad and --mode exclude each other");
}

RunRecord record() {
  RunRecord record;
  record.source = "/photos/caf\xe9\n.jpg";
  record.size_bytes = 5;
  record.modified_ns = 6;
  record.request = "abc";
  record.results = {
      {"big", "x/caf\xe9\n.big.jpg", "image/jpeg", 640, 480, 10, 11, true, std::string(64, 'a')},
      {"small", "x/a b,c.small.jpg", "image/jpeg", 320, 240, 10, 11}};
  record.width_px = 4000;
  record.height_px = 3000;
  record.thumbhash = "aGk=";
  return record;
}

TEST(LedgerRecord, SurvivesItsLineOddBytesIncluded) {
  const std::string line = encode(record());
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto again = decode_run_record(line);
  ASSERT_TRUE(again);
  EXPECT_EQ(encode(*again), line);
  EXPECT_EQ(again->source, record().source);
  EXPECT_EQ(again->results[0].file, record().results[0].file);
  EXPECT_EQ(again->results[0].sha256, std::string(64, 'a'));
  EXPECT_EQ(again->results[1].sha256, "") << "of an earlier version";
}

TEST(LedgerRecord, CutAtAnyByteCountsAsNotThere) {
  const std::string line = encode(record());
  for (size_t cut = 0; cut < line.size(); ++cut) {
    EXPECT_FALSE(decode_run_record(std::string_view(line).substr(0, cut))) << cut;
  }
}

TEST(RunManifest, HasASrcsetWithTheWidestLastAndUrlsEscaped) {
  const RunRecord one = record();
  const auto object =
      parse_json(manifest_json({{"in.jpg", &one}}, {{"bad", "truncated", "cut"}}), "manifest");
  ASSERT_TRUE(object);
  const Json& image = object->at("images").at(0);
  EXPECT_EQ(image.at("srcset"), "x/a%20b%2Cc.small.jpg 320w, x/caf%E9%0A.big.jpg 640w");
  EXPECT_EQ(image.at("results").at(0).at("file_percent"), "x/caf%E9%0A.big.jpg");
  EXPECT_EQ(object->at("failed").at(0).at("error").at("code"), "truncated");
  EXPECT_EQ(object->at("imgq"), 1);
}

class LedgerFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "imgq-done-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    output_ = name;
    std::filesystem::create_directories(output_ + "/.imgq");
  }
  void TearDown() override { std::filesystem::remove_all(output_); }

  // A record whose result is really there.
  RunRecord made(const std::string& source, const std::string& file) const {
    std::ofstream(output_ + "/" + file) << "jpeg";
    struct stat about{};
    EXPECT_EQ(::stat((output_ + "/" + file).c_str(), &about), 0);
    RunRecord record{source, 5, 6, "req", {}, 0, 0, "", {}, "", ""};
    record.results = {{"thumb", file, "image/jpeg", 1, 1, about.st_size, ns_of(about.st_mtim)}};
    return record;
  }
  std::string output_;
};

TEST_F(LedgerFile, KnowsWhatIsUpToDateAfterItIsReadAgain) {
  {
    auto done_file = DoneFile::open(output_);
    ASSERT_TRUE(done_file);
    RunRecord record = made("/a.jpg", "a.jpg");
    record.notes = {"truncated_accepted"};
    ASSERT_TRUE(done_file->add(std::move(record)));
  }
  auto done_file = DoneFile::open(output_);
  ASSERT_TRUE(done_file);
  const RunRecord* known = done_file->up_to_date({"/a.jpg", ""}, 5, 6, "req");
  ASSERT_NE(known, nullptr);
  EXPECT_EQ(known->notes, std::vector<std::string>{"truncated_accepted"});
  EXPECT_EQ(done_file->up_to_date({"/a.jpg", ""}, 5, 7, "req"), nullptr) << "source touched";
  EXPECT_EQ(done_file->up_to_date({"/a.jpg", ""}, 4, 6, "req"), nullptr)
      << "source of another size";
  EXPECT_EQ(done_file->up_to_date({"/a.jpg", ""}, 5, 6, "other"), nullptr) << "another request";
  EXPECT_EQ(done_file->up_to_date({"/b.jpg", ""}, 5, 6, "req"), nullptr);
  EXPECT_TRUE(done_file->owns("a.jpg", "/a.jpg"));
  EXPECT_FALSE(done_file->owns("b.jpg", "/a.jpg"));
  std::filesystem::remove(output_ + "/a.jpg");
  EXPECT_EQ(done_file->up_to_date({"/a.jpg", ""}, 5, 6, "req"), nullptr) << "result removed";
}

TEST_F(LedgerFile, ATornLastLineIsForgottenAndTheNextStillRead) {
  {
    auto done_file = DoneFile::open(output_);
    ASSERT_TRUE(done_file->add(made("/a.jpg", "a.jpg")));
  }
  std::ofstream(output_ + "/.imgq/done", std::ios::app) << "{\"imgq\":1,\"sour";
  {
    auto done_file = DoneFile::open(output_);
    ASSERT_TRUE(done_file);
    ASSERT_TRUE(done_file->add(made("/b.jpg", "b.jpg")));
  }
  auto done_file = DoneFile::open(output_);
  EXPECT_NE(done_file->up_to_date({"/a.jpg", ""}, 5, 6, "req"), nullptr);
  EXPECT_NE(done_file->up_to_date({"/b.jpg", ""}, 5, 6, "req"), nullptr);
}

TEST_F(LedgerFile, IsWrittenAnewWhenMostOfItIsReplaced) {
  auto done_file = DoneFile::open(output_);
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(done_file->add(made("/a.jpg", "a.jpg")));
  const auto before = std::filesystem::file_size(output_ + "/.imgq/done");
  ASSERT_TRUE(done_file->tidy());
  EXPECT_LT(std::filesystem::file_size(output_ + "/.imgq/done"), before / 100);
  auto again = DoneFile::open(output_);
  EXPECT_NE(again->up_to_date({"/a.jpg", ""}, 5, 6, "req"), nullptr);
}

TEST_F(LedgerFile, KeepsWhatOnlyAReplacedRecordKnowsToBeAThumbnail) {
  const std::string root = std::filesystem::canonical(output_).string();
  const std::string source = root + "/a.jpg";
  {
    auto done_file = DoneFile::open(output_);
    ASSERT_TRUE(done_file->add(made(source, "a.320w.jpg")));
    for (int i = 0; i < 150; ++i) ASSERT_TRUE(done_file->add(made(source, "a.thumb.jpg")));
    const auto before = std::filesystem::file_size(output_ + "/.imgq/done");
    ASSERT_TRUE(done_file->tidy());
    EXPECT_LT(std::filesystem::file_size(output_ + "/.imgq/done"), before / 10);
  }
  Made made;
  EXPECT_TRUE(made.knows(output_ + "/a.320w.jpg", root));
  EXPECT_TRUE(made.knows(output_ + "/a.thumb.jpg", root));
  auto done_file = DoneFile::open(output_);
  EXPECT_TRUE(done_file->owns("a.320w.jpg", source));
  ASSERT_NE(done_file->find({source, ""}), nullptr);
  EXPECT_EQ(done_file->find({source, ""})->results[0].file, "a.thumb.jpg");
}

TEST_F(LedgerFile, KnowsWhatIsBadUntilItOrWhatItIsJudgedByChanges) {
  const RunRecord bad{"/caf\xe9.jpg",     5, 6, "judged", {}, 0, 0, "", {}, "truncated",
                      "it ends \"early\""};
  {
    auto done_file = DoneFile::open(output_);
    ASSERT_TRUE(done_file->add(bad));
    ASSERT_TRUE(done_file->add(made("/good.jpg", "good.jpg")));
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(done_file->add(made("/a.jpg", "a.jpg")));
    ASSERT_TRUE(done_file->tidy());  // keeps it
  }
  auto done_file = DoneFile::open(output_);
  const RunRecord* known = done_file->known_bad(bad.source, 5, 6, "judged");
  ASSERT_NE(known, nullptr);
  EXPECT_EQ(known->code, "truncated");
  EXPECT_EQ(known->message, bad.message);
  EXPECT_EQ(done_file->known_bad(bad.source, 4, 6, "judged"), nullptr);
  EXPECT_EQ(done_file->known_bad(bad.source, 5, 7, "judged"), nullptr);
  EXPECT_EQ(done_file->known_bad(bad.source, 5, 6, "otherwise"), nullptr);
  EXPECT_EQ(done_file->known_bad("/good.jpg", 5, 6, "req"), nullptr);
  EXPECT_EQ(done_file->find({bad.source, ""}), nullptr);
  ASSERT_TRUE(done_file->add(made(bad.source, "b.jpg")));
  EXPECT_EQ(done_file->known_bad(bad.source, 5, 6, "judged"), nullptr) << "made after all";
}

TEST_F(LedgerFile, OwnsNothingThatWasMadeOfAnotherImageStillThere) {
  auto done_file = DoneFile::open(output_);
  std::ofstream(output_ + "/there") << "image";
  ASSERT_TRUE(done_file->add(made(output_ + "/there", "a.jpg")));
  ASSERT_TRUE(done_file->add(made(output_ + "/gone", "b.jpg")));
  EXPECT_FALSE(done_file->owns("a.jpg", "/other"));
  EXPECT_TRUE(done_file->owns("b.jpg", "/other"));
}

TEST_F(LedgerFile, MovesWithTheSourcesThatLieBesideItsResults) {
  const std::string before = std::filesystem::canonical(output_).string();
  {
    auto done_file = DoneFile::open(output_);
    ASSERT_TRUE(done_file->add(made(before + "/a.jpg", "a.webp")));
    ASSERT_TRUE(done_file->add(made("/elsewhere/b.jpg", "b.webp")));
  }
  // A line of an earlier version has the whole path.
  std::ofstream(output_ + "/.imgq/done", std::ios::app)
      << encode(made(before + "/old.jpg", "old.webp")) << "\n";
  EXPECT_TRUE(Made().knows(output_ + "/a.webp", before));
  EXPECT_TRUE(Made().knows(output_ + "/old.webp", before));
  const std::string after = before + "-moved";
  std::filesystem::rename(output_, after);
  output_ = after;
  auto done_file = DoneFile::open(output_);
  EXPECT_NE(done_file->up_to_date({after + "/a.jpg", ""}, 5, 6, "req"), nullptr);
  EXPECT_NE(done_file->up_to_date({"/elsewhere/b.jpg", ""}, 5, 6, "req"), nullptr);
  EXPECT_TRUE(Made().knows(output_ + "/a.webp", after));
  EXPECT_FALSE(Made().knows(output_ + "/b.webp", after)) << "not of an image below";
  EXPECT_FALSE(Made().knows(output_ + "/old.webp", after)) << "its source is where it was";
  EXPECT_TRUE(Made().knows(output_ + "/b.webp", "/"));
}

TEST_F(LedgerFile, ToldOfFilesInTheFoldersBelowItUntilTheyChange) {
  std::filesystem::create_directories(output_ + "/x/y");
  std::filesystem::create_directory_symlink("x/y", output_ + "/link");
  auto done_file = DoneFile::open(output_);
  ASSERT_TRUE(done_file->add(made("/a.jpg", "x/y/a.webp")));
  EXPECT_TRUE(Made().knows(output_ + "/x/y/a.webp", "/"));
  EXPECT_TRUE(Made().knows(output_ + "/link/../y/a.webp", "/"));
  EXPECT_FALSE(Made().knows(output_ + "/x/y/b.webp", "/"));
  EXPECT_FALSE(Made().knows(output_ + "/x/gone/a.webp", "/"));
  std::ofstream(output_ + "/x/y/a.webp") << "another";
  EXPECT_FALSE(Made().knows(output_ + "/x/y/a.webp", "/"));
}

}  // namespace
}  // namespace imgq::cli
