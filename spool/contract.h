#pragma once

#include <functional>
#include <string>

#include "spool/spool.h"
#include "src/util/error.h"

// What FORMAT.md asks of a file system that several hosts share, tried on one: through two mounts
// of it, with two racers at once. Sound mounts leave nothing behind.
namespace imgq {

// One thing that was tried.
struct Clause {
  enum class Verdict {
    kept,
    note,  // worth knowing; imgq does not lean on it
    broken,
  } verdict = Verdict::kept;
  std::string what;   // "rename to a name of one's own"
  std::string found;  // in plain words, with figures
  std::string cure;   // what to do, when broken
};

// How often.
struct ContractSize {
  int races = 50;    // two at once, for one name
  int looks = 5;     // until a change is seen through the other mount
  int folders = 20;  // made by three at once
};
inline constexpr ContractSize kLongContract = {2'000, 50, 200};

// Hands each clause to `take` once it was tried. Both are one spool, opened by the paths of two
// mounts; a spool at work is not disturbed. Forks, so no other thread may hold a lock of ours.
//   errors  code 0 they are not one folder; whatever making a folder in tmp/ answers
Status try_contract(const Spool& here, const Spool& there, const ContractSize& size,
                    const std::function<void(const Clause&)>& take);

}  // namespace imgq
