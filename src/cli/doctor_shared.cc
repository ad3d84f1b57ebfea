// What `imgq doctor` says of a spool on a file system that other hosts may share.
#include <fmt/format.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <array>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>

#include "spool/contract.h"
#include "src/cli/doctor.h"
#include "src/util/sys.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

using Health = Check::Health;

constexpr uint32_t kFuse = 0x65735546;
constexpr std::array<std::pair<uint32_t, const char*>, 15> kNetworks = {{
    {kFuse, "FUSE"},
    {0x6969, "NFS"},
    {0xFF534D42, "CIFS"},
    {0xFE534D42, "SMB"},
    {0x517B, "SMB"},
    {0x00C36400, "CephFS"},
    {0x0BD00BD0, "Lustre"},
    {0x47504653, "GPFS"},
    {0x19830326, "BeeGFS"},
    {0x01021997, "9p"},
    {0x5346414F, "AFS"},
    {0x6B414653, "AFS"},
    {0x7461636F, "OCFS2"},
    {0x01161970, "GFS2"},
    {0x20030528, "OrangeFS"},
}};

// How the daemons of a spool hear of each other decides what a shared one asks for.
constexpr const char* kWanted =
    ", which other hosts may share: hosts with names of their own, locks that reach all of them, "
    "the whole spool mounted; see imgq-spool(5), \"Sharing between hosts\", and try it through "
    "another mount: imgq doctor --also DIR";

std::string mounts_text() {
  std::ifstream file("/proc/self/mountinfo");
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

std::string network_name(uint32_t type, unsigned major, unsigned minor, const std::string& mounts) {
  for (const auto& [number, name] : kNetworks) {
    if (number != type) continue;
    const std::string kind = type == kFuse ? mounted_kind(major, minor, mounts) : "";
    return kind.empty() ? name : fmt::format("{} ({})", name, printable(kind));
  }
  return "";
}

std::string mounted_kind(unsigned major, unsigned minor, const std::string& mounts) {
  const std::string wanted = fmt::format("{}:{}", major, minor);
  std::istringstream lines(mounts);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id, parent, device, word;
    words >> id >> parent >> device;
    if (device != wanted) continue;
    while (words >> word && word != "-") {
    }
    words >> word;
    return word;
  }
  return "";
}

void check_sharing(const Spool& spool, Checks& checks) {
  struct statfs kind{};
  struct stat about{};
  if (::fstatfs(spool.root(), &kind) != 0 || sys::fstat(spool.root(), &about) != 0) return;
  const std::string name = network_name(static_cast<uint32_t>(kind.f_type), major(about.st_dev),
                                        minor(about.st_dev), mounts_text());
  if (!name.empty()) checks.push_back({Health::good, "file system", name + kWanted, ""});
}

void check_other_mount(const Spool& spool, const std::string& path, Checks& checks) {
  const auto bad = [&checks](std::string found) {
    checks.push_back({Health::bad, "other mount", std::move(found),
                      "name the same spool as another mount of its file system shows it"});
  };
  const auto other = Spool::open(path);
  if (!other) return bad(other.error().text());
  if (other->uuid() != spool.uuid()) return bad(printable(path) + " is another spool");
  const auto tried = try_contract(spool, *other, {}, [&checks](const Clause& clause) {
    const bool broken = clause.verdict == Clause::Verdict::broken;
    checks.push_back({broken ? Health::bad : Health::good, clause.what, clause.found, clause.cure});
  });
  if (!tried) bad(printable(tried.error().text()));
}

}  // namespace imgq::cli
