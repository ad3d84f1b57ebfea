#include "src/base/request.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/util/json.h"
#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq {
namespace {

// What is wrong with a watermark, or excludes each other; empty when nothing does.
std::string_view clash_in(const Rendition& r) {
  const bool keeps = r.colours == Colours::keep, lossless = r.loss == Loss::none;
  if (!r.watermark.empty() && !is_name(r.watermark)) {
    return "its watermark's name is not of a-z, 0-9, _ and -";
  }
  if (keeps && r.light == Light::linear) {
    return "linear light is known of sRGB alone: not with colours = keep";
  }
  if (keeps && (r.shades == Shades::grey || r.fit == Fit::pad)) {
    return "colours = keep is not for grey or padded images";
  }
  if (keeps && !r.watermark.empty()) return "a watermark is of sRGB: not with colours = keep";
  if (lossless && (r.format == Format::jpeg || r.format == Format::avif)) {
    return "only WebP and PNG can be lossless";
  }
  if (r.motion == Motion::kept && r.format != Format::webp && r.format != Format::automatic &&
      r.format != Format::keep) {
    return "only WebP can be animated: it needs format webp, auto or keep";
  }
  if (r.motion == Motion::kept && r.max_bytes > 0) {
    return "animated and max_bytes exclude each other";
  }
  return lossless && r.max_bytes > 0 ? "lossless and max_bytes exclude each other" : "";
}

Status check_one(const Rendition& r) {
  const auto wrong = [&r](std::string_view what) {
    return bad_data(fmt::format("rendition '{}': {}", printable(shortened(r.name, 40)), what), "");
  };
  if (!is_name(r.name)) return wrong("its name is not of a-z, 0-9, _ and -");
  const auto off = [](int side) { return side < 0 || side > kMaxResultSidePx; };
  if (off(r.width_px) || off(r.height_px)) return wrong("a side is not from 0 to 8192");
  if (r.width_px == 0 && r.height_px == 0) return wrong("width and height are both free");
  if ((r.width_px == 0 || r.height_px == 0) && r.fit != Fit::fit) {
    return wrong("fill, force and pad need both width and height");
  }
  if (r.quality < 0 || r.quality > 100) return wrong("quality is not from 1 to 100");
  if (r.max_bytes < 0 || r.max_bytes > kMaxTargetBytes) return wrong("max_bytes is out of range");
  const auto share = [](double value) { return value >= 0 && value <= 1; };
  if (!share(r.focus_x) || !share(r.focus_y)) return wrong("focus is not from 0 to 1");
  if (!(r.sharpen >= 0 && r.sharpen <= kMaxSharpen)) return wrong("sharpen is not from 0 to 10");
  const std::string_view clash = clash_in(r);
  return clash.empty() ? Status(Ok{}) : wrong(clash);
}

Result<Rendition> read_rendition(const Json& object, size_t index) {
  Rendition rendition;
  if (!object.is_object()) return bad_data(fmt::format("rendition {} is no object", index + 1), "");
  for (const auto& [key, value] : object.items()) {
    if (auto done = set_field(rendition, key, value); !done) {
      return bad_data(fmt::format("rendition {}: {}", index + 1, done.error().action), "");
    }
  }
  return rendition;
}

Status read_renditions(const Json& list, Request& request) {
  if (!list.is_array()) return bad_data("'renditions' takes a list", "");
  if (list.size() > kMaxRenditions) return bad_data("more than 16 renditions", "");
  request.renditions.clear();
  for (size_t i = 0; i < list.size(); ++i) {
    auto rendition = read_rendition(list[i], i);
    if (!rendition) return rendition.error();
    request.renditions.push_back(std::move(*rendition));
  }
  return Ok{};
}

Status read_member(std::string_view key, const Json& value, Request& request) {
  if (key == "renditions") return read_renditions(value, request);
  if (key == "lenient") {
    if (!value.is_boolean()) return bad_data("'lenient' takes true or false", "");
    request.truncated = value.get<bool>() ? Truncated::accept : Truncated::refuse;
    return Ok{};
  }
  if (key == "preset") {
    if (!value.is_string() || !is_name(value.get_ref<const std::string&>())) {
      return bad_data("'preset' takes a name", "");
    }
    request.preset = value.get<std::string>();
    return Ok{};
  }
  return unknown_field(key, {"renditions", "lenient", "preset"});
}

}  // namespace

bool is_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > 32 || !plain(name[0])) return false;
  return std::all_of(name.begin(), name.end(),
                     [&plain](char c) { return plain(c) || c == '_' || c == '-'; });
}

Error unknown_field(std::string_view name, const std::vector<std::string>& known) {
  return bad_data(
      fmt::format("unknown field '{}'{}", printable(shortened(name, 80)), hint_for(name, known)),
      "");
}

std::string to_json(const Request& request) {
  Json renditions = Json::array();
  for (const Rendition& rendition : request.renditions) renditions.push_back(json_of(rendition));
  Json out = Json::object();
  out["renditions"] = renditions;
  if (request.truncated == Truncated::accept) out["lenient"] = true;
  if (!request.preset.empty()) out["preset"] = request.preset;
  return dump_json(out);
}

Result<Request> parse_request(std::string_view json, std::string_view path) {
  const auto object = parse_json(json, path);
  if (!object) return object.error();
  auto request = request_from(*object);
  return request ? std::move(request) : bad_data(request.error().action, path);
}

Result<Request> request_from(const Json& object) {
  if (!object.is_object()) return bad_data("the request is not a JSON object", "");
  Request request;
  for (const auto& [key, value] : object.items()) {
    if (auto done = read_member(key, value, request); !done) return done.error();
  }
  if (auto checked = check(request); !checked) return checked.error();
  return request;
}

size_t count_watermarked(const Request& request) {
  return static_cast<size_t>(
      std::count_if(request.renditions.begin(), request.renditions.end(),
                    [](const Rendition& r) { return !r.watermark.empty(); }));
}

Status check(const Request& request) {
  if (request.renditions.empty()) return bad_data("no rendition is asked for", "");
  if (request.renditions.size() > kMaxRenditions) return bad_data("more than 16 renditions", "");
  if (!request.preset.empty() && !is_name(request.preset)) return bad_data("bad preset name", "");
  for (size_t i = 0; i < request.renditions.size(); ++i) {
    if (auto one = check_one(request.renditions[i]); !one) return one.error();
    for (size_t j = 0; j < i; ++j) {
      if (request.renditions[i].name == request.renditions[j].name) {
        return bad_data(fmt::format("two renditions are named '{}'", request.renditions[i].name),
                        "");
      }
    }
  }
  return Ok{};
}

}  // namespace imgq
