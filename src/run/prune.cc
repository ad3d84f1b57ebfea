#include "src/run/prune.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <set>

#include "src/cli/file_out.h"
#include "src/cli/files.h"

namespace imgq::cli {
namespace {

bool is_gone(const std::string& path) {
  struct stat about{};
  return ::lstat(path.c_str(), &about) != 0 && errno == ENOENT;
}

// The directory that was given when a source was found below it: its own, without the folders that
// its results have, too.
std::string root_of(const std::string& source, const std::string& folder) {
  std::string directory = directory_of(source);
  const std::string tail = "/" + folder;
  const bool below = !folder.empty() && directory.size() >= tail.size() &&
                     directory.compare(directory.size() - tail.size(), tail.size(), tail) == 0;
  if (!below) return directory;
  const std::string root = directory.substr(0, directory.size() - tail.size());
  return root.empty() ? "/" : root;
}

// Whether a name leads nowhere but below, whoever has written the done_file.
bool leads_below(const std::string& file) {
  const std::string path = "/" + file + "/";
  return file.front() != '/' && path.find("/../") == std::string::npos;
}

// The folders of a removed result, from the innermost on.
void remove_folders(const std::string& output, const Orphan& orphan) {
  std::string folder = folder_of(orphan.file);
  const std::string root = root_of(orphan.source, folder);
  for (; !folder.empty(); folder = folder_of(folder)) {
    if (!is_gone(fmt::format("{}/{}", root, folder))) return;
    if (::rmdir(fmt::format("{}/{}", output, folder).c_str()) != 0) return;  // holds others' files
  }
}

}  // namespace

std::vector<Orphan> find_orphans(const std::string& output, const DoneFile& done_file) {
  std::map<std::string, bool> there;  // roots that can be read and are not empty
  std::set<std::string> found;
  std::vector<Orphan> orphans;
  for (const RunRecord& record : done_file.all()) {
    const bool from_stdin = base_name(directory_of(record.source)) == ".imgq";
    if (from_stdin || !is_gone(record.source)) continue;
    const std::string root = root_of(record.source, origin_of(record).folder);
    const auto [entry, fresh] = there.try_emplace(root);
    if (fresh) entry->second = has_entries(root);
    if (!entry->second) continue;
    for (const RunResult& result : record.results) {
      if (!leads_below(result.file) || !is_unchanged(output, result)) continue;
      if (found.insert(result.file).second) orphans.push_back({result.file, record.source});
    }
  }
  return orphans;
}

std::vector<Orphan> remove_orphans(const std::string& output, DoneFile& done_file,
                                   const std::vector<Orphan>& orphans,
                                   std::vector<Error>& trouble) {
  std::vector<Orphan> removed;
  std::set<std::string> stay;  // sources of what could not be removed
  for (const Orphan& orphan : orphans) {
    const std::string path = fmt::format("{}/{}", output, orphan.file);
    if (::unlink(path.c_str()) == 0) {
      removed.push_back(orphan);
      continue;
    }
    trouble.push_back(last_error("remove", path));
    stay.insert(orphan.source);
  }
  for (const Orphan& orphan : removed) {
    remove_folders(output, orphan);
    if (stay.count(orphan.source) == 0) done_file.forget(orphan.source);
  }
  return removed;
}

}  // namespace imgq::cli
