#include "src/web/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>

#include "src/base/verdict.h"
#include "src/jobs/job_view.h"
#include "src/util/text.h"
#include "src/web/assets.h"

namespace imgq::web {
namespace {

// Puts each value where the template says {{its name}}.
std::string filled(std::string_view pattern,
                   const std::map<std::string_view, std::string>& values) {
  std::string out;
  for (;;) {
    const size_t open = pattern.find("{{");
    out += pattern.substr(0, open);
    if (open == std::string_view::npos) return out;
    const size_t close = pattern.find("}}", open);
    const auto value = values.find(pattern.substr(open + 2, close - open - 2));
    if (value != values.end()) out += value->second;
    pattern.remove_prefix(close + 2);
  }
}

std::string age_text(int64_t age_ms) {
  const int64_t seconds = age_ms / 1000;
  if (seconds < 0) return "now";
  if (seconds < 100) return fmt::format("{} s", seconds);
  if (seconds < 6000) return fmt::format("{} min", seconds / 60);
  if (seconds < 172'800) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} d", seconds / 86400);
}

// What people call a state; indexed by State.
constexpr std::array<std::string_view, std::size(kAllStates)> kStateWords = {
    "waiting", "will retry", "running", "done", "failed", "on hold", "cancelled"};

std::string shown_name(const JobView& job) {
  return html(job.ticket.name.empty() ? job.ticket.id.text() : job.ticket.name);
}

// Each control is named with its image, for who hears the page.
std::string action_form(const JobView& job, std::string_view verb, std::string_view word) {
  return fmt::format(
      "<form method=\"post\" action=\"jobs/{}/{}\"><button aria-label=\"{}: "
      "{}\">{}</button></form>",
      job.ticket.id.text(), verb, word, shown_name(job), word);
}

bool can_be_retried(const JobView& job) {
  const auto code = code_named(job.outcome->cause.code);
  return !code || is_retryable(*code);
}

std::string actions_of(const JobView& job) {
  switch (job.state) {
    case State::completed: {
      std::string out;
      for (const ResultFile& result : job.outcome->results) {
        const bool only = job.outcome->results.size() == 1;
        const std::string word = only ? "Download" : html(result.rendition);
        out += fmt::format(
            "<a class=\"button\" href=\"v1/jobs/{}/results/{}?download=1\" "
            "aria-label=\"{}: {}\">{}</a>",
            job.ticket.id.text(), result.rendition, word, shown_name(job), word);
      }
      return out;
    }
    case State::failed:
      return can_be_retried(job) ? action_form(job, "retry", "Try again") : "";
    case State::delayed:
      return action_form(job, "retry", "Try now") + action_form(job, "cancel", "Cancel");
    case State::staging:
    case State::hold:
    case State::processing:
      return action_form(job, "cancel", "Cancel");
    case State::cancelled:
      break;
  }
  return "";
}

std::string thumb_of(const JobView& job) {
  if (job.state != State::completed || job.outcome->results.empty()) {
    return "<span class=\"thumb\"></span>";
  }
  const std::string address = "result/" + job.ticket.id.text();
  return fmt::format(
      "<a class=\"thumb\" href=\"{0}\" aria-label=\"Thumbnail: {1}\"><img src=\"{0}\" alt=\"\" "
      "loading=\"lazy\"></a>",
      address, shown_name(job));
}

// What went wrong with the job, or with its last try; null for nothing.
const Cause* trouble_of(const JobView& job) {
  if (!job.outcome) return job.tries.empty() ? nullptr : &job.tries.back().cause;
  return job.outcome->ending == Ending::completed ? nullptr : &job.outcome->cause;
}

std::string trouble_html(const JobView& job, const Cause& cause) {
  const bool bad = job.state == State::failed || job.state == State::delayed;
  const auto code = code_named(cause.code);
  return fmt::format("<span class=\"{}\" title=\"{}\">{}</span>", bad ? "bad" : "note",
                     code ? html(explain(*code)) : "", html(cause.message));
}

std::string sizes_html(const Outcome& outcome) {
  std::string sizes;
  for (const ResultFile& result : outcome.results) {
    const Pixels pixels = pixels_of(result);
    if (!sizes.empty()) sizes += " · ";
    sizes += fmt::format("{}×{}, {}", pixels.width, pixels.height, human_bytes(result.size_bytes));
  }
  return "<span class=\"note\">" + sizes + "</span>";
}

// What there is to say of the job below its name.
std::string note_of(const JobView& job) {
  if (const Cause* cause = trouble_of(job)) return trouble_html(job, *cause);
  return job.outcome ? sizes_html(*job.outcome) : "";
}

std::string row(const JobView& job, int64_t now_ms) {
  return fmt::format(
      "<tr data-id=\"{0}\" data-state=\"{1}\"><td>{2}</td><td class=\"what\"><span "
      "class=\"name\">{3}</span>{4}</td><td><span class=\"state {1}\">{5}</span></td><td "
      "class=\"age\"><time datetime=\"{6}\">{7}</time></td><td class=\"do\">{8}</td></tr>\n",
      job.ticket.id.text(), name_of(job.state), thumb_of(job), shown_name(job), note_of(job),
      kStateWords[static_cast<size_t>(job.state)], iso_time(job.ticket.submitted_ms),
      age_text(now_ms - job.ticket.submitted_ms), actions_of(job));
}

std::string rows(const View& view) {
  std::string out;
  for (const JobView& job : view.jobs) out += row(job, view.made_ms);
  return out;
}

// A number that asks for a look is coloured while it is not 0.
std::string tile(std::string_view name, std::string_view label, int64_t number) {
  return fmt::format("<div class=\"{0}{1}\"><dt>{2}</dt><dd id=\"n-{0}\">{3}</dd></div>\n", name,
                     number > 0 ? " some" : "", label, number);
}

std::string tiles(const View& view) {
  const Counts& counts = view.figures.counts;
  return tile("waiting", "Waiting", counts.waiting()) +
         tile("running", "Running", counts.in(State::processing)) +
         tile("done", "Done", counts.in(State::completed)) +
         tile("failed", "Failed", counts.in(State::failed)) +
         tile("minute", "Last minute", view.last_minute) +
         fmt::format("<div><dt>Oldest waits</dt><dd id=\"n-oldest\">{}</dd></div>\n",
                     view.figures.oldest_age_ms > 0 ? age_text(view.figures.oldest_age_ms) : "–");
}

std::string formats_text(const OptionalFormats& formats) {
  std::vector<std::string> names;
  for (const ImageFormat& format : kFormats) {
    if (is_read(format.kind, formats)) names.emplace_back(format.name);
  }
  return one_of(names);
}

// "64 MiB" where it is that, else in powers of 1000.
std::string limit_text(int64_t bytes) {
  constexpr int64_t mebi = int64_t{1} << 20;
  return bytes % mebi == 0 ? fmt::format("{} MiB", bytes / mebi) : human_bytes(bytes);
}

struct Offer {
  std::string value, label;
};

// Chosen already is what the form was sent with last where that is offered, else what is usual.
std::string options(const std::vector<Offer>& offers, const Choice& choice, const char* field,
                    const std::string& usual) {
  const auto sent = choice.find(field);
  const bool offered = sent != choice.end() &&
                       std::any_of(offers.begin(), offers.end(),
                                   [&](const Offer& offer) { return offer.value == sent->second; });
  const std::string& chosen = offered ? sent->second : usual;
  std::string out;
  for (const auto& [value, label] : offers) {
    out += fmt::format("<option value=\"{}\"{}>{}</option>", html(value),
                       value == chosen ? " selected" : "", html(label));
  }
  return out;
}

// The choice of presets, when there are any; with none of them, size and format count.
std::string presets_field(const Config& config, const Choice& choice) {
  if (config.presets.empty()) return "";
  std::vector<Offer> offers = {{"", "none"}};
  for (const auto& [name, renditions] : config.presets) offers.push_back({name, name});
  return "<label>Preset <select name=\"preset\" id=\"preset\">" +
         options(offers, choice, "preset", "default") + "</select></label>";
}

// The sizes that the limits allow; the usual one is made where nothing is asked for, or the largest
// below it.
std::string size_options(const Limits& limits, const Choice& choice) {
  constexpr int kUsual = 500;
  std::vector<Offer> offers;
  std::string usual;
  for (int side : {160, 320, kUsual, 800, 1200, 1920, 2560}) {
    if (side > limits.max_result_side_px && !offers.empty()) break;
    side = std::min(side, limits.max_result_side_px);
    offers.push_back({fmt::format("{0}x{0}", side), fmt::format("{} px", side)});
    if (side <= kUsual) usual = offers.back().value;
  }
  return options(offers, choice, "size", usual);
}

// The formats that results are written in here, but what is switched off for reading.
std::string format_options(const OptionalFormats& formats, const Choice& choice) {
  std::vector<Offer> offers;
  for (const ImageFormat& format : kFormats) {
    if (!format.written || !is_read(format.kind, formats)) continue;
    offers.push_back({std::string(format.word), std::string(format.name)});
  }
  offers.push_back({"auto", "keeping transparency"});
  offers.push_back({"keep", "as the original"});
  return options(offers, choice, "format", "jpeg");
}

// Without a script the page is asked for again while something moves; never while nothing does, or
// it would forget the files that somebody is choosing.
std::string refresh_html(const View& view, const Choice& choice) {
  const Counts& counts = view.figures.counts;
  if (counts.waiting() + counts.in(State::processing) == 0 || view.figures.daemons == 0) return "";
  return fmt::format("<noscript><meta http-equiv=\"refresh\" content=\"5;url=./{}\"></noscript>",
                     html(choice_query("?", choice)));
}

std::string notice_html(const View& view, std::string_view notice) {
  std::string_view text = notice;
  if (text.empty() && !view.figures.up) text = "The spool cannot be read at the moment.";
  if (text.empty() && view.figures.daemons == 0) {
    text = "No daemon is running: images are taken in and wait until imgqd is started.";
  }
  if (text.empty() && all_cordoned(view.figures.owners)) {
    text = "Every host with a daemon is cordoned: images are taken in and wait until one is not.";
  }
  return fmt::format("<p id=\"notice\" role=\"status\"{}>{}</p>", text.empty() ? " hidden" : "",
                     html(text));
}

}  // namespace

std::string html(std::string_view text) {
  static const std::map<char, std::string_view> entities = {
      {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
  std::string out;
  for (const char c : printable(text)) {
    const auto entity = entities.find(c);
    out += entity == entities.end() ? std::string_view(&c, 1) : entity->second;
  }
  return out;
}

std::string choice_query(std::string_view before, const Choice& choice) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  constexpr size_t kLongest = 64;
  std::string out;
  for (const char* field : {"preset", "size", "format"}) {
    const auto sent = choice.find(field);
    if (sent == choice.end() || sent->second.size() > kLongest) continue;
    if (sent->second.find_first_not_of(kPlain) != std::string::npos) continue;
    out += fmt::format("{}{}={}", out.empty() ? before : "&", field, sent->second);
  }
  return out;
}

std::string page_html(const Site& site, std::string_view notice, const Choice& choice) {
  const auto view = site.spool_view.view_within(200);
  return filled(assets::kPageHtml,
                {{"refresh", refresh_html(*view, choice)},
                 {"notice", notice_html(*view, notice)},
                 {"tiles", tiles(*view)},
                 {"formats", formats_text(site.config.limits.formats)},
                 {"max_file", limit_text(largest_upload(site.config))},
                 {"max_file_bytes", std::to_string(largest_upload(site.config))},
                 {"presets", presets_field(site.config, choice)},
                 {"sizes", size_options(site.config.limits, choice)},
                 {"result_formats", format_options(site.config.limits.formats, choice)},
                 {"empty", view->jobs.empty() ? "" : " hidden"},
                 {"version", IMGQ_VERSION},
                 {"rows", rows(*view)}});
}

}  // namespace imgq::web
