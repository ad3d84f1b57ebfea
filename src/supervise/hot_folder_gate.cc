#include "src/supervise/hot_folder_gate.h"

#include <algorithm>
#include <utility>

namespace imgq::supervise {
namespace {
constexpr size_t kMostAtATime = 2;
}  // namespace

void HotFolderGate::enter(Piece piece) {
  waiting_.push_back(std::move(piece));
  go_on();
}

void HotFolderGate::forget(const void* whose) {
  waiting_.remove_if([whose](const Piece& piece) { return piece.whose == whose; });
}

void HotFolderGate::go_on() {
  while (busy_.size() < kMostAtATime) {
    const auto next = std::find_if(waiting_.begin(), waiting_.end(), [this](const Piece& piece) {
      return busy_.count(piece.directory) == 0;
    });
    if (next == waiting_.end()) return;
    Piece piece = std::move(*next);
    waiting_.erase(next);
    begin(std::move(piece));
  }
}

void HotFolderGate::begin(Piece piece) {
  busy_.insert(piece.directory);
  loop_.in_background(std::move(piece.work),
                      [self = shared_from_this(), done = std::move(piece.done),
                       directory = std::move(piece.directory)] {
                        self->busy_.erase(directory);
                        done();
                        self->go_on();
                      });
}

}  // namespace imgq::supervise
