#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "src/jobs/config.h"

namespace imgq {
namespace {

// A system and a user directory of its own, and no IMGQ_ variables.
class ConfigFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "imgq-config-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    std::filesystem::create_directories(root_ + "/etc/imgq.toml.d");
    std::filesystem::create_directories(root_ + "/home/imgq");
    ::setenv("XDG_CONFIG_HOME", (root_ + "/home").c_str(), 1);
    ::unsetenv("IMGQ_SPOOL");
    ::unsetenv("IMGQ_DAEMON_WORKERS");
  }
  void TearDown() override {
    ::unsetenv("IMGQ_SPOOL");
    ::unsetenv("IMGQ_DAEMON_WORKERS");
    ::unsetenv("XDG_STATE_HOME");
    std::filesystem::remove_all(root_);
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(root_ + "/" + name) << text;
  }
  Result<Config> load() const {
    ConfigSources sources;
    sources.system_directory = root_ + "/etc";
    return load_config(sources);
  }
  Result<Config> load_text(const std::string& text) const {
    write("one.toml", text);
    ConfigSources sources;
    sources.file = root_ + "/one.toml";
    return load_config(sources);
  }
  std::string complaint(const std::string& text) const {
    const auto config = load_text(text);
    return config ? "(accepted)" : config.error().action;
  }
  std::string root_;
};

TEST_F(ConfigFiles, WithoutAnyFileAllIsAtItsDefaultAndSaysSo) {
  ::setenv("XDG_STATE_HOME", "/somewhere", 1);
  const auto config = load();
  ASSERT_TRUE(config);
  EXPECT_EQ(config->spool, "/somewhere/imgq");
  EXPECT_EQ(config->max_attempts, 3);
  EXPECT_EQ(config->origin.at("jobs.max_attempts"), "default");
}

TEST_F(ConfigFiles, LaterSourcesWinAndEachValueSaysWhereItCameFrom) {
  write("etc/imgq.toml", "[daemon]\nworkers = 1\npoll = \"250ms\"\n[jobs]\nmax_attempts = 5\n");
  write("etc/imgq.toml.d/20-b.toml", "daemon.workers = 3\n");
  write("etc/imgq.toml.d/10-a.toml", "daemon.workers = 2\n");
  write("etc/imgq.toml.d/ignored.txt", "garbage");
  write("home/imgq/imgq.toml", "\n[daemon]\nworkers = 4\n");
  auto config = load();
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->workers, 4);
  EXPECT_EQ(config->origin.at("daemon.workers"), root_ + "/home/imgq/imgq.toml:3");
  EXPECT_EQ(config->max_attempts, 5);
  EXPECT_EQ(config->poll, std::chrono::milliseconds(250));
  EXPECT_EQ(config->origin.at("jobs.max_attempts"), root_ + "/etc/imgq.toml:5");
  ::setenv("IMGQ_DAEMON_WORKERS", "7", 1);
  config = load();
  ASSERT_TRUE(config);
  EXPECT_EQ(config->workers, 7);
  EXPECT_EQ(config->origin.at("daemon.workers"), "IMGQ_DAEMON_WORKERS");
}

TEST_F(ConfigFiles, AnEnvironmentVariableThatIsNoValueIsAnErrorThatNamesIt) {
  ::setenv("IMGQ_DAEMON_WORKERS", "-1", 1);
  const auto config = load();
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().path, "IMGQ_DAEMON_WORKERS");
  EXPECT_EQ(config.error().action, "'daemon.workers' takes a whole number from 0 to 1024");
}

TEST_F(ConfigFiles, ANamedFileIsReadAloneAndMustExist) {
  write("etc/imgq.toml", "daemon.workers = 1\n");
  const auto config = load_text("jobs.max_attempts = 9\n");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->workers, 0);
  EXPECT_EQ(config->max_attempts, 9);
  ConfigSources sources;
  sources.file = root_ + "/missing.toml";
  const auto missing = load_config(sources);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ENOENT);
}

