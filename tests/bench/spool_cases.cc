#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>

#include "spool/owner.h"
#include "spool/scan.h"
#include "spool/submit.h"
#include "tests/bench/cases.h"

namespace imgq::bench {
namespace {

constexpr int kJobs = 64;  // in one go: a group, of which each sync is one

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}

// A new spool in memory for each run, brought up to the step that is looked at.
class Queue {
 public:
  Queue() {
    std::string path = "/dev/shm/imgq-bench.XXXXXX";
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp " + path);
    path_ = path;
    spool_.emplace(must(Spool::create(path_ + "/spool")));
    owner_.emplace(must(Owner::enter(*spool_)));
  }
  ~Queue() {
    owner_.reset();
    spool_.reset();
    std::error_code ignored;  // what is left is in memory only
    std::filesystem::remove_all(path_, ignored);
  }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  void draft() {
    for (int i = 0; i < kJobs; ++i) {
      drafts_.emplace_back().name = "photo.jpg";
      drafts_.back().source = file();
    }
  }
  void submit() {
    for (auto& answer : imgq::submit(*spool_, std::move(drafts_), Sync::batch)) {
      (void)must(std::move(answer));
    }
  }
  void claim() {
    claims_ = must(owner_->claim(must(scan_staging(*spool_, kJobs)), Sync::batch)).taken;
    if (claims_.size() != kJobs) throw std::runtime_error("not all were claimed");
  }
  void finish() {
    for (const Claim& claim : claims_) {
      finished_.push_back({claim});
      finished_.back().results.push_back({"main", "jpg", file()});
    }
  }
  void complete() {
    for (auto& answer : owner_->complete(finished_, Sync::batch, SourceAfter::remove)) {
      (void)must(std::move(answer));
    }
  }

 private:
  TempFile file() const {
    auto made = must(TempFile::create(*spool_));
    if (write(made.fd(), "an image", 8) != 8) throw std::runtime_error("write a file");
    return made;
  }

  std::string path_;
  std::optional<Spool> spool_;
  std::optional<Owner> owner_;
  std::vector<Draft> drafts_;
  std::vector<Claim> claims_;
  std::vector<Finished> finished_;
};

using Step = void (Queue::*)();

Case step(std::string name, const std::vector<Step>& before, Step counted) {
  return {std::move(name), kJobs, [before, counted] {
            const auto queue = std::make_shared<std::unique_ptr<Queue>>();
            return Steps{[queue, before] {
                           *queue = std::make_unique<Queue>();
                           for (const Step& prior : before) (**queue.*prior)();
                         },
                         [queue, counted] { (**queue.*counted)(); }};
          }};
}

}  // namespace

std::vector<Case> spool_cases() {
  using Q = Queue;
  return {step("spool/submit", {&Q::draft}, &Q::submit),
          step("spool/claim", {&Q::draft, &Q::submit}, &Q::claim),
          step("spool/complete", {&Q::draft, &Q::submit, &Q::claim, &Q::finish}, &Q::complete)};
}

}  // namespace imgq::bench
