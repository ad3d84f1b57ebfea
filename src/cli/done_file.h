#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "src/util/error.h"
#include "src/util/fd.h"

// What `imgq run` has made in an output directory: OUTPUT/.imgq/done, a JSON object a line, added
// to as images get ready. Runs side by side, of a part of the images each, have one of their own,
// OUTPUT/.imgq/I-of-N/done, and each reads all. A line that is torn or foreign counts as not there:
// its image is made anew, nothing worse.
namespace imgq::cli {

struct RunResult {
  std::string rendition;
  std::string file;  // below the output directory, any bytes
  std::string type;  // "image/jpeg"
  int64_t width_px = 0, height_px = 0;
  int64_t size_bytes = 0, modified_ns = 0;
  bool max_bytes_met = true;
  std::string sha256 = {};  // hex; empty in a line of an earlier version
};

struct RunRecord {
  std::string source;  // real path, any bytes; in the file relative when below the output directory
  int64_t size_bytes = 0, modified_ns = 0;
  std::string request;  // digest of what was asked; without results also of what it was judged by
  std::vector<RunResult> results;
  int64_t width_px = 0, height_px = 0;  // of the source, upright
  std::string thumbhash;
  std::vector<std::string> notes;  // words of src/base/notes.h
  std::string code, message;       // the permanent verdict, where there are no results
};

// What an image is known by: one file may be reached by several names, and what is made of it
// stands in the folder of each.
struct Origin {
  std::string source;  // real path
  std::string folder;  // of its results, below the output directory; empty at its top
  friend auto operator<=>(const Origin&, const Origin&) = default;
};
Origin origin_of(const RunRecord& record);

// What the names of its results have in common, below the output directory: "holiday/photo".
std::string stem_of(const RunRecord& record);

// Tells what imgq runs have made from other files, by the ledgers of a file's directory and of
// those above it. Each is read once; a directory where imgq was never at work has none.
class Made {
 public:
  // Whether a run has made this file of an image below `root`, a real path, and it is unchanged
  // since.
  bool knows(const std::string& path, const std::string& root);

 private:
  struct Known {
    std::string source;
    RunResult result;
  };
  using Results = std::multimap<std::string, Known>;  // by their names below the directory
  const Results& made_in(const std::string& directory);
  const std::string& real_directory(const std::string& path);
  std::map<std::string, Results> results_;   // by real directory
  std::map<std::string, std::string> real_;  // directories, by their names as given
};

std::string encode(RunRecord record);  // without the newline
std::optional<RunRecord> decode_run_record(std::string_view line);

// Whether a result stands as it was made, at a place of its own below the output directory: by its
// time, else by its content, for a copy and a mounted bucket have other times.
bool is_unchanged(const std::string& output, const RunResult& result);

// OUTPUT/.imgq, or that of a part of the images, "3-of-8", below it.
std::string home_of(const std::string& output, const std::string& part);

class DoneFile {
 public:
  // Reads OUTPUT/.imgq/done and those of parts, where there are any, and opens one for adding: that
  // of the part, which has a home; of none, OUTPUT/.imgq/done.
  static Result<DoneFile> open(const std::string& output, const std::string& part = "");

  // The same only to be looked at: nothing is made, and nothing can be added.
  static Result<DoneFile> read(const std::string& output);

  // The record of a source in a folder by which it and all its results are unchanged since, and the
  // same was asked, whatever else has been asked meanwhile. It counts as read last from now on, and
  // tells the times that its results have by now.
  const RunRecord* up_to_date(const Origin& origin, int64_t size_bytes, int64_t modified_ns,
                              const std::string& request);

  // The verdict on a source that is unchanged since, when it was judged by the same.
  const RunRecord* known_bad(const std::string& source, int64_t size_bytes, int64_t modified_ns,
                             const std::string& request) const;

  // A result file that an earlier run made of this source or of one that is gone, so that it may be
  // replaced.
  bool owns(const std::string& file, const std::string& source) const;

  // Whether results of another source, which is still there, go by this name.
  bool is_taken(const std::string& stem, const std::string& source) const;

  Status add(RunRecord record);

  // The record added or read last for a source in a folder.
  const RunRecord* find(const Origin& origin) const;

  // All that was ever made and is still told of, replaced records included.
  std::vector<RunRecord> all() const;

  // What was made of a source is not told of any more once the file is written anew.
  void forget(const std::string& source);

  // Writes the file anew when something is forgotten, when parts have files of their own, which go,
  // or when most of its lines say nothing any more: they have been replaced by later ones, and what
  // they made has, too. That of a part stays.
  Status tidy();

 private:
  DoneFile(std::string output, std::string part);
  Status take_others();
  void take(RunRecord record);
  void take_all(const std::string& text);
  bool stands(RunRecord& record);
  Status append(const RunRecord& record);
  bool still_tells(const RunRecord& superseded) const;
  std::string line_of(RunRecord record) const;
  std::string output_;
  std::string root_;  // the same, its real path
  std::string part_;
  std::vector<std::string> others_;  // homes but its own
  Fd file_;
  std::map<Origin, RunRecord> records_;
  std::map<std::string, RunRecord> bad_;         // verdicts, by source
  std::multimap<Origin, RunRecord> superseded_;  // by a later one, in their order
  std::map<std::string, std::string> files_;     // each with the source it was last made of
  std::map<std::string, std::set<std::string>> sources_;  // by stem
  size_t lines_ = 0;
  bool forgot_ = false;
};

// A source that could not be made, for the manifest.
struct RunFailure {
  std::string source;  // as given
  std::string code, message;
  bool known = false;  // from an earlier run, which has told it
};

// {"imgq":1,"images":[{source, width, height, thumbhash, results:[{name, file, width, height,
// bytes, type, max_bytes_met}], srcset}],"failed":[...]}; files as URL paths relative to the output
// directory stand in srcset, widest last.
struct ManifestItem {
  std::string source;  // as given
  const RunRecord* record = nullptr;
};
std::string manifest_json(const std::vector<ManifestItem>& items,
                          const std::vector<RunFailure>& failures);

// Whether a manifest can be written there, before there is anything to write; "" and "-" can.
Status check_manifest(const std::string& path);
Status put_manifest(const std::string& path, std::string_view text);

// One image of the above as an object by itself, versioned, with "state".
std::string run_item_json(const ManifestItem& item, std::string_view state);
std::string run_failure_json(const RunFailure& failure);

// {"imgq":1,"source":...,"state":...}, with "file" where there is one.
std::string run_plan_json(const std::string& source, const std::string& file,
                          std::string_view state);

}  // namespace imgq::cli