TEST_F(ConfigFiles, AnUnknownKeyIsAnErrorWithItsPlaceAndTheNearestName) {
  EXPECT_EQ(complaint("\n\n  [daemon]\n  workres = 2\n"),
            "line 4, column 3: unknown key 'daemon.workres'; did you mean 'daemon.workers'?");
  EXPECT_EQ(complaint("spoool = \"/x\"\n"),
            "line 1, column 1: unknown key 'spoool'; did you mean 'spool'?");
  EXPECT_EQ(complaint("[daemn]\nworkers = 1\n"),
            "line 1, column 2: unknown key 'daemn'; did you mean 'daemon'?");
  EXPECT_EQ(complaint("zzz = 1\n"), "line 1, column 1: unknown key 'zzz'");
}

TEST_F(ConfigFiles, AValueOfTheWrongKindOrOutOfBoundsIsAnErrorWithItsPlace) {
  EXPECT_EQ(complaint("daemon.workers = \"2\"\n"),
            "line 1, column 18: 'daemon.workers' takes a whole number from 0 to 1024");
  EXPECT_EQ(complaint("daemon.workers = 2000\n"),
            "line 1, column 18: 'daemon.workers' takes a whole number from 0 to 1024");
  EXPECT_EQ(complaint("daemon.sync = \"often\"\n"),
            "line 1, column 15: 'daemon.sync' takes full, batch or none");
  EXPECT_EQ(complaint("daemon.sync = \"full batch\"\n"),
            "line 1, column 15: 'daemon.sync' takes full, batch or none");
  EXPECT_EQ(complaint("formats.heic = 1\n"),
            "line 1, column 16: 'formats.heic' takes true or false");
  EXPECT_EQ(complaint("daemon.workers = 1.5\n"),
            "line 1, column 18: 'daemon.workers' takes a whole number from 0 to 1024");
  EXPECT_EQ(complaint("daemon.workers = [1]\n"),
            "line 1, column 18: 'daemon.workers' takes a whole number from 0 to 1024");
  EXPECT_EQ(complaint("daemon = 1\n"), "line 1, column 10: 'daemon' is a section: write [daemon]");
}

TEST_F(ConfigFiles, WhatIsNotTomlIsRefusedWithItsPlace) {
  EXPECT_EQ(complaint("this is garbage\n").substr(0, 7), "line 1,");
  EXPECT_EQ(complaint("spool = \"/a\"\nspool = \"/b\"\n").substr(0, 7), "line 2,");
  EXPECT_EQ(complaint("spool = \"/a").substr(0, 7), "line 1,");
  EXPECT_EQ(complaint(std::string("spool = \"\xff\"\n")).substr(0, 7), "line 1,");
}

TEST_F(ConfigFiles, SizesAndDurationsMayBeWordsOrNumbers) {
  const auto config = load_text(
      "[limits]\nmax_file_bytes = \"10MiB\"\nmemory_bytes = 134217728\n"
      "[retention]\ncompleted = \"36h\"\nfailed = 60\nbytes = \"5GB\"\n");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->limits.max_file_bytes, 10 << 20);
  EXPECT_EQ(config->limits.memory_bytes, 134217728);
  EXPECT_EQ(config->keep_completed, std::chrono::hours(36));
  EXPECT_EQ(config->keep_failed, std::chrono::seconds(60));
  EXPECT_EQ(config->keep_bytes, 5'000'000'000);
}

TEST_F(ConfigFiles, PresetsAreSetsOfRenditions) {
  const auto config = load_text(
      "[preset.web.small]\nsize = \"320x\"\nformat = \"webp\"\n"
      "[preset.web.square]\nwidth = 200\nheight = 200\nfit = \"fill\"\nfocus = \"0.3,0.5\"\n"
      "max_bytes = \"20KiB\"\n");
  ASSERT_TRUE(config) << config.error().text();
  const auto& web = config->presets.at("web");
  ASSERT_EQ(web.size(), 2U);
  EXPECT_EQ(web[0].name, "small");
  EXPECT_EQ(web[0].width_px, 320);
  EXPECT_EQ(web[0].height_px, 0);
  EXPECT_EQ(web[0].format, Format::webp);
  EXPECT_EQ(web[1].anchor, Anchor::focus);
  EXPECT_DOUBLE_EQ(web[1].focus_x, 0.3);
  EXPECT_EQ(web[1].max_bytes, 20 * 1024);
}

