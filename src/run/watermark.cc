#include "src/run/watermark.h"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>

#include "src/cli/files.h"
#include "src/cli/session.h"
#include "src/util/digest.h"
#include "src/util/io.h"

namespace imgq::cli {
namespace {

constexpr size_t kMostBytes = size_t{64} << 20;

Result<Watermark> asked_for(const RunOptions& options) {
  Watermark mark;
  if (!options.watermark_place.empty()) {
    const auto place = parse_watermark_place(options.watermark_place);
    if (!place) return usage_error("--watermark-place: " + place.error().action);
    mark.place = *place;
  }
  if (!options.watermark_opacity.empty()) {
    const auto opacity = parse_opacity(options.watermark_opacity);
    if (!opacity) return usage_error("--watermark-opacity: " + opacity.error().action);
    mark.opacity_percent = *opacity;
  }
  mark.file = std::filesystem::absolute(options.watermark).string();
  return mark;
}

}  // namespace

Status take_watermark(const RunOptions& options, Config& config, Request& request) {
  if (options.watermark.empty()) {
    const bool alone = !options.watermark_place.empty() || !options.watermark_opacity.empty();
    return alone ? Status(usage_error("--watermark-place and --watermark-opacity go with "
                                      "--watermark"))
                 : Ok{};
  }
  auto mark = asked_for(options);
  if (!mark) return mark.error();
  const auto opened = open_input(options.watermark);
  if (!opened) return opened.error();
  const auto content = read_all(opened->file.get(), options.watermark, kMostBytes);
  if (!content) return content.error();
  const std::string digest = sha256_hex(
      fmt::format("{} {} {}", name_of(mark->place), mark->opacity_percent, sha256_hex(*content)));
  const std::string name = "file-" + digest.substr(0, 16);
  config.watermarks[name] = std::move(*mark);
  for (Rendition& rendition : request.renditions) rendition.watermark = name;
  const Status checked = check(request);
  return checked ? Status(Ok{}) : usage_error(checked.error().action);
}

}  // namespace imgq::cli
