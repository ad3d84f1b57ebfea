// A worker that misbehaves as the request's preset asks: confined like the real one, speaking the
// same protocol. "good" or anything unknown is served properly. Only a test starts it.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/wire.h"
#include "src/image/engine.h"
#include "src/worker/sandbox.h"

namespace imgq {
namespace {

using Answer = std::string;

constexpr std::string_view kTakes = "ms-";

struct Work {
  wire::Order order;
  const wire::Packet& packet;
  const Limits& limits;
};

Verdict render(const Work& work) {
  std::vector<int> results;
  for (size_t i = 1; i < work.packet.fds.size(); ++i) {
    results.push_back(work.packet.fds[i].get());
  }
  return image::render(work.order.request, work.limits, work.order.slot,
                       work.packet.fds.front().get(), results);
}

void sleep_ms(int64_t milliseconds) {
  timespec rest{milliseconds / 1000, (milliseconds % 1000) * 1'000'000};
  while (::nanosleep(&rest, &rest) != 0) {
  }
}

Answer die_by_signal(const Work& /*work*/) {
  (void)::signal(SIGSEGV, SIG_DFL);
  (void)::raise(SIGSEGV);
  return "";
}

// As the kernel does it when memory runs short.
Answer be_killed(const Work& /*work*/) {
  (void)::raise(SIGKILL);
  return "";
}

Answer be_killed_beside_others(const Work& work) {
  return work.order.slot == Slot::alone ? to_json(render(work)) : be_killed(work);
}

Answer loop_for_ever(const Work& /*work*/) {
  std::atomic<uint64_t> turns = 0;
  while (turns.fetch_add(1) < UINT64_MAX) {
  }
  return "";
}

Answer sleep_for_ever(const Work& /*work*/) {
  while (true) sleep_ms(1'000'000);
}

// As far as it gets: std::bad_alloc, which nobody catches.
[[noreturn]] void eat_memory() noexcept {
#ifdef IMGQ_SANITIZED
  constexpr size_t kPiece = size_t{1} << 50;  // refused at once: there is no limit to run into
#else
  constexpr size_t kPiece = 8 << 20;
#endif
  std::vector<std::unique_ptr<char[]>> pieces;
  while (true) {
    pieces.emplace_back(new char[kPiece]);  // NOLINT(bugprone-unhandled-exception-at-new): meant
    for (size_t at = 0; at < kPiece; at += 4096) pieces.back()[at] = 1;
  }
}

Answer use_all_memory(const Work& /*work*/) { eat_memory(); }

Answer leave(const Work& /*work*/) { ::_exit(3); }

Answer close_the_socket(const Work& /*work*/) {
  (void)::close(wire::kWorkerSocket);
  sleep_ms(1'000'000);
  return "";
}

Answer talk_garbage(const Work& /*work*/) { return "\x01 this is no verdict {]"; }

Answer claim_another_size(const Work& work) {
  Verdict verdict = render(work);
  if (!verdict.results.empty()) verdict.results.front().width_px += 1'000;
  return to_json(verdict);
}

Answer claim_another_length(const Work& work) {
  Verdict verdict = render(work);
  if (!verdict.results.empty()) verdict.results.front().size_bytes += 1;
  return to_json(verdict);
}

Answer pass_off_a_page(const Work& work) {
  Verdict verdict = render(work);
  if (verdict.results.empty()) return to_json(verdict);
  constexpr std::string_view kPage = "<html><script>alert(1)</script></html>";
  const int result = work.packet.fds.at(1).get();
  if (::ftruncate(result, 0) != 0 || ::pwrite(result, kPage.data(), kPage.size(), 0) < 0)
    leave(work);
  verdict.results.front().size_bytes = static_cast<int64_t>(kPage.size());
  return to_json(verdict);
}

Answer leave_results_out(const Work& work) {
  Verdict verdict = render(work);
  verdict.results.clear();
  return to_json(verdict);
}

Answer want_the_heavy_slot_always(const Work& /*work*/) {
  Verdict verdict;
  verdict.heavy = true;
  return to_json(verdict);
}

Answer want_the_heavy_slot_once(const Work& work) {
  if (work.order.slot == Slot::heavy) {
    sleep_ms(300);
    return to_json(render(work));
  }
  return want_the_heavy_slot_always(work);
}

Answer want_to_be_alone(const Work& work) {
  if (work.order.slot != Slot::alone) return want_the_heavy_slot_always(work);
  sleep_ms(100);
  return to_json(render(work));
}

Answer speak_as_the_supervisor(const Work& /*work*/) {
  Verdict verdict;
  verdict.code = Code::cancelled;
  verdict.signal = 11;
  return to_json(verdict);
}

// Of a preset "ms-N", N.
Answer take_milliseconds(const Work& work) {
  sleep_ms(std::stoll(work.order.request.preset.substr(kTakes.size())));
  return to_json(render(work));
}

Answer fail_to_read(const Work& /*work*/) {
  Verdict verdict;
  verdict.code = Code::io_error;
  verdict.message = "read: Input/output error";
  return to_json(verdict);
}

Answer find_the_source_shrunk(const Work& /*work*/) {
  Verdict verdict;
  verdict.code = Code::source_missing;
  verdict.message = "the file shrank while it was read";
  return to_json(verdict);
}

Answer ask_to_be_replaced(const Work& work) {
  Verdict verdict = render(work);
  verdict.recycle = true;
  return to_json(verdict);
}

// More than a pipe holds.
Answer talk_too_much(const Work& work) {
  const std::string words(4096, 'x');
  for (int i = 0; i < 100; ++i) (void)::write(STDERR_FILENO, words.data(), words.size());
  return to_json(render(work));
}

// The result tells when two answers are on their way; a third follows.
Answer answer_again_and_again(const Work& work) {
  sleep_ms(200);
  const std::string verdict = to_json(render(work));
  for (int i = 0; i < 2; ++i) {
    if (!wire::send(wire::kWorkerSocket, verdict, {})) leave(work);
  }
  if (::pwrite(work.packet.fds.at(1).get(), "again", 5, 0) != 5) leave(work);
  return verdict;
}

using Fault = Answer (*)(const Work&);

Answer answer_to(const Work& work) {
  static const std::map<std::string, Fault> faults = {
      {"signal", die_by_signal},
      {"killed", be_killed},
      {"crowded", be_killed_beside_others},
      {"alone", want_to_be_alone},
      {"loop", loop_for_ever},
      {"sleep", sleep_for_ever},
      {"memory", use_all_memory},
      {"exit", leave},
      {"close", close_the_socket},
      {"garbage", talk_garbage},
      {"size", claim_another_size},
      {"length", claim_another_length},
      {"page", pass_off_a_page},
      {"nothing", leave_results_out},
      {"heavy-always", want_the_heavy_slot_always},
      {"heavy", want_the_heavy_slot_once},
      {"supervisor", speak_as_the_supervisor},
      {"io", fail_to_read},
      {"shrunk", find_the_source_shrunk},
      {"recycle", ask_to_be_replaced},
      {"talk", talk_too_much},
      {"again", answer_again_and_again},
  };
  const std::string& preset = work.order.request.preset;
  if (preset.starts_with(kTakes)) return take_milliseconds(work);
  const auto fault = faults.find(preset);
  return fault == faults.end() ? to_json(render(work)) : fault->second(work);
}

int complain(const Error& error) {
  const std::string text = error.text() + "\n";
  (void)::write(STDERR_FILENO, text.data(), text.size());
  return 70;
}

int serve(const Limits& limits) {
  while (true) {
    auto packet = wire::receive(wire::kWorkerSocket);
    if (!packet) return packet.error().code == ENODATA ? 0 : complain(packet.error());
    if (const auto granted = worker::grant_cpu(limits.cpu_seconds); !granted) {
      return complain(granted.error());
    }
    auto order = wire::decode_order(packet->text);
    if (!order) return complain(order.error());
    const auto sent = wire::send(wire::kWorkerSocket, answer_to({*order, *packet, limits}), {});
    if (!sent) return complain(sent.error());
  }
}

int run(const char* limits_json) {
  const auto limits = parse_limits(limits_json);
  if (!limits) return complain(limits.error());
  if (const auto follows = worker::follow_supervisor(); !follows) return complain(follows.error());
  if (const auto talks = worker::talk_without_waiting(); !talks) return complain(talks.error());
  if (const auto started = image::start(limits->formats); !started)
    return complain(started.error());
  const auto gauge = worker::MemoryGauge::open();
  if (!gauge) return complain(gauge.error());
  if (const auto confined = worker::confine(*limits, *gauge); !confined) {
    return complain(confined.error());
  }
  if (const auto sent = wire::send(wire::kWorkerSocket, R"({"ready":true})", {}); !sent) return 70;
  return serve(*limits);
}

}  // namespace
}  // namespace imgq

int main(int argc, char** argv) { ::_exit(argc == 2 ? imgq::run(argv[1]) : 64); }
