#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "src/util/error.h"

namespace imgq {

// A job's name: a UUIDv7 (RFC 9562, section 5.7) in its standard text form, lower case, 36
// characters. Sorts by time of submission, cannot be guessed, is never used again, and says in
// which hour folder the job lies. JobId::parse is the only way from text to a JobId, so a JobId
// is always safe as part of a path.
class JobId {
 public:
  // A new id for this moment, its 74 random bits from getrandom(2). Within one process each id is
  // greater than the one before, also when the clock steps back (by no more than an hour) or two
  // fall into one millisecond.
  static JobId generate();

  // Strict: 36 characters, lower-case hex and dashes in place, version 7, variant 10.
  //   errors  code 0, "not a job id"; the path holds the text, escaped and shortened
  static Result<JobId> parse(std::string_view text);

  const std::string& text() const { return text_; }
  int64_t unix_ms() const;     // when it was made, by the submitter's clock
  std::string folder() const;  // "2026-11-24/05": day and hour (UTC)

  friend auto operator<=>(const JobId&, const JobId&) = default;

 private:
  explicit JobId(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace imgq
