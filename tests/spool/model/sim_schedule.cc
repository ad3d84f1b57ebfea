#include "tests/spool/model/sim_schedule.h"

#include <ucontext.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>

#if defined(__SANITIZE_ADDRESS__)
#define IMGQ_FIBERS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IMGQ_FIBERS 1
#endif
#endif
#ifdef IMGQ_FIBERS
#include <sanitizer/common_interface_defs.h>
#endif

namespace imgq::sim {
namespace {

constexpr size_t kStackBytes = 1U << 20;

// One actor as a coroutine with a stack of its own.
struct Fiber {
  Actor actor;
  ucontext_t context{};
  std::unique_ptr<char[]> stack{new char[kStackBytes]};
  bool ended = false;
  int saved_errno = 0;
};

struct Stage {
  World* world = nullptr;
  std::vector<std::unique_ptr<Fiber>> fibers;
  ucontext_t main{};
  size_t now = 0;
  void* main_stack_fake = nullptr;
  const void* main_bottom = nullptr;
  size_t main_size = 0;
};

Stage* g_stage = nullptr;

// Address sanitizer must know which stack runs; without it these do nothing.
void leaving([[maybe_unused]] void** fake, [[maybe_unused]] const void* bottom,
             [[maybe_unused]] size_t size) {
#ifdef IMGQ_FIBERS
  __sanitizer_start_switch_fiber(fake, bottom, size);
#endif
}

void arrived([[maybe_unused]] void* fake, [[maybe_unused]] const void** bottom,
             [[maybe_unused]] size_t* size) {
#ifdef IMGQ_FIBERS
  __sanitizer_finish_switch_fiber(fake, bottom, size);
#endif
}

void back_to_main(Fiber& fiber) {
  void* fake = nullptr;
  leaving(fiber.ended ? nullptr : &fake, g_stage->main_bottom, g_stage->main_size);
  swapcontext(&fiber.context, &g_stage->main);
  arrived(fake, &g_stage->main_bottom, &g_stage->main_size);
}

void body() {
  arrived(nullptr, &g_stage->main_bottom, &g_stage->main_size);
  Fiber& me = *g_stage->fibers[g_stage->now];
  me.actor.work();
  me.ended = true;
  back_to_main(me);
}

void resume(size_t index) {
  Fiber& fiber = *g_stage->fibers[index];
  g_stage->now = index;
  g_stage->world->run_as(*fiber.actor.process);
  const int mine = errno;
  errno = fiber.saved_errno;
  leaving(&g_stage->main_stack_fake, fiber.stack.get(), kStackBytes);
  swapcontext(&g_stage->main, &fiber.context);
  arrived(g_stage->main_stack_fake, nullptr, nullptr);
  fiber.saved_errno = errno;
  errno = mine;
}

std::unique_ptr<Fiber> make_fiber(Actor actor) {
  auto fiber = std::make_unique<Fiber>();
  fiber->actor = std::move(actor);
  getcontext(&fiber->context);
  fiber->context.uc_stack.ss_sp = fiber->stack.get();
  fiber->context.uc_stack.ss_size = kStackBytes;
  fiber->context.uc_link = nullptr;
  makecontext(&fiber->context, body, 0);
  return fiber;
}

std::vector<size_t> still_running(const Stage& stage) {
  std::vector<size_t> runnable;
  bool all_ended = true;
  bool asleep = false;
  for (size_t i = 0; i < stage.fibers.size(); ++i) {
    const Fiber& fiber = *stage.fibers[i];
    all_ended = all_ended && fiber.ended;
    const Process& process = *fiber.actor.process;
    if (!fiber.ended && !process.waiting && !process.sleeping) runnable.push_back(i);
    asleep = asleep || (!fiber.ended && process.sleeping);
  }
  if (runnable.empty() && asleep) {
    stage.world->wake_all();
    return still_running(stage);
  }
  if (runnable.empty() && !all_ended) {
    std::fprintf(stderr, "all wait for each other\n%s", stage.world->story().c_str());
    std::abort();
  }
  return runnable;
}

// At most `room` of them, evenly spread.
std::vector<Preemptions> spread(std::vector<Preemptions> all, size_t room) {
  if (all.size() <= room) return all;
  std::vector<Preemptions> some;
  for (size_t i = 0; i < room; ++i) some.push_back(all[i * all.size() / room]);
  return some;
}

}  // namespace

std::string describe(const Preemptions& preemptions) {
  std::string text = "schedule";
  for (const Preemption& one : preemptions) {
    text.append(" ").append(std::to_string(one.step));
    text.append("->").append(std::to_string(one.actor));
  }
  return text;
}

Turn turn_by(const Preemptions& preemptions) {
  // Those put aside, the last one first to go on.
  auto waiting = std::make_shared<std::vector<size_t>>();
  return [preemptions, waiting](size_t step, size_t last, const std::vector<size_t>& runnable) {
    const auto can_run = [&](size_t actor) {
      return std::find(runnable.begin(), runnable.end(), actor) != runnable.end();
    };
    for (const Preemption& one : preemptions) {
      if (one.step != step || one.actor == last || !can_run(one.actor)) continue;
      waiting->push_back(last);
      return one.actor;
    }
    if (can_run(last)) return last;
    // First those that had no turn yet, then those put aside.
    for (const size_t actor : runnable) {
      if (std::find(waiting->begin(), waiting->end(), actor) == waiting->end()) return actor;
    }
    return runnable.front();
  };
}

Turn turn_by_seed(uint64_t seed, size_t one_in) {
  auto chooser = std::make_shared<SeededChooser>(seed);
  return [chooser, one_in](size_t, size_t last, const std::vector<size_t>& runnable) {
    const bool can_stay = std::find(runnable.begin(), runnable.end(), last) != runnable.end();
    if (can_stay && chooser->below(one_in) != 0) return last;
    return runnable[chooser->below(runnable.size())];
  };
}

size_t interleave(World& world, std::vector<Actor> actors, const Turn& turn) {
  Stage stage;
  stage.world = &world;
  for (Actor& actor : actors) stage.fibers.push_back(make_fiber(std::move(actor)));
  Process& before = world.running();
  g_stage = &stage;
  world.yield = [] { back_to_main(*g_stage->fibers[g_stage->now]); };
  size_t step = 0;
  size_t last = 0;
  for (std::vector<size_t> runnable = still_running(stage); !runnable.empty();
       runnable = still_running(stage)) {
    last = turn(step++, last, runnable);
    resume(last);
  }
  world.yield = nullptr;
  g_stage = nullptr;
  world.run_as(before);
  return step;
}

size_t explore(size_t actors, size_t bound, size_t limit,
               const std::function<size_t(const Preemptions&)>& run) {
  std::vector<Preemptions> level{{}};
  size_t played = 0;
  for (size_t depth = 0; depth <= bound && !level.empty(); ++depth) {
    std::vector<Preemptions> deeper;
    for (const Preemptions& base : spread(std::move(level), limit - played)) {
      const size_t steps = run(base);
      played++;
      for (size_t step = base.empty() ? 0 : base.back().step + 1; step < steps; ++step) {
        for (size_t actor = 0; actor < actors; ++actor) {
          deeper.push_back(base);
          deeper.back().push_back({step, actor});
        }
      }
    }
    level = std::move(deeper);
  }
  return played;
}

}  // namespace imgq::sim
