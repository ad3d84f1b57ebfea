#include "src/cli/request_options.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>

#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq::cli {
namespace {

Error usage(std::string_view option, std::string_view what) {
  return {EINVAL, option.empty() ? std::string(what) : fmt::format("{}: {}", option, what), ""};
}

// The name of the rendition of one of several sizes: "320w", "240h", "320x240".
std::string name_for(const Box& box) {
  if (box.height_px == 0) return fmt::format("{}w", box.width_px);
  if (box.width_px == 0) return fmt::format("{}h", box.height_px);
  return fmt::format("{}x{}", box.width_px, box.height_px);
}

Status add_sizes(std::string_view list, Request& request) {
  const bool several = list.find(',') != std::string_view::npos;
  while (true) {
    const size_t comma = list.find(',');
    const auto box = parse_box(list.substr(0, comma));
    if (!box) return usage("--size", box.error().action);
    Rendition rendition;
    rendition.width_px = box->width_px;
    rendition.height_px = box->height_px;
    if (several) rendition.name = name_for(*box);
    request.renditions.push_back(rendition);
    if (comma == std::string_view::npos) return Ok{};
    list.remove_prefix(comma + 1);
  }
}

Status use_preset(const std::string& name, const Config& config, Request& request) {
  const auto preset = config.presets.find(name);
  if (preset != config.presets.end()) {
    request.renditions = preset->second;
    request.preset = name;
    return Ok{};
  }
  std::vector<std::string> known;
  for (const auto& [word, renditions] : config.presets) known.push_back(word);
  std::string hint = "; the configuration has none";
  if (!known.empty()) hint = fmt::format("; there is {}", one_of(known));
  if (std::string near = hint_for(name, known); !near.empty()) hint = std::move(near);
  return usage("--preset",
               fmt::format("unknown preset '{}'{}", printable(shortened(name, 80)), hint));
}

Result<std::optional<Fit>> mode_of(const RequestOptions& options) {
  const int flags =
      int{options.fit} + int{options.fill} + int{options.force} + int{!options.mode.empty()};
  if (flags > 1) return usage("", "--fit, --fill, --force and --mode exclude each other");
  if (options.fit) return std::optional(Fit::fit);
  if (options.fill) return std::optional(Fit::fill);
  if (options.force) return std::optional(Fit::force);
  const bool crops = !options.anchor.empty() || !options.focus.empty();
  if (options.mode.empty()) return crops ? std::optional(Fit::fill) : std::optional<Fit>();
  const auto fit = parse_fit(options.mode);
  if (!fit) return usage("--mode", fit.error().action);
  return std::optional(*fit);
}

Status lay_mode(const RequestOptions& options, Rendition& rendition) {
  const auto mode = mode_of(options);
  if (!mode) return mode.error();
  if (*mode) rendition.fit = **mode;
  if (!options.anchor.empty() && !options.focus.empty()) {
    return usage("", "--anchor and --focus exclude each other");
  }
  const bool crops = !options.anchor.empty() || !options.focus.empty();
  if (crops && rendition.fit != Fit::fill) {
    return usage("", "--anchor and --focus say what --fill keeps");
  }
  if (!options.anchor.empty()) {
    const auto anchor = parse_anchor(options.anchor);
    if (!anchor) return usage("--anchor", anchor.error().action);
    rendition.anchor = *anchor;
  }
  if (!options.focus.empty()) {
    const auto focus = parse_focus(options.focus);
    if (!focus) return usage("--focus", focus.error().action);
    rendition.anchor = Anchor::focus;
    rendition.focus_x = focus->x;
    rendition.focus_y = focus->y;
  }
  return Ok{};
}

Status lay_numbers(const RequestOptions& options, Rendition& rendition) {
  if (!options.quality.empty()) {
    const auto quality = parse_count(options.quality, 1, 100);
    if (!quality) return usage("--quality", quality.error().action);
    rendition.quality = static_cast<int>(*quality);
  }
  if (!options.max_bytes.empty()) {
    const auto bytes = parse_size(options.max_bytes);
    if (!bytes) return usage("--max-bytes", bytes.error().action);
    if (*bytes == 0) return usage("--max-bytes", "0 bytes hold no image");
    rendition.max_bytes = *bytes;
  }
  if (!options.sharpen.empty()) {
    const char* end = options.sharpen.data() + options.sharpen.size();
    const auto read =
        std::from_chars(options.sharpen.data(), end, rendition.sharpen, std::chars_format::fixed);
    const bool whole = read.ec == std::errc() && read.ptr == end;
    if (!whole || !(rendition.sharpen >= 0 && rendition.sharpen <= 10)) {
      return usage("--sharpen", fmt::format("'{}' is not a number from 0 to 10",
                                            printable(shortened(options.sharpen, 80))));
    }
  }
  return Ok{};
}

Status lay_words(const RequestOptions& options, Rendition& rendition) {
  if (!options.format.empty()) {
    const auto format = parse_format(options.format);
    if (!format) return usage("--format", format.error().action);
    rendition.format = *format;
  }
  if (!options.background.empty()) {
    const auto colour = parse_colour(options.background);
    if (!colour) return usage("--background", colour.error().action);
    rendition.background = *colour;
  }
  if (!options.chroma.empty()) {
    if (options.chroma != "420" && options.chroma != "444") {
      return usage("--chroma",
                   fmt::format("'{}' is not 420 or 444", printable(shortened(options.chroma, 80))));
    }
    rendition.chroma = options.chroma == "444" ? Chroma::full : Chroma::subsampled;
  }
  if (options.progressive) rendition.scan = Scan::progressive;
  if (options.keep_copyright) rendition.metadata = Metadata::keep_copyright;
  if (options.enlarge) rendition.enlarge = Enlarge::allow;
  return Ok{};
}

}  // namespace

Result<Request> make_request(const RequestOptions& options, const Config& config) {
  Request request;
  if (!options.preset.empty() && !options.size.empty()) {
    return usage("", "--preset and --size exclude each other");
  }
  if (!options.preset.empty()) {
    if (auto used = use_preset(options.preset, config, request); !used) return used.error();
  } else if (!options.size.empty()) {
    request.renditions.clear();
    if (auto added = add_sizes(options.size, request); !added) return added.error();
  }
  if (options.lenient) request.truncated = Truncated::accept;
  for (Rendition& rendition : request.renditions) {
    if (auto laid = lay_mode(options, rendition); !laid) return laid.error();
    if (auto laid = lay_numbers(options, rendition); !laid) return laid.error();
    if (auto laid = lay_words(options, rendition); !laid) return laid.error();
  }
  if (auto checked = check(request); !checked) return usage("", checked.error().action);
  return request;
}

}  // namespace imgq::cli
