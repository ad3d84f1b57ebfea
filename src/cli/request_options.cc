#include "src/cli/request_options.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

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
  std::string hint = "; the configuration has none, see PRESETS in imgq.toml(5)";
  if (!known.empty()) hint = fmt::format("; there is {}", one_of(known));
  if (std::string near = hint_for(name, known); !near.empty()) hint = std::move(near);
  return usage("--preset",
               fmt::format("unknown preset '{}'{}", printable(shortened(name, 80)), hint));
}

using Texts = decltype(RequestOptions::fields);

bool crops(const Texts& texts) { return texts.contains("anchor") || texts.contains("focus"); }

// What is laid over each rendition, the mode by its word.
Result<Texts> texts_of(const RequestOptions& options) {
  Texts texts = options.fields;
  for (const auto& [name, on] : options.switches) {
    if (on) texts[name] = "true";
  }
  std::erase_if(texts, [](const auto& one) { return one.second.empty(); });
  if (int{options.fit} + int{options.fill} + int{options.force} + int{options.pad} +
          int{texts.contains("fit")} >
      1) {
    return usage("", "--fit, --fill, --force, --pad and --mode exclude each other");
  }
  if (options.fit) texts["fit"] = "fit";
  if (options.fill) texts["fit"] = "fill";
  if (options.force) texts["fit"] = "force";
  if (options.pad) texts["fit"] = "pad";
  if (texts.contains("anchor") && texts.contains("focus")) {
    return usage("", "--anchor and --focus exclude each other");
  }
  if (crops(texts)) texts.try_emplace("fit", "fill");
  return texts;
}

Status lay(const Texts& texts, Rendition& rendition) {
  for (const RenditionField& field : kRenditionFields) {
    const auto text = texts.find(field.name);
    if (text == texts.end()) continue;
    if (auto done = field.set(rendition, text->second); !done) {
      return usage(field.option.substr(field.option.find("--")), done.error().action);
    }
  }
  if (!crops(texts) || rendition.fit == Fit::fill) return Ok{};
  return usage("", "--anchor and --focus say what --fill keeps");
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
  const auto texts = texts_of(options);
  if (!texts) return texts.error();
  if (options.lenient) request.truncated = Truncated::accept;
  for (Rendition& rendition : request.renditions) {
    if (auto laid = lay(*texts, rendition); !laid) return laid.error();
  }
  if (auto checked = check(request); !checked) return usage("", checked.error().action);
  return request;
}

}  // namespace imgq::cli
