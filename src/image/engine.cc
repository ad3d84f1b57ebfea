#include "src/image/engine.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>
#include <vector>

#include "src/base/notes.h"
#include "src/image/animate.h"
#include "src/image/plan.h"
#include "src/image/render.h"
#include "src/image/source.h"
#include "src/image/trim.h"
#include "src/image/vips_image.h"
#include "src/image/vips_start.h"
#include "src/image/watermark.h"

namespace imgq::image {
namespace {

constexpr int64_t kBaseBytes = 40LL * 1024 * 1024;

int64_t peak_kib() {
  rusage usage{};
  return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0;
}

Failure check_request(const Request& request, std::span<const int> results,
                      std::span<const Mark> marks) {
  const Status status = check(request);
  if (!status) return Fault{Code::bad_request, status.error().text()};
  if (results.size() != request.renditions.size()) {
    return Fault{Code::bad_request, "as many results as renditions are needed"};
  }
  if (count_watermarked(request) != marks.size()) {
    return Fault{Code::bad_request, "as many watermarks as are named are needed"};
  }
  return {};
}

// What it will take, before anything is taken.
Failure check_memory(int64_t estimate, const Limits& limits, Slot slot, Verdict* verdict) {
  if (estimate > limits.memory_bytes) {
    return Fault{Code::too_large,
                 fmt::format("decoding needs about {} MiB, limits.memory_bytes is {} MiB",
                             estimate >> 20, limits.memory_bytes >> 20)};
  }
  const int64_t bound = slot == Slot::normal ? limits.heavy_bytes : limits.alone_bytes;
  if (estimate > bound && slot != Slot::alone) {
    verdict->heavy = true;
    return Fault{Code::out_of_memory,
                 fmt::format("decoding needs about {} MiB: one at a time", estimate >> 20)};
  }
  return {};
}

int64_t decoding_bytes(const Source& source, const Purpose& purpose) {
  return kBaseBytes + static_cast<int64_t>(source.file.held_bytes()) +
         source.decoder->bytes_needed(purpose);
}

// What is left without the border, where some rendition asks for that: the source is decoded for
// it.
Failure trim(const Request& request, const Limits& limits, Slot slot, Source* source, Rect* inner,
             Verdict* verdict) {
  const Size size = source->decoder->picture().size;
  *inner = all_of(size);
  const bool asked = std::any_of(request.renditions.begin(), request.renditions.end(),
                                 [](const Rendition& r) { return r.border == Border::trimmed; });
  if (!asked) return {};
  Failure fault = check_memory(decoding_bytes(*source, {size, false}), limits, slot, verdict);
  if (!fault) fault = find_inner(source->decoder.get(), inner);
  return fault ? std::move(fault) : reopen(limits, request.truncated, source);
}

// How an opened source becomes what is requested, when there is the memory for it.
Failure prepare(const Request& request, const Limits& limits, Slot slot, Source* source, Plan* plan,
                Verdict* verdict) {
  Rect inner;
  if (Failure fault = trim(request, limits, slot, source, &inner, verdict)) return fault;
  const Picture& picture = source->decoder->picture();
  if (Failure fault = make_plan(request, picture, inner, limits.max_result_side_px, plan)) {
    return fault;
  }
  choose_animations(*source, limits, plan, &verdict->notes);
  plan->purpose.most_bytes = std::min(limits.memory_bytes, limits.heavy_bytes) / 4;
  const int64_t estimate =
      decoding_bytes(*source, plan->purpose) + plan_bytes(*plan, picture, source->signature.kind);
  return check_memory(estimate, limits, slot, verdict);
}

// Whatever was read of it, and said.
Fault shrunk() { return {Code::source_missing, "the file shrank while it was read"}; }

// Its picture, no larger than the result.
Failure open_overlay(const Mark& mark, Size result, const Limits& limits, Slot slot, Overlay* out,
                     Verdict* verdict) {
  Request request;
  Rendition& rendition = request.renditions.front();
  rendition.width_px = result.width;
  rendition.height_px = result.height;
  rendition.format = Format::png;
  SourceReport unused;
  Source source;
  Plan plan;
  Failure fault = open_source(mark.descriptor, limits, request.truncated, &source, &unused);
  if (!fault) fault = prepare(request, limits, slot, &source, &plan, verdict);
  if (!fault) fault = render_raster(plan, &source, &out->raster);
  if (source.file.has_shrunk()) fault = shrunk();
  out->raster = to_rgb(std::move(out->raster));
  out->place = mark.place;
  out->opacity_percent = mark.opacity_percent;
  return fault;
}

// What is wrong with a watermark is not the image's fault; what passes, passes.
Failure open_overlays(const Plan& plan, const Limits& limits, Slot slot,
                      std::span<const Mark> marks, std::vector<Overlay>* overlays,
                      Verdict* verdict) {
  for (const Job& job : plan.jobs) {
    const std::string& name = job.rendition->watermark;
    if (name.empty()) continue;
    const Mark& mark = marks[overlays->size()];
    Failure fault =
        open_overlay(mark, job.placement.result, limits, slot, &overlays->emplace_back(), verdict);
    if (!fault) continue;
    if (!is_permanent(fault->code)) return fault;
    return Fault{Code::no_watermark,
                 fmt::format("watermark '{}': {}: {}", name, name_of(fault->code), fault->message)};
  }
  return {};
}

Failure render_or_fail(const Request& request, const Limits& limits, Slot slot, int descriptor,
                       std::span<const int> results, std::span<const Mark> marks,
                       Verdict* verdict) {
  if (Failure fault = check_request(request, results, marks)) return fault;
  Source source;
  Plan plan;
  std::vector<Overlay> overlays;
  Failure fault = open_source(descriptor, limits, request.truncated, &source, &verdict->source);
  if (!fault) fault = prepare(request, limits, slot, &source, &plan, verdict);
  if (!fault) fault = open_overlays(plan, limits, slot, marks, &overlays, verdict);
  if (!fault) fault = render_plan(plan, &source, results, overlays, verdict);
  return source.file.has_shrunk() ? shrunk() : std::move(fault);
}

// The thumbhash, as a request for nothing in particular would make it.
void add_placeholder(const Limits& limits, Source* source, Verdict* verdict) {
  const Request request;
  Plan plan;
  Failure fault = prepare(request, limits, Slot::alone, source, &plan, verdict);
  if (!fault) fault = hash_source(plan, source, verdict);
  if (!fault) return;
  verdict->notes.emplace_back(note::kNoPlaceholder);
}

// Runs `work`; whatever it comes to ends in the verdict.
template <class Work>
Verdict verdict_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  Verdict verdict;
  verdict.code = Code::ok;
  Failure fault;
  try {
    fault = work(&verdict);
  } catch (const std::bad_alloc&) {
    fault = Fault{Code::out_of_memory, "out of memory"};
  }
  if (fault) {
    verdict.code = fault->code;
    verdict.message = std::move(fault->message);
    verdict.results.clear();
  }
  (void)take_vips_error();  // a failure of this image is not the next one's
  verdict.total_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  verdict.peak_kib = peak_kib();
  return verdict;
}

}  // namespace

Status start(const OptionalFormats& formats) { return start_vips(formats); }

Verdict inspect(const Limits& limits, int source) {
  return verdict_of([&](Verdict* verdict) {
    Source opened;
    Failure fault = open_source(source, limits, Truncated::refuse, &opened, &verdict->source);
    if (!fault) add_placeholder(limits, &opened, verdict);
    return opened.file.has_shrunk() ? shrunk() : std::move(fault);
  });
}

Verdict render(const Request& request, const Limits& limits, Slot slot, int source,
               std::span<const int> results, std::span<const Mark> marks) {
  return verdict_of([&](Verdict* verdict) {
    return render_or_fail(request, limits, slot, source, results, marks, verdict);
  });
}

}  // namespace imgq::image
