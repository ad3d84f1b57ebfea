#include "spool/types.h"

namespace imgq {

std::string_view name_of(State state) {
  switch (state) {
    case State::staging:
      return "staging";
    case State::delayed:
      return "delayed";
    case State::processing:
      return "processing";
    case State::completed:
      return "completed";
    case State::failed:
      return "failed";
    case State::hold:
      return "hold";
    case State::cancelled:
      return "cancelled";
  }
  return "";
}

std::string_view name_of(Ending ending) {
  switch (ending) {
    case Ending::completed:
      return "completed";
    case Ending::failed:
      return "failed";
    case Ending::cancelled:
      return "cancelled";
  }
  return "";
}

State state_after(Ending ending) {
  switch (ending) {
    case Ending::completed:
      return State::completed;
    case Ending::failed:
      return State::failed;
    case Ending::cancelled:
      return State::cancelled;
  }
  return State::failed;
}

}  // namespace imgq
