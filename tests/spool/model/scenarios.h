#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/spool/model/lab.h"

// Each step of the protocol, as something that can be cut short at any call.
namespace imgq::model {

struct Scenario {
  std::string name;
  std::function<void(Lab&)> prepare;  // undisturbed, then all is synced
  std::function<void(Lab&)> act;      // cut short, or made to fail
  std::function<void(Lab&)> after;    // after recovery, before the judgement; may be empty
};

const std::vector<Scenario>& scenarios();

// Submitted, and then without its token.
void lose_token(Lab& lab);
// Three looks at once for jobs without a token, as if the time for them were over.
void mend_lost(Lab& lab);

}  // namespace imgq::model
