#include <fmt/format.h>

#include <optional>

#include "spool/query.h"
#include "spool/spool.h"
#include "src/base/notes.h"
#include "src/cli/commands.h"
#include "src/cli/files.h"
#include "src/cli/job_text.h"
#include "src/supervise/engine.h"
#include "src/util/json.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

std::string words_of(const std::string& name, const Verdict& verdict) {
  const SourceReport& source = verdict.source;
  std::string out = fmt::format("{:<12} {}\n", "file", printable(name));
  out += fmt::format("{:<12} {}x{}\n", "size", source.width_px, source.height_px);
  out += fmt::format("{:<12} {}\n", "format", printable(source.format));
  out += fmt::format("{:<12} {}\n", "bytes", source.size_bytes);
  out += fmt::format("{:<12} {}\n", "alpha", source.alpha ? "yes" : "no");
  out += fmt::format("{:<12} {}\n", "orientation", source.orientation);
  out += fmt::format("{:<12} {}\n", "profile",
                     source.profile.empty() ? "none" : printable(source.profile));
  out += fmt::format("{:<12} {}\n", "pages", source.pages);
  out += fmt::format("{:<12} {}\n", "placeholder",
                     source.thumbhash.empty() ? "none" : printable(source.thumbhash));
  for (const std::string& note : verdict.notes) {
    out += fmt::format("{:<12} {}\n", "note", printable(note::explain(note)));
  }
  return out;
}

std::string json_of(const std::string& name, const Verdict& verdict) {
  if (verdict.code != Code::ok)
    return error_json("file", name, name_of(verdict.code), verdict.message);
  const SourceReport& source = verdict.source;
  Json out{{"width", source.width_px},
           {"height", source.height_px},
           {"format", source.format},
           {"type", media_type_of(source.format)},
           {"bytes", source.size_bytes},
           {"alpha", source.alpha},
           {"orientation", source.orientation},
           {"profile", source.profile},
           {"pages", source.pages}};
  put_bytes(out, "file", name);
  if (!source.thumbhash.empty()) out["thumbhash"] = source.thumbhash;
  if (!verdict.notes.empty()) out["notes"] = verdict.notes;
  return versioned(out);
}

Exit about_file(const Session& session, const std::string& name) {
  const auto opened = open_input(name);
  if (!opened) {
    const Trouble trouble = trouble_for(name, opened.error());
    if (session.json) {
      session.console.put_line(error_json("file", name, name_of(trouble.code), trouble.cause));
    }
    return fail(session, trouble.exit, about(name, trouble.cause));
  }
  const auto worker = supervise::find_worker();
  if (!worker) return fail(session, worker.error());
  const auto verdict = supervise::inspect(opened->file.get(), session.config.limits, *worker);
  if (!verdict) return fail(session, verdict.error());
  if (session.json) session.console.put_line(json_of(name, *verdict));
  if (verdict->code != Code::ok) {
    const std::string_view words =
        verdict->message.empty() ? explain(verdict->code) : std::string_view(verdict->message);
    return fail(session, is_permanent(verdict->code) ? Exit::bad_image : Exit::some_failed,
                about(name, fmt::format("{} ({})", printable(words), name_of(verdict->code))));
  }
  if (!session.json) session.console.put(words_of(name, *verdict));
  return Exit::ok;
}

Exit about_job(const Session& session, const Spool& spool, const JobId& id) {
  const auto view = find(spool, id);
  if (!view) return tell_missing(session, id, view.error());
  session.console.put(session.json ? job_json(spool, *view) + "\n" : job_words(spool, *view));
  return Exit::ok;
}

}  // namespace

Exit info_command(const Session& session, const std::vector<std::string>& names) {
  if (names.empty()) {
    return fail(session, Exit::usage, "no job id or image named; see 'imgq info --help'");
  }
  std::optional<Spool> spool;
  Sum sum;
  bool first = true;
  for (const std::string& name : names) {
    if (!first && !session.json) session.console.put("\n");
    first = false;
    const auto id = JobId::parse(name);
    if (!id) {
      sum.add(about_file(session, name));
      continue;
    }
    if (!spool) {
      auto opened = open_spool(session);
      if (!opened) return exit_for(opened.error());
      spool = std::move(*opened);
    }
    sum.add(about_job(session, *spool, *id));
  }
  return sum.total();
}

}  // namespace imgq::cli
