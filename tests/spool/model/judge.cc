// The judgement of a spool at rest: spool/FORMAT.md "Invariants", read straight from the simulated
// disk.
#include <algorithm>

#include "spool/layout.h"
#include "src/util/digest.h"
#include "tests/spool/model/lab.h"

namespace imgq::model {
namespace {

struct Judge {
  const Lab& lab;
  bool tidy;  // names are judged, too
  std::vector<std::string> wrong;

  sim::InodePtr at(const std::string& path) const {
    return lab.world.look_up(std::string(kSpool) + "/" + path);
  }
  void say(const JobId& id, const std::string& what) { wrong.push_back(id.text() + ": " + what); }
};

// Every folder in which the job has a token, with the token's name.
std::vector<std::pair<std::string, std::string>> tokens_of(const Judge& judge, const JobId& id) {
  std::vector<std::pair<std::string, std::string>> found;
  const std::function<void(const sim::InodePtr&, const std::string&)> walk =
      [&](const sim::InodePtr& dir, const std::string& state) {
        for (const auto& [name, child] : dir->names) {
          if (child->is_directory()) {
            walk(child, state);
          } else if (name.find(id.text()) != std::string::npos) {
            found.emplace_back(state, name);
          }
        }
      };
  for (const State state : kAllStates) {
    if (const auto dir = judge.at(std::string(name_of(state))))
      walk(dir, std::string(name_of(state)));
  }
  return found;
}

void judge_results(Judge& judge, const Outcome& outcome) {
  if (outcome.results.size() != 2) judge.say(outcome.id, "completed without its two results");
  for (const ResultFile& result : outcome.results) {
    const auto file = judge.at(layout::result(outcome.id, result.file));
    if (!file) {
      judge.say(outcome.id, "completed, but " + result.file + " is missing");
    } else if (sha256_hex(file->data) != result.sha256 ||
               file->data != result.rendition + " of " + outcome.id.text()) {
      judge.say(outcome.id, "completed, but " + result.file + " has other bytes");
    }
  }
}

void judge_answer(Judge& judge, const Promise& promise, const Outcome& found) {
  if (promise.completions > 1) judge.say(found.id, "was published twice");
  if (!promise.answered) return;
  const Outcome& said = *promise.answered;
  const bool same =
      said.ending == found.ending && said.attempt == found.attempt && said.owner == found.owner;
  const bool may_differ = promise.may_change && said.ending == Ending::failed;
  if (!same && !may_differ) {
    judge.say(found.id, "was answered " + std::string(name_of(said.ending)) + " by " + said.owner +
                            ", and is " + std::string(name_of(found.ending)) + " by " +
                            found.owner);
  }
}

void judge_attempts(Judge& judge, const Ticket& ticket) {
  int counted = 0;
  for (int n = 1; n < 200; ++n) {
    const auto file = judge.at(layout::try_record(ticket.id, n));
    if (!file) continue;
    const auto attempt = decode_try(file->data, "try");
    if (!attempt) {
      judge.say(ticket.id, "try record " + std::to_string(n) + ": " + attempt.error().text());
      continue;
    }
    if (attempt->kind == Try::Kind::counted) counted++;
    if (attempt->kind == Try::Kind::retried) counted = 0;
  }
  if (counted > ticket.max_attempts) judge.say(ticket.id, "had too many attempts");
}

using Tokens = std::vector<std::pair<std::string, std::string>>;

void judge_missing(Judge& judge, const JobId& id, const Promise& promise, const Tokens& tokens) {
  if (promise.accepted && !promise.may_be_gone) judge.say(id, "was accepted and is lost");
  if (judge.tidy && !tokens.empty()) judge.say(id, "has a token and no ticket");
}

void judge_open(Judge& judge, const JobId& id, const Promise& promise, const Tokens& tokens,
                const std::string& places) {
  const bool resting = tokens.size() == 1 && tokens[0].first == "hold";
  const bool may_rest = promise.held || promise.may_be_held || !promise.accepted;
  if (!resting || !may_rest) judge.say(id, "never ended:" + places);
  if (promise.answered && !promise.may_change) judge.say(id, "its answered outcome is gone");
}

void judge_ended(Judge& judge, const Outcome& outcome, const Promise& promise) {
  const JobId& id = outcome.id;
  if (outcome.ending == Ending::completed) judge_results(judge, outcome);
  if (promise.held && outcome.ending != Ending::cancelled) judge.say(id, "ran while it was held");
  if (promise.cancelled && outcome.ending != Ending::cancelled) {
    judge.say(id, "was cancelled, and ran");
  }
  judge_answer(judge, promise, outcome);
  const auto& told = promise.told;
  const bool knows = told && told->ending == outcome.ending && told->attempt == outcome.attempt;
  if (judge.lab.hooks && !knows) judge.say(id, "ended, and its hook was not run");
}

void judge_job(Judge& judge, const JobId& id, const Promise& promise) {
  const auto file = judge.at(layout::ticket(id));
  const auto tokens = tokens_of(judge, id);
  if (!file) return judge_missing(judge, id, promise, tokens);
  const auto ticket = decode_ticket(file->data, "ticket");
  if (!ticket) return judge.say(id, "unreadable ticket: " + ticket.error().text());
  std::string places;
  for (const auto& [state, name] : tokens) places.append(" ").append(state + "/" + name);
  if (judge.tidy && tokens.size() != 1) judge.say(id, "has not one token, but:" + places);
  judge_attempts(judge, *ticket);
  const auto end = judge.at(layout::outcome(id));
  if (!end) return judge_open(judge, id, promise, tokens, places);
  const auto outcome = decode_outcome(end->data, "outcome");
  if (!outcome) return judge.say(id, "unreadable outcome: " + outcome.error().text());
  if (judge.tidy && tokens.size() == 1 && tokens[0].first != name_of(outcome->ending)) {
    judge.say(id, std::string(name_of(outcome->ending)) + ", but its token is in" + places);
  }
  judge_ended(judge, *outcome, promise);
}

// All jobs that have a ticket, also those nobody was told of.
std::vector<JobId> all_jobs(const Judge& judge) {
  std::vector<JobId> ids;
  const auto jobs = judge.at("jobs");
  for (const auto& [day, hours] : jobs->names) {
    for (const auto& [hour, folder] : hours->names) {
      for (const auto& [name, file] : folder->names) {
        const auto part = layout::parse_part(name);
        if (part && part->kind == layout::Part::Kind::ticket) ids.push_back(part->id);
      }
    }
  }
  return ids;
}

void judge_keys(Judge& judge) {
  std::map<std::string, std::set<JobId>> by_key;
  for (const auto& [id, promise] : judge.lab.ledger) {
    if (!promise.key.empty()) by_key[promise.key].insert(id);
  }
  for (const auto& [key, ids] : by_key) {
    if (ids.size() > 1) judge.wrong.push_back("key " + key + " gave two jobs");
  }
}

// Nothing that anybody counts on is put aside; what a submission or a purge cut short left may be.
void judge_corrupt(Judge& judge) {
  for (const auto& [name, file] : judge.at("corrupt")->names) {
    for (const auto& [id, promise] : judge.lab.ledger) {
      const bool counted_on = promise.accepted && !promise.may_be_gone;
      if (counted_on && name.find(id.text()) != std::string::npos) {
        judge.wrong.push_back("corrupt/ holds " + name);
      }
    }
  }
}

}  // namespace

std::vector<std::string> judge(const Lab& lab, Helper helper) {
  Judge judge{lab, helper == Helper::fsck, {}};
  std::set<JobId> seen;
  for (const auto& [id, promise] : lab.ledger) {
    judge_job(judge, id, promise);
    seen.insert(id);
  }
  judge_keys(judge);
  if (!judge.tidy) return std::move(judge.wrong);
  for (const JobId& id : all_jobs(judge)) {
    if (seen.count(id) == 0) judge_job(judge, id, Promise{});
  }
  for (const auto& [name, file] : judge.at("tmp")->names) {
    const auto writer = layout::parse_writer(name);
    const bool lives = writer && lab.world.lives(writer->host, writer->pid);
    if (lives && layout::is_writer_lock(name)) continue;
    if (name != "foreign.txt") judge.wrong.push_back("left in tmp: " + name);
  }
  for (const auto& [name, file] : judge.at("processing")->names) {
    judge.wrong.push_back("left in processing: " + name);
  }
  if (judge.lab.hooks) {
    for (const auto& [name, file] : judge.at("hooks")->names) {
      judge.wrong.push_back("left in hooks: " + name);
    }
  }
  judge_corrupt(judge);
  return std::move(judge.wrong);
}

}  // namespace imgq::model
