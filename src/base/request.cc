#include "src/base/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "src/util/json.h"
#include "src/util/text.h"
#include "src/util/units.h"

namespace imgq {
namespace {

// A field of a rendition in JSON: how it is read, and what stands there; `write` leaves out what is
// at its default, so that tickets stay small.
struct Field {
  std::string_view key;
  std::string_view takes;
  bool (*read)(const Json& value, Rendition& rendition);
  void (*write)(const Rendition& rendition, Json& value);  // null stays unwritten
};

// The value through one of the parsers of words, into a member.
template <class T, class U>
bool read_word(const Json& value, Result<T> (*parse)(std::string_view), U& into) {
  if (!value.is_string()) return false;
  const auto parsed = parse(value.get_ref<const std::string&>());
  if (parsed) into = *parsed;
  return bool(parsed);
}

template <class T>
bool read_integer(const Json& value, int64_t low, int64_t high, T& into) {
  if (!value.is_number_integer()) return false;
  if (value.is_number_unsigned() &&
      value.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) {
    return false;
  }
  const auto number = value.get<int64_t>();
  if (number < low || number > high) return false;
  into = static_cast<T>(number);
  return true;
}

template <class T>
bool read_choice(const Json& value, T when_false, T when_true, T& into) {
  if (!value.is_boolean()) return false;
  into = value.get<bool>() ? when_true : when_false;
  return true;
}

bool read_number(const Json& value, double low, double high, double& into) {
  if (!value.is_number()) return false;
  const auto number = value.get<double>();
  if (!(number >= low && number <= high)) return false;
  into = number;
  return true;
}

bool read_focus(const Json& value, Rendition& rendition) {
  Focus focus;
  if (!read_word(value, parse_focus, focus)) return false;
  rendition.anchor = Anchor::focus;
  rendition.focus_x = focus.x;
  rendition.focus_y = focus.y;
  return true;
}

bool read_size(const Json& value, Rendition& rendition) {
  Box box;
  if (!read_word(value, parse_box, box)) return false;
  rendition.width_px = box.width_px;
  rendition.height_px = box.height_px;
  return true;
}

bool read_chroma(const Json& value, Rendition& rendition) {
  if (value == "444" || value == "4:4:4")
    rendition.chroma = Chroma::full;
  else if (value == "420" || value == "4:2:0")
    rendition.chroma = Chroma::subsampled;
  else
    return false;
  return true;
}

bool read_name(const Json& value, Rendition& rendition) {
  if (!value.is_string() || !is_name(value.get_ref<const std::string&>())) return false;
  rendition.name = value.get<std::string>();
  return true;
}

constexpr int64_t kMaxTargetBytes = int64_t{1} << 40;
constexpr double kMaxSharpen = 10;

constexpr std::array<Field, 16> kFields = {{
    {"name", "a name of a-z, 0-9, _ and -, at most 32 characters", read_name,
     [](const Rendition& r, Json& v) { v = r.name; }},
    {"width", "pixels from 0 to 8192",
     [](const Json& v, Rendition& r) { return read_integer(v, 0, kMaxResultSidePx, r.width_px); },
     [](const Rendition& r, Json& v) { v = r.width_px; }},
    {"height", "pixels from 0 to 8192",
     [](const Json& v, Rendition& r) { return read_integer(v, 0, kMaxResultSidePx, r.height_px); },
     [](const Rendition& r, Json& v) { v = r.height_px; }},
    {"size", "WIDTHxHEIGHT, WIDTHx or xHEIGHT", read_size, nullptr},
    {"fit", "fit, fill or force",
     [](const Json& v, Rendition& r) { return read_word(v, parse_fit, r.fit); },
     [](const Rendition& r, Json& v) { v = name_of(r.fit); }},
    {"anchor", "centre, north, north-east, ..., attention or entropy",
     [](const Json& v, Rendition& r) { return read_word(v, parse_anchor, r.anchor); },
     [](const Rendition& r, Json& v) {
       if (r.anchor != Anchor::centre && r.anchor != Anchor::focus) v = name_of(r.anchor);
     }},
    {"focus", "X,Y, each from 0 to 1", read_focus,
     [](const Rendition& r, Json& v) {
       if (r.anchor == Anchor::focus) v = fmt::format("{},{}", r.focus_x, r.focus_y);
     }},
    {"enlarge", "true or false",
     [](const Json& v, Rendition& r) {
       return read_choice(v, Enlarge::never, Enlarge::allow, r.enlarge);
     },
     [](const Rendition& r, Json& v) {
       if (r.enlarge == Enlarge::allow) v = true;
     }},
    {"format", "jpeg, png, webp, avif, auto or keep",
     [](const Json& v, Rendition& r) { return read_word(v, parse_format, r.format); },
     [](const Rendition& r, Json& v) { v = name_of(r.format); }},
    {"quality", "1 to 100, or 0 for the format's default",
     [](const Json& v, Rendition& r) { return read_integer(v, 0, 100, r.quality); },
     [](const Rendition& r, Json& v) {
       if (r.quality != 0) v = r.quality;
     }},
    {"chroma", "420 or 444, in quotes", read_chroma,
     [](const Rendition& r, Json& v) {
       if (r.chroma == Chroma::full) v = "444";
     }},
    {"progressive", "true or false",
     [](const Json& v, Rendition& r) {
       return read_choice(v, Scan::baseline, Scan::progressive, r.scan);
     },
     [](const Rendition& r, Json& v) {
       if (r.scan == Scan::progressive) v = true;
     }},
    {"max_bytes", "bytes, or a size as in \"200KiB\"",
     [](const Json& v, Rendition& r) {
       return read_integer(v, 0, kMaxTargetBytes, r.max_bytes) ||
              read_word(v, parse_size, r.max_bytes);
     },
     [](const Rendition& r, Json& v) {
       if (r.max_bytes != 0) v = r.max_bytes;
     }},
    {"background", "a colour as in \"#ffffff\"",
     [](const Json& v, Rendition& r) { return read_word(v, parse_colour, r.background); },
     [](const Rendition& r, Json& v) {
       if (hex_of(r.background) != hex_of(Rgb{})) v = hex_of(r.background);
     }},
    {"sharpen", "a number from 0 to 10",
     [](const Json& v, Rendition& r) { return read_number(v, 0, kMaxSharpen, r.sharpen); },
     [](const Rendition& r, Json& v) {
       if (r.sharpen != 0) v = r.sharpen;
     }},
    {"keep_copyright", "true or false",
     [](const Json& v, Rendition& r) {
       return read_choice(v, Metadata::strip, Metadata::keep_copyright, r.metadata);
     },
     [](const Rendition& r, Json& v) {
       if (r.metadata == Metadata::keep_copyright) v = true;
     }},
}};

Error unknown_field(std::string_view key, const std::vector<std::string>& known) {
  return bad_data(
      fmt::format("unknown field '{}'{}", printable(shortened(key, 80)), hint_for(key, known)), "");
}

Status set(Rendition& rendition, std::string_view key, const Json& value) {
  const auto* field = std::find_if(kFields.begin(), kFields.end(),
                                   [key](const Field& known) { return known.key == key; });
  if (field == kFields.end()) {
    return unknown_field(key, field_names());
  }
  if (!field->read(value, rendition)) {
    return bad_data(fmt::format("'{}' takes {}", key, field->takes), "");
  }
  return Ok{};
}

Json to_object(const Rendition& rendition) {
  Json out = Json::object();
  for (const Field& field : kFields) {
    if (field.write == nullptr) continue;
    Json value;
    field.write(rendition, value);
    if (!value.is_null()) out[std::string(field.key)] = value;
  }
  return out;
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
    return wrong("fill and force need both width and height");
  }
  if (r.quality < 0 || r.quality > 100) return wrong("quality is not from 1 to 100");
  if (r.max_bytes < 0 || r.max_bytes > kMaxTargetBytes) return wrong("max_bytes is out of range");
  const auto share = [](double value) { return value >= 0 && value <= 1; };
  if (!share(r.focus_x) || !share(r.focus_y)) return wrong("focus is not from 0 to 1");
  if (!(r.sharpen >= 0 && r.sharpen <= kMaxSharpen)) return wrong("sharpen is not from 0 to 10");
  return Ok{};
}

Result<Rendition> read_rendition(const Json& object, size_t index) {
  Rendition rendition;
  if (!object.is_object()) return bad_data(fmt::format("rendition {} is no object", index + 1), "");
  for (const auto& [key, value] : object.items()) {
    if (auto done = set(rendition, key, value); !done) {
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
    if (read_choice(value, Truncated::refuse, Truncated::accept, request.truncated)) return Ok{};
    return bad_data("'lenient' takes true or false", "");
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

std::vector<std::string> field_names() {
  std::vector<std::string> names;
  names.reserve(std::size(kFields));
  for (const Field& field : kFields) names.emplace_back(field.key);
  return names;
}

Status set_field(Rendition& rendition, std::string_view field, std::string_view json) {
  const auto value = parse_json(json, field);
  if (!value) return value.error();
  return set(rendition, field, *value);
}

std::vector<FieldText> fields_of(const Rendition& rendition) {
  std::vector<FieldText> fields;
  const Json object = to_object(rendition);
  for (const auto& [key, value] : object.items()) {
    fields.push_back({key, dump_json(value)});
  }
  return fields;
}

std::string to_json(const Request& request) {
  Json renditions = Json::array();
  for (const Rendition& rendition : request.renditions) renditions.push_back(to_object(rendition));
  Json out = Json::object();
  out["renditions"] = renditions;
  if (request.truncated == Truncated::accept) out["lenient"] = true;
  if (!request.preset.empty()) out["preset"] = request.preset;
  return dump_json(out);
}

Result<Request> parse_request(std::string_view json, std::string_view path) {
  const auto object = parse_json(json, path);
  if (!object) return object.error();
  if (!object->is_object()) return bad_data("the request is not a JSON object", path);
  Request request;
  for (const auto& [key, value] : object->items()) {
    if (auto done = read_member(key, value, request); !done) {
      return bad_data(done.error().action, path);
    }
  }
  if (auto checked = check(request); !checked) return bad_data(checked.error().action, path);
  return request;
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
