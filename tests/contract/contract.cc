// Tries on two folders what FORMAT.md asks of a file system that several hosts share (run).
#include "spool/contract.h"

#include <fmt/format.h>

#include <cerrno>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "src/util/json.h"
#include "src/util/random.h"

namespace {

using imgq::Clause;
using imgq::Json;
using imgq::Spool;

constexpr const char* kWords[] = {"kept", "note", "broken"};

// A spool of its own in the first folder, which goes at the end.
struct Place {
  explicit Place(const std::string& folder)
      : name("imgq-contract-" + imgq::random_name()), path(folder + "/" + name) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    std::error_code gone;
    std::filesystem::remove_all(path, gone);
    if (gone) std::cerr << "left behind: " << path << ": " << gone.message() << '\n';
  }
  std::string name, path;
};

// The spool as the second folder shows it: after a while, on a network file system.
imgq::Result<Spool> open_soon(const std::string& path) {
  auto spool = Spool::open(path);
  for (int look = 0; look < 50 && !spool && spool.error().code == ENOENT; ++look) {
    imgq::sys::sleep_ms(100);
    spool = Spool::open(path);
  }
  return spool;
}

int fail(const std::string& why) {
  std::cerr << "contract: " << why << '\n';
  return 2;
}

class Report {
 public:
  explicit Report(bool json) : json_(json) {}
  void take(const Clause& clause) {
    const char* word = kWords[static_cast<size_t>(clause.verdict)];
    const bool broken = clause.verdict == Clause::Verdict::broken;
    broken_ += static_cast<int>(broken);
    clauses_.push_back({{"what", clause.what}, {"verdict", word}, {"found", clause.found}});
    if (broken) clauses_.back()["cure"] = clause.cure;
    if (json_) return;
    std::cout << fmt::format("{:<6}  {}: {}\n", word, clause.what, clause.found);
    if (broken) std::cout << "        -> " << clause.cure << '\n';
    std::cout.flush();  // the next one may hang
  }
  int end() const {
    if (json_) {
      std::cout << Json({{"kept", broken_ == 0}, {"clauses", clauses_}}).dump() << '\n';
    } else if (broken_ == 0) {
      std::cout << "Several hosts may share a spool on this file system, mounted in this way.\n";
    } else {
      std::cout << "Do not share a spool on this file system, mounted in this way.\n";
    }
    return broken_ == 0 ? 0 : 1;
  }

 private:
  bool json_;
  int broken_ = 0;
  Json clauses_ = Json::array();
};

int run(const std::string& here, const std::string& there, bool json,
        const imgq::ContractSize& size) {
  const Place place(here);
  const auto first = Spool::create(place.path);
  if (!first) return fail(first.error().text());
  const auto second = open_soon(there + "/" + place.name);
  if (!second) {
    return fail(second.error().code != ENOENT
                    ? second.error().text()
                    : fmt::format("what is made in {} is not seen in {}: they are two folders, not "
                                  "one that is mounted twice",
                                  here, there));
  }
  Report report(json);
  const auto tried = imgq::try_contract(*first, *second, size,
                                        [&report](const Clause& clause) { report.take(clause); });
  return tried ? report.end() : fail(tried.error().text());
}

int answer(int count, char** words) {
  bool json = false;
  imgq::ContractSize size = imgq::kLongContract;
  std::vector<std::string> folders;
  for (int n = 1; n < count; ++n) {
    const std::string word = words[n];
    if (word == "--json") {
      json = true;
    } else if (word == "--short") {
      size = {};
    } else {
      folders.push_back(word);
    }
  }
  if (folders.size() != 2) return fail("two folders are needed");
  return run(folders[0], folders[1], json, size);
}

}  // namespace

int main(int count, char** words) {
  try {
    return answer(count, words);
  } catch (const std::exception& bug) {
    return fail(bug.what());
  }
}