TEST_F(ConfigFiles, AWrongPresetIsAnErrorWithItsPlace) {
  EXPECT_EQ(complaint("[preset.web.small]\nsise = \"320x\"\n"),
            "line 2, column 1: unknown field 'sise'; did you mean 'size'?");
  EXPECT_EQ(complaint("[preset.web.small]\nquality = 200\n"),
            "line 2, column 1: 'quality' takes 1 to 100, or 0 for the format's default");
  EXPECT_EQ(complaint("[preset.web]\nsize = \"1x1\"\n"),
            "line 2, column 8: a preset holds renditions: write [preset.NAME.RENDITION]");
  EXPECT_EQ(complaint("[preset.\"../x\".small]\nsize = \"320x\"\n"),
            "line 1, column 9: a preset's name is of a-z, 0-9, _ and -");
  EXPECT_EQ(complaint("[preset.web.a]\nsize = \"320x\"\nfit = \"force\"\n"),
            "line 1, column 9: rendition 'a': fill, force and pad need both width and height");
}

TEST_F(ConfigFiles, WatermarksAreReadShownAndChecked) {
  const auto config = load_text(
      "[watermark.logo]\nfile = \"/srv/logo.png\"\n"
      "[watermark.faint]\nfile = \"/srv/name.webp\"\nplace = \"north\"\nopacity = 30\n");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->watermarks.at("logo").place, Anchor::south_east);
  EXPECT_EQ(config->watermarks.at("logo").opacity_percent, 100);
  EXPECT_EQ(config->watermarks.at("faint").file, "/srv/name.webp");
  EXPECT_EQ(config->watermarks.at("faint").place, Anchor::north);
  EXPECT_EQ(config->watermarks.at("faint").opacity_percent, 30);
  const std::string shown = show_config(*config);
  EXPECT_NE(shown.find("[watermark.faint]  # " + root_ +
                       "/one.toml:3\nfile = \"/srv/name.webp\"\nplace = \"north\"\nopacity = 30\n"),
            std::string::npos)
      << shown;
  EXPECT_EQ(complaint("[watermark]\nfile = \"/x\"\n"), "line 2, column 8: write [watermark.NAME]");
  EXPECT_EQ(complaint("[watermark.\"a/b\"]\nfile = \"/x\"\n"),
            "line 1, column 12: a watermark's name is of a-z, 0-9, _ and -");
  EXPECT_EQ(complaint("[watermark.a]\nopacity = 3\n"),
            "line 1, column 12: a watermark needs a 'file'");
  EXPECT_EQ(complaint("[watermark.a]\nfile = \"logo.png\"\n"),
            "line 2, column 8: 'file' takes an absolute path");
  EXPECT_EQ(complaint("[watermark.a]\nfile = \"/x\"\nopacity = 101\n"),
            "line 3, column 11: 'opacity' takes a percentage from 1 to 100");
  EXPECT_EQ(complaint("[watermark.a]\nfile = \"/x\"\nplace = \"entropy\"\n"),
            "line 3, column 9: 'place' takes centre, north, north-east, east, ... or north-west");
  EXPECT_EQ(complaint("[watermark.a]\nfile = \"/x\"\nopacty = 4\n"),
            "line 3, column 1: unknown key 'opacty'; did you mean 'opacity'?");
  EXPECT_EQ(complaint("watermark = 3\n"), "line 1, column 13: write [watermark.NAME]");
}

TEST_F(ConfigFiles, ALaterFileReplacesAPresetAsAWhole) {
  write("etc/imgq.toml", "[preset.web.a]\nsize = \"10x10\"\n[preset.web.b]\nsize = \"20x20\"\n");
  write("home/imgq/imgq.toml", "[preset.web.c]\nsize = \"30x30\"\n");
  const auto config = load();
  ASSERT_TRUE(config);
  ASSERT_EQ(config->presets.at("web").size(), 1U);
  EXPECT_EQ(config->presets.at("web")[0].name, "c");
}

TEST_F(ConfigFiles, EachRenditionOfAPresetIsShownWithItsLine) {
  const auto config =
      load_text("[preset.web.a]\nsize = \"10x10\"\n[preset.web.b]\nsize = \"9x9\"\n");
  ASSERT_TRUE(config);
  const std::string shown = show_config(*config);
  EXPECT_NE(shown.find("[preset.web.a]  # " + root_ + "/one.toml:1\n"), std::string::npos) << shown;
  EXPECT_NE(shown.find("[preset.web.b]  # " + root_ + "/one.toml:3\n"), std::string::npos) << shown;
}

