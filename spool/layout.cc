#include "spool/layout.h"

#include <algorithm>
#include <array>

#include "spool/records.h"

namespace imgq::layout {
namespace {

constexpr size_t kIdLength = 36;
constexpr size_t kRandomLength = 16;
constexpr size_t kDueLength = 13;
constexpr std::string_view kCordon = "cordon.";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

std::string joined(std::string_view folder, std::string_view name) {
  return std::string(folder) + "/" + std::string(name);
}

std::string part(const JobId& id, std::string_view ending) {
  return hour_folder(id) + "/" + id.text() + std::string(ending);
}

std::string name_of_token(const Token& token) {
  return token.id.text() + "." + std::to_string(token.attempt);
}

// A number as we write it: digits without a leading zero, between 1 and `high`.
std::optional<int64_t> number(std::string_view text, int64_t high) {
  if (text.empty() || text.size() > 10 || text[0] == '0') return std::nullopt;
  if (!std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  int64_t value = 0;
  for (const char c : text) value = value * 10 + (c - '0');
  return value <= high ? std::optional(value) : std::nullopt;
}

std::optional<int> attempt_number(std::string_view text) {
  const auto value = number(text, kMaxAttemptNumber);
  return value ? std::optional(static_cast<int>(*value)) : std::nullopt;
}

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

bool is_random(std::string_view text) {
  return text.size() == kRandomLength && std::all_of(text.begin(), text.end(), is_hex);
}

// Splits at dots into exactly N pieces.
template <size_t N>
std::optional<std::array<std::string_view, N>> pieces(std::string_view text) {
  std::array<std::string_view, N> found;
  for (size_t i = 0; i < N; ++i) {
    const size_t dot = i + 1 < N ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return std::nullopt;
    found[i] = text.substr(0, dot);
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return found[N - 1].find('.') == std::string_view::npos ? std::optional(found) : std::nullopt;
}

std::optional<sys::Identity> writer(std::string_view host, std::string_view boot,
                                    std::string_view pid, std::string_view random) {
  const auto number_of_process = number(pid, 0x7fffffff);
  if (!is_label(host) || !is_label(boot) || !number_of_process || !is_random(random)) {
    return std::nullopt;
  }
  return sys::Identity{std::string(host), std::string(boot), static_cast<int>(*number_of_process)};
}

// <n>.<rendition>.<ext> after the id and its dot.
std::optional<Part> result_part(const JobId& id, std::string_view rest) {
  const auto found = pieces<3>(rest);
  if (!found) return std::nullopt;
  const auto [number_text, rendition, extension] = *found;
  const auto attempt = attempt_number(number_text);
  if (!attempt || !is_rendition_name(rendition) || !is_extension(extension)) return std::nullopt;
  return Part{id, Part::Kind::result, *attempt, std::string(rendition)};
}

}  // namespace

bool is_own_name(std::string_view name) {
  return name == "format" || name == "lost+found" ||
         std::find(std::begin(kFolders), std::end(kFolders), name) != std::end(kFolders);
}

bool may_be_missing(std::string_view folder) { return folder == kHooks; }

std::string hour_folder(const JobId& id) { return joined("jobs", id.folder()); }
std::string ticket(const JobId& id) { return part(id, ".job"); }
std::string source(const JobId& id) { return part(id, ".src"); }
std::string try_record(const JobId& id, int attempt) {
  return part(id, ".try-" + std::to_string(attempt));
}
std::string outcome(const JobId& id) { return part(id, ".end"); }
std::string placed(const JobId& id) { return part(id, ".placed"); }
std::string result(const JobId& id, std::string_view file) { return joined(hour_folder(id), file); }
std::string result_file(const JobId& id, int attempt, std::string_view rendition,
                        std::string_view extension) {
  return id.text() + "." + std::to_string(attempt) + "." + std::string(rendition) + "." +
         std::string(extension);
}

std::string staging(const Token& token) { return joined("staging", name_of_token(token)); }
std::string delayed(int64_t due_ms, const Token& token) {
  std::string due = std::to_string(std::clamp<int64_t>(due_ms, 0, 9'999'999'999'999));
  due.insert(0, kDueLength - due.size(), '0');
  return "delayed/" + due + "." + name_of_token(token);
}
std::string hold(const Token& token) { return joined("hold", name_of_token(token)); }
std::string first_token(const JobId& id, State first) {
  return first == State::hold ? hold({id, 1}) : staging({id, 1});
}
std::string processing(std::string_view owner, const Token& token) {
  return joined(owner_folder(owner), name_of_token(token));
}
std::string owner_folder(std::string_view owner) { return joined("processing", owner); }
std::string alive(std::string_view owner) { return joined(owner_folder(owner), ".alive"); }
std::string cordon_name(std::string_view host) { return std::string(kCordon) + std::string(host); }
std::string cordon(std::string_view host) { return owner_folder(cordon_name(host)); }
std::string ended(Ending ending, const JobId& id) {
  const std::string hour = ending == Ending::completed ? id.folder() + "/" : "";
  return joined(name_of(ending), hour + id.text());
}
std::string key_shard(std::string_view sha256_of_key) {
  return joined("keys", sha256_of_key.substr(0, 2));
}
std::string key(std::string_view sha256_of_key) {
  return joined(key_shard(sha256_of_key), sha256_of_key.substr(2));
}
std::string hook(const JobId& id) { return joined(kHooks, id.text()); }
std::string temp(std::string_view random, const sys::Identity& me) {
  return "tmp/" + std::string(random) + "." + me.host + "." + me.boot + "." +
         std::to_string(me.pid);
}
std::string numbered(std::string_view run, uint32_t number) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(run);
  for (int shift = 28; shift >= 0; shift -= 4) text += kDigits[(number >> shift) & 15U];
  return text;
}
std::string lock_of(std::string_view temp_name) {
  return numbered(temp_name.substr(0, kRunLength), 0) +
         std::string(temp_name.substr(kRandomLength));
}
bool is_writer_lock(std::string_view temp_name) {
  return parse_writer(temp_name) && lock_of(temp_name) == temp_name;
}
std::string owner_name(const sys::Identity& me, std::string_view random) {
  return me.host + "." + me.boot + "." + std::to_string(me.pid) + "." + std::string(random);
}
std::string corrupt(std::string_view path, std::string_view random) {
  std::string name = "corrupt/" + std::string(random) + ".";
  const size_t slash = path.rfind('/');
  name += path.substr(slash == std::string_view::npos ? 0 : slash + 1);
  return name;
}

std::string folder_of(std::string_view path) {
  return std::string(path.substr(0, path.rfind('/')));
}

std::optional<Token> parse_token(std::string_view name) {
  if (name.size() < kIdLength + 2 || name[kIdLength] != '.') return std::nullopt;
  const auto attempt = attempt_number(name.substr(kIdLength + 1));
  if (!attempt) return std::nullopt;
  auto id = JobId::parse(name.substr(0, kIdLength));
  return id ? std::optional(Token{std::move(*id), *attempt}) : std::nullopt;
}

std::optional<Due> parse_delayed(std::string_view name) {
  if (name.size() < kDueLength + 1 || name[kDueLength] != '.') return std::nullopt;
  int64_t due_ms = 0;
  for (const char c : name.substr(0, kDueLength)) {
    if (!is_digit(c)) return std::nullopt;
    due_ms = due_ms * 10 + (c - '0');
  }
  auto token = parse_token(name.substr(kDueLength + 1));
  return token ? std::optional(Due{due_ms, std::move(*token)}) : std::nullopt;
}

std::optional<sys::Identity> parse_writer(std::string_view name) {
  const auto found = pieces<4>(name);
  if (!found) return std::nullopt;
  const auto& [first, second, third, fourth] = *found;
  if (auto owner = writer(first, second, third, fourth)) return owner;
  return writer(second, third, fourth, first);
}

std::optional<std::string> parse_cordon(std::string_view name) {
  if (name.substr(0, kCordon.size()) != kCordon) return std::nullopt;
  name.remove_prefix(kCordon.size());
  return is_host(name) ? std::optional(std::string(name)) : std::nullopt;
}

bool is_host(std::string_view text) { return is_label(text); }

std::optional<Part> parse_part(std::string_view name) {
  if (name.size() < kIdLength + 2 || name[kIdLength] != '.') return std::nullopt;
  const std::string_view rest = name.substr(kIdLength + 1);
  const auto id = JobId::parse(name.substr(0, kIdLength));
  if (!id) return std::nullopt;
  if (rest == "job") return Part{*id, Part::Kind::ticket};
  if (rest == "src") return Part{*id, Part::Kind::source};
  if (rest == "end") return Part{*id, Part::Kind::outcome};
  if (rest == "placed") return Part{*id, Part::Kind::placed};
  if (rest.substr(0, 4) == "try-") {
    const auto attempt = attempt_number(rest.substr(4));
    if (!attempt) return std::nullopt;
    return Part{*id, Part::Kind::try_record, *attempt};
  }
  return result_part(*id, rest);
}

bool is_rendition_name(std::string_view name) {
  if (name.empty() || name.size() > 32) return false;
  if (!is_lower(name[0]) && !is_digit(name[0])) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_lower(c) || is_digit(c) || c == '_' || c == '-'; });
}

bool is_extension(std::string_view text) {
  return !text.empty() && text.size() <= 8 &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_lower(c) || is_digit(c); });
}

bool is_day(std::string_view name) {
  if (name.size() != 10) return false;
  for (size_t at = 0; at < 10; ++at) {
    if (at == 4 || at == 7 ? name[at] != '-' : !is_digit(name[at])) return false;
  }
  return true;
}

bool is_hour(std::string_view name) {
  return name.size() == 2 && is_digit(name[0]) && is_digit(name[1]) && name < "24";
}

}  // namespace imgq::layout
