#include "tests/spool/model/replay.h"

#include <cstdlib>

namespace imgq::model {

size_t CountingChooser::below(size_t bound) {
  if (bound == 0) return 0;
  const size_t digit = rest_ % bound;
  rest_ /= bound;
  return digit;
}

std::unique_ptr<Played> play(const Scenario& scenario, sim::Order order, std::optional<int64_t> cut,
                             std::optional<sim::Fault> fault) {
  auto played = std::make_unique<Played>(order);
  Lab& lab = played->lab;
  scenario.prepare(lab);
  lab.world.disk.sync_all();
  sim::Process& victim = lab.world.running();
  const int64_t calls = victim.calls;
  const int64_t changes = victim.changes;
  if (cut) victim.dies_at = changes + *cut;
  victim.fault = fault;
  scenario.act(lab);
  played->fault_calls = victim.fault_calls;
  played->faults = victim.faults;
  victim.fault.reset();
  played->calls = victim.calls - calls;
  played->changes = victim.changes - changes;
  return played;
}

std::string judge_after(Played& played, const Scenario& scenario, End end, sim::Chooser& chooser,
                        Helper helper) {
  Lab& lab = played.lab;
  if (end == End::power_cut) {
    lab.world.power_cut(chooser);
  } else {
    lab.world.kill(lab.world.running());
  }
  lab.world.start();
  if (scenario.after) scenario.after(lab);
  const std::string wrong = settle_and_judge(lab, helper);
  return wrong.empty() ? "" : wrong + lab.world.story(120);
}

size_t depth(size_t usual) {
  const char* wish = std::getenv("IMGQ_MODEL_DEPTH");  // NOLINT(concurrency-mt-unsafe)
  const double factor = wish == nullptr ? 1.0 : std::strtod(wish, nullptr);
  return static_cast<size_t>(static_cast<double>(usual) * factor) + 1;
}

}  // namespace imgq::model