TEST_F(ConfigFiles, IntakesAreReadAndChecked) {
  const auto config = load_text(
      "[preset.web.a]\nsize = \"10x10\"\n"
      "[[intake]]\ndirectory = \"/in\"\npreset = \"web\"\nafter = \"move\"\nmove_to = \"/done\"\n"
      "settle = \"5s\"\n[[intake]]\ndirectory = \"/other\"\n");
  ASSERT_TRUE(config) << config.error().text();
  ASSERT_EQ(config->hot_folders.size(), 2U);
  EXPECT_EQ(config->hot_folders[0].after, HotFolder::After::move);
  EXPECT_EQ(config->hot_folders[0].settle_seconds, 5);
  EXPECT_EQ(config->hot_folders[1].after, HotFolder::After::keep);
  EXPECT_FALSE(config->hot_folders[1].subfolders);
  EXPECT_EQ(config->hot_folders[1].settle_seconds, 3);
  EXPECT_EQ(complaint("[[intake]]\ndirectory = \"/in\"\nunfinished = \"*.part\"\n"),
            "line 3, column 14: 'unfinished' takes a list of patterns");
  EXPECT_EQ(complaint("[[intake]]\ndirectory = \"/in\"\nunfinished = [1]\n"),
            "line 3, column 14: 'unfinished' takes a list of patterns");
  EXPECT_EQ(complaint("[[intake]]\ndirectory = \"/in\"\nsubfolders = \"yes\"\n"),
            "line 3, column 14: 'subfolders' takes true or false");
  for (const char* key : {"results", "spool"}) {
    EXPECT_NE(complaint("[[intake]]\ndirectory = \"/in\"\n" + std::string(key) + " = \"x\"\n")
                  .find("takes an absolute path"),
              std::string::npos);
  }
  EXPECT_EQ(complaint("[[intake]]\npreset = \"x\"\n"),
            "line 1, column 1: an intake needs a 'directory'");
  EXPECT_EQ(complaint("[[intake]]\ndirectory = \"in\"\n"),
            "line 2, column 13: 'directory' takes an absolute path");
  EXPECT_EQ(complaint("[[intake]]\ndirectory = \"/in\"\nafter = \"move\"\n"),
            "line 1, column 1: after = \"move\" needs 'move_to'");
  EXPECT_EQ(complaint("[[intake]]\ndirectory = \"/in\"\npreset = \"none\"\n"),
            "intake /in: there is no preset 'none'");
  const auto wrong = load_text("\n[[intake]]\ndirectory = \"/in\"\npreset = \"none\"\n");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().path, root_ + "/one.toml:2");
}

TEST_F(ConfigFiles, WhatIsShownCanBeReadAgainAndMeansTheSame) {
  const auto config = load_text(
      "spool = \"/srv/\\\"odd\\\" spool\"\ndaemon.poll = \"250ms\"\nlimits.max_pixels = 12345\n"
      "[preset.web.small]\nsize = \"320x200\"\nfit = \"fill\"\nanchor = \"north-east\"\n"
      "background = \"#102030\"\nsharpen = 0.5\nlossy = 1\n");
  EXPECT_FALSE(config) << "'lossy' is no field";
  const auto first = load_text(
      "spool = \"/srv/\\\"odd\\\" spool\"\ndaemon.poll = \"250ms\"\nlimits.max_pixels = 12345\n"
      "[preset.web.small]\nsize = \"320x200\"\nfit = \"fill\"\nanchor = \"north-east\"\n"
      "background = \"#102030\"\nsharpen = 0.5\n[[intake]]\ndirectory = \"/in\"\n"
      "results = \"/out\"\nsubfolders = true\nunfinished = [\"*.x\", \"y*\"]\nspool = \"/q\"\n");
  ASSERT_TRUE(first) << first.error().text();
  const auto again = load_text(show_config(*first));
  ASSERT_TRUE(again) << again.error().text() << "\n" << show_config(*first);
  const auto a = settings_of(*first);
  const auto b = settings_of(*again);
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].value, b[i].value) << a[i].key;
  EXPECT_EQ(again->presets.at("web")[0].anchor, Anchor::north_east);
  EXPECT_EQ(again->presets.at("web")[0].background.green, 0x20);
  ASSERT_EQ(again->hot_folders.size(), 1U);
  const HotFolder& folder = again->hot_folders[0];
  EXPECT_EQ(folder.results, "/out");
  EXPECT_TRUE(folder.subfolders);
  EXPECT_EQ(folder.unfinished, (std::vector<std::string>{"*.x", "y*"}));
  EXPECT_EQ(folder.spool, "/q");
}

