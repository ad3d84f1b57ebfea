#include "src/run/state.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "src/base/verdict.h"
#include "src/run/names.h"
#include "src/run/private_spool.h"
#include "src/run/single.h"
#include "src/util/digest.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

Exit exit_of(std::string_view name) {
  const auto code = code_named(name);
  if (code == Code::source_missing) return Exit::no_input;
  return code && is_permanent(*code) && code != Code::poison && code != Code::cancelled
             ? Exit::bad_image
             : Exit::some_failed;
}

// Whether the same image would be judged alike.
bool is_lasting(std::string_view name) {
  const auto code = code_named(name);
  return code && is_permanent(*code) && code != Code::source_missing && code != Code::cancelled;
}

RunRecord verdict_on(const Run& run, const RunItem& item, const std::string& code,
                     const std::string& message) {
  return {item.real, item.size_bytes, item.modified_ns, run.judged_by, {}, 0, 0, "", {},
          code,      message};
}

const RunRecord* known_bad(const Run& run, const DoneFile& done_file, const RunItem& item) {
  if (run.options.retry_failed) return nullptr;
  return done_file.known_bad(item.real, item.size_bytes, item.modified_ns, run.judged_by);
}

// Fails it by what an earlier run has told.
void fail_again(Run& run, const RunItem& item, const RunRecord& bad) {
  run.session.console.detail(
      about(item.path, "passed over: known to be bad: " + printable(bad.message)));
  fail_source(run, {item.path, bad.code, bad.message, true}, exit_of(bad.code));
}

void fail_by(Run& run, const Trouble& trouble) {
  fail_source(run, {trouble.name, std::string(name_of(trouble.code)), trouble.cause}, trouble.exit);
}

// A file without content needs no worker to tell.
void fail_empty(Run& run, const DoneFile& done_file, const RunItem& item) {
  if (const RunRecord* bad = known_bad(run, done_file, item)) {
    fail_again(run, item, *bad);
    return;
  }
  fail_by(run, trouble_for(item.path, Error{ENODATA, "", ""}));
  const RunFailure& failure = run.failures.back();
  run.verdicts.push_back(verdict_on(run, item, failure.code, failure.message));
}

// Whether it is for this run to make, and to fail.
bool is_ours(const Run& run, const Input& input) {
  return run.shard.has(joined(input.folder, base_name(input.path)));
}

// Looks at one input; an item, or a failure.
void add_item(Run& run, const DoneFile& done_file, const Input& input, std::set<Origin>& seen,
              std::vector<Input>& kept) {
  const bool on_stdin = input.path == "-";
  const std::string path = on_stdin ? saved_stdin(run.place) : input.path;
  Input named = on_stdin ? Input{"stdin", ""} : input;
  if (run.goal != Goal::directory) named.folder.clear();
  const auto opened =
      on_stdin ? take_stdin(path, run.session.config.limits.max_file_bytes) : open_input(path);
  RunItem item;
  item.path = named.path;
  if (!opened && !is_ours(run, named)) return;
  if (!opened) {
    fail_by(run, trouble_for(named.path, opened.error()));
    return;
  }
  item.real = real_path(path);
  item.size_bytes = opened->size_bytes;
  item.modified_ns = opened->modified_ns;
  item.id = opened->id;
  if ((item.real.empty() || item.size_bytes == 0) && !is_ours(run, named)) return;
  if (item.real.empty()) {
    fail_source(run, {named.path, "source_missing", cause_text(errno)}, Exit::no_input);
    return;
  }
  if (item.size_bytes == 0) {
    fail_empty(run, done_file, item);
    return;
  }
  item.folder = named.folder;
  if (!seen.insert(origin_of(item)).second) {
    run.session.console.detail(about(named.path, "is the same file as another named"));
    return;
  }
  item.key = "run:" + sha256_hex(fmt::format("{}/{}/{}/{}{}{}", item.size_bytes, item.modified_ns,
                                             run.request_digest, item.folder, '\0', item.real));
  run.items.push_back(std::move(item));
  kept.push_back(std::move(named));
}

}  // namespace

void fail_source(Run& run, RunFailure failure, Exit exit) {
  run.failures.push_back(std::move(failure));
  run.sum.add(exit);
  if (run.session.json) run.session.console.put_line(run_failure_json(run.failures.back()));
}

void fail_item(Run& run, size_t index, std::string code, std::string message, Exit exit) {
  run.states[index] = ItemState::failed;
  fail_source(run, {run.items[index].path, std::move(code), std::move(message)}, exit);
}

void fail_by_verdict(Run& run, size_t index, const std::string& code, const std::string& message) {
  fail_item(run, index, code, message, exit_of(code));
  if (is_lasting(code)) run.verdicts.push_back(verdict_on(run, run.items[index], code, message));
}

Origin origin_of(const RunItem& item) { return {item.real, item.folder}; }

void succeed(Run& run, const DoneFile& done_file, size_t index, ItemState state) {
  run.states[index] = state;
  run.sum.add(Exit::ok);
  const RunItem& item = run.items[index];
  const RunRecord* record = done_file.find(origin_of(item));
  Console& console = run.session.console;
  if (record == nullptr) return;
  if (run.session.json) {
    console.put_line(
        run_item_json({item.path, record}, state == ItemState::made ? "completed" : "up_to_date"));
    return;
  }
  if (!run.options.print && !run.options.print0) return;
  for (const RunResult& result : record->results) {
    console.put(run.goal == Goal::directory ? fmt::format("{}/{}", run.place, result.file)
                                            : run.options.output);
    console.put(run.options.print0 ? std::string_view("\0", 1) : "\n");
  }
}

void add_items(Run& run, const Inputs& inputs, const DoneFile& done_file) {
  for (const Trouble& trouble : inputs.trouble) {
    if (run.shard.has(trouble.name)) fail_by(run, trouble);
  }
  std::set<Origin> seen;
  std::vector<Input> kept;
  for (const Input& input : inputs.files) add_item(run, done_file, input, seen, kept);
  const std::vector<std::string> stems =
      name_outputs(kept, [&](const std::string& name, size_t input) {
        return done_file.is_taken(name, run.items[input].real);
      });
  std::vector<RunItem> ours;
  for (size_t i = 0; i < run.items.size(); ++i) {
    run.items[i].stem = stems[i];
    run.sources.push_back(run.items[i].id);
    if (!is_ours(run, kept[i])) continue;
    run.by_key[run.items[i].key] = ours.size();
    ours.push_back(std::move(run.items[i]));
  }
  run.items = std::move(ours);
  std::sort(run.sources.begin(), run.sources.end());
  run.states.assign(run.items.size(), ItemState::wanted);
  tell_passed_over(run.session.console, inputs);
  const bool made = std::any_of(inputs.passed_over.begin(), inputs.passed_over.end(),
                                [](const auto& one) { return one.why == Passed::own_result; });
  if (made) run.nothing = "no image found but those that imgq has made";
}

// What is done already is reported; what is left is returned.
std::vector<size_t> still_to_do(Run& run, DoneFile& done_file) {
  std::vector<size_t> left;
  for (size_t i = 0; i < run.items.size(); ++i) {
    const RunItem& item = run.items[i];
    if (done_file.up_to_date(origin_of(item), item.size_bytes, item.modified_ns,
                             run.request_digest)) {
      succeed(run, done_file, i, ItemState::up_to_date);
    } else if (const RunRecord* bad = known_bad(run, done_file, item)) {
      run.states[i] = ItemState::known_bad;
      fail_again(run, item, *bad);
    } else {
      left.push_back(i);
    }
  }
  return left;
}

}  // namespace imgq::cli
