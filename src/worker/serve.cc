#include "src/worker/serve.h"

#include <sys/resource.h>

#include <vector>

#include "src/base/wire.h"
#include "src/image/engine.h"
#include "src/image/versions.h"
#include "src/worker/filter.h"
#include "src/worker/sandbox.h"

namespace imgq::worker {
namespace {

constexpr std::string_view kReady = R"({"ready":true})";

size_t descriptors_for(const wire::Order& order) {
  if (order.task == wire::Task::inspect) return 1;
  return 1 + order.request.renditions.size() + order.watermarks.size();
}

class Server {
 public:
  Server(const Limits& limits, MemoryGauge gauge) : limits_(limits), gauge_(std::move(gauge)) {}

  Status run() {
    if (auto sent = wire::send(wire::kWorkerSocket, kReady, {}); !sent) return sent;
    while (true) {
      auto packet = wire::receive(wire::kWorkerSocket);
      if (!packet && packet.error().code == ENODATA) return Ok{};  // no more work
      if (!packet) return packet.error();
      if (auto sent = answer(*packet); !sent) return sent;
    }
  }

 private:
  Status answer(const wire::Packet& packet) {
    if (auto granted = grant_cpu(limits_.cpu_seconds); !granted) return granted;
    gauge_.restart_peak();
    Verdict verdict = render(packet);
    rusage used{};
    if (::getrusage(RUSAGE_SELF, &used) == 0) verdict.peak_kib = used.ru_maxrss;
    verdict.recycle =
        ++answered_ >= limits_.recycle_jobs || gauge_.resident_bytes() >= limits_.recycle_rss_bytes;
    return wire::send(wire::kWorkerSocket, to_json(verdict), {});
  }

  Verdict render(const wire::Packet& packet) const {
    const auto order = wire::decode_order(packet.text);
    if (!order) return {Code::bad_request, order.error().text()};
    if (packet.fds.size() != descriptors_for(*order)) {
      return {Code::internal_error, "an order with the wrong number of descriptors"};
    }
    const int source = packet.fds.front().get();
    if (order->task == wire::Task::inspect) return image::inspect(limits_, source);
    std::vector<int> results;
    std::vector<image::Mark> marks;
    const size_t first_mark = packet.fds.size() - order->watermarks.size();
    for (size_t i = 1; i < first_mark; ++i) results.push_back(packet.fds[i].get());
    for (size_t i = first_mark; i < packet.fds.size(); ++i) {
      const Watermark& look = order->watermarks[i - first_mark];
      marks.push_back({packet.fds[i].get(), look.place, look.opacity_percent});
    }
    return image::render(order->request, limits_, order->slot, source, results, marks);
  }

  const Limits limits_;
  const MemoryGauge gauge_;
  int answered_ = 0;
};

}  // namespace

Status serve(const std::string& limits_json) {
  auto limits = parse_limits(limits_json);
  if (!limits) return limits.error();
  if (auto follows = follow_supervisor(); !follows) return follows;
  if (auto talks = talk_without_waiting(); !talks) return talks;
  if (auto started = image::start(limits->formats); !started) return started;
  auto gauge = MemoryGauge::open();
  if (!gauge) return gauge.error();
  if (auto confined = confine(*limits, *gauge); !confined) return confined;
  return Server(*limits, std::move(*gauge)).run();
}

std::string library_versions() {
  std::string text;
  for (const std::string& line : image::library_versions()) text += line + "\n";
  return text + filter_library() + "\n";
}

}  // namespace imgq::worker