TEST_F(ConfigFiles, ValuesThatContradictEachOtherAreRefused) {
  EXPECT_EQ(complaint("jobs.retry_first = \"10min\"\njobs.retry_max = \"1min\"\n"),
            "'jobs.retry_first' is more than 'jobs.retry_max'");
  const auto config = load_text("\njobs.retry_first = \"11min\"\n");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().path, root_ + "/one.toml:2");
  EXPECT_EQ(complaint("spool = \"\"\n"), "'spool' takes an absolute path");
}

TEST_F(ConfigFiles, ARelativePathIsRefusedWhereItStands) {
  EXPECT_EQ(complaint("spool = \"relative\"\n"),
            "line 1, column 9: 'spool' takes an absolute path");
  EXPECT_EQ(complaint("daemon.hook = \"notify.sh\"\n"),
            "line 1, column 15: 'daemon.hook' takes an absolute path");
  ::setenv("IMGQ_SPOOL", "relative", 1);
  const auto config = load();
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().path, "IMGQ_SPOOL");
}

TEST_F(ConfigFiles, ARelativeHomeIsNoHome) {
  const char* home = ::getenv("HOME");
  const std::string before = home == nullptr ? "" : home;
  ::setenv("HOME", "somewhere", 1);
  ::unsetenv("XDG_STATE_HOME");
  const auto config = load();
  ::setenv("HOME", before.c_str(), 1);
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->spool.find("somewhere"), std::string::npos);
}

TEST_F(ConfigFiles, AFolderOfSnippetsThatCannotBeReadIsNotPassedOver) {
  const std::string folder = root_ + "/etc/imgq.toml.d";
  std::filesystem::remove(folder);
  EXPECT_TRUE(load());
  std::filesystem::create_symlink(folder, folder);  // leads round and round
  const auto config = load();
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, ELOOP);
  EXPECT_EQ(config.error().path, folder);
}

// What a file with a hook comes to: "" when it is read, else the warning.
class WrittenByOthers : public ConfigFiles {
 protected:
  void SetUp() override {
    ConfigFiles::SetUp();
    write("home/imgq/imgq.toml", "daemon.hook = \"/bin/true\"\n");
    mode("home/imgq/imgq.toml", 0600);
  }
  void mode(const std::string& name, mode_t mode) const {
    ASSERT_EQ(::chmod((root_ + "/" + name).c_str(), mode), 0);
  }
  static std::string warning(const Result<Config>& config) {
    if (!config) return config.error().text();
    EXPECT_EQ(config->warnings.empty(), config->hook == "/bin/true");
    EXPECT_LE(config->warnings.size(), 1u);
    return config->warnings.empty() ? "" : config->warnings.front();
  }
};

TEST_F(WrittenByOthers, AFileThatEverybodyWritesIsPassedOver) {
  EXPECT_EQ(warning(load()), "");
  mode("home/imgq/imgq.toml", 0602);
  const std::string file = root_ + "/home/imgq/imgq.toml";
  EXPECT_EQ(warning(load()), file + " is passed over: " + file + ": everybody can write there");
}

TEST_F(WrittenByOthers, SoIsOneBelowAFolderThatEverybodyWritesUnlessItIsSticky) {
  mode("home", 0777);
  EXPECT_EQ(warning(load()), root_ + "/home/imgq/imgq.toml is passed over: " + root_ +
                                 "/home: everybody can write there");
  mode("home", 01777);
  EXPECT_EQ(warning(load()), "");
}

TEST_F(WrittenByOthers, SoIsOneThatALinkInSuchAFolderLeadsTo) {
  std::filesystem::create_directory(root_ + "/open");
  std::filesystem::rename(root_ + "/home/imgq/imgq.toml", root_ + "/imgq.toml");
  std::filesystem::create_symlink("../imgq.toml", root_ + "/open/link");
  std::filesystem::create_symlink(root_ + "/open/link", root_ + "/home/imgq/imgq.toml");
  EXPECT_EQ(warning(load()), "");
  mode("open", 0777);
  EXPECT_NE(warning(load()).find("/open: everybody can write there"), std::string::npos);
}

TEST_F(WrittenByOthers, OfANamedFileTheFoldersAboveDoNotCount) {
  ConfigSources sources;
  sources.file = root_ + "/home/imgq/imgq.toml";
  mode("home/imgq", 0777);
  EXPECT_EQ(warning(load_config(sources)), "");
  mode("home/imgq/imgq.toml", 0666);
  EXPECT_NE(warning(load_config(sources)).find("everybody"), std::string::npos);
}

TEST_F(WrittenByOthers, AnAccessControlListThatLetsOthersWriteIsNotBelieved) {
  const struct {
    uint32_t version = 2;
    struct {
      uint16_t tag, bits;
      uint32_t id;
    } entries[5] = {{1, 6, UINT32_MAX},
                    {2, 6, 65534},
                    {4, 0, UINT32_MAX},
                    {16, 6, UINT32_MAX},
                    {32, 0, UINT32_MAX}};  // owner, user 65534, group, mask, others: acl(5)
  } acl;
  const std::string file = root_ + "/home/imgq/imgq.toml";
  if (::setxattr(file.c_str(), "system.posix_acl_access", &acl, sizeof acl, 0) != 0) {
    GTEST_SKIP() << "no access control lists here";
  }
  EXPECT_NE(warning(load()).find("its access control list lets others write there"),
            std::string::npos);
}

TEST_F(WrittenByOthers, AnotherOwnerOrAGroupOfOthersIsNotBelieved) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const std::string file = root_ + "/home/imgq/imgq.toml";
  mode("home/imgq/imgq.toml", 0660);
  EXPECT_EQ(warning(load()), "");  // root's own group
  ASSERT_EQ(::chown(file.c_str(), 0, 65534), 0);
  EXPECT_NE(warning(load()).find("members of group 'nogroup' can write there"), std::string::npos);
  mode("home/imgq/imgq.toml", 0640);
  EXPECT_EQ(warning(load()), "");
  ASSERT_EQ(::chown(file.c_str(), 65534, 0), 0);
  EXPECT_NE(warning(load()).find("it belongs to user 65534"), std::string::npos);
}

TEST_F(ConfigFiles, HotFoldersWhoseFilesWouldComeBackAreRefused) {
  const auto moves = [](const std::string& from, const std::string& to) {
    return "[[intake]]\ndirectory = \"" + from + "\"\nafter = \"move\"\nmove_to = \"" + to + "\"\n";
  };
  EXPECT_NE(complaint(moves("/in", "/x/../in/")).find("comes back"), std::string::npos);
  EXPECT_NE(complaint(moves("/a", "/b") + moves("/b", "/c") + moves("/c", "/a")).find("intake /a"),
            std::string::npos);
  EXPECT_EQ(complaint(moves("/a", "/b") + moves("/b", "/c")), "(accepted)");
  EXPECT_EQ(complaint(moves("/a", "/b") + "[[intake]]\ndirectory = \"/b\"\nmove_to = \"/a\"\n"),
            "(accepted)");
  const auto puts = [](const std::string& from, const std::string& to) {
    return "[[intake]]\ndirectory = \"" + from + "\"\nresults = \"" + to + "\"\n";
  };
  EXPECT_NE(complaint(puts("/in", "/in")).find("comes back"), std::string::npos);
  EXPECT_NE(complaint(puts("/a", "/b") + moves("/b", "/a")).find("intake /a"), std::string::npos);
  EXPECT_EQ(complaint(puts("/in", "/in/results")), "(accepted)");
  EXPECT_NE(complaint(puts("/in", "/in/results") + "subfolders = true\n").find("comes back"),
            std::string::npos);
}

}  // namespace
}  // namespace imgq
