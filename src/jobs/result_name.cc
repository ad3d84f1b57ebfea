#include "src/jobs/result_name.h"

#include <fmt/format.h>

#include "src/util/paths.h"

namespace imgq {

std::string result_name(const Ticket& ticket, const Outcome& outcome, const ResultFile& result,
                        int number) {
  std::string stem(stem_of(base_name(ticket.name)));
  if (stem.empty() || stem[0] == '.') stem = ticket.id.text();
  const std::string count = number > 1 ? fmt::format("-{}", number) : "";
  const std::string middle = outcome.results.size() > 1 ? "." + result.rendition : "";
  return fmt::format("{}{}{}.{}", stem, count, middle, extension_in(result.file));
}

}  // namespace imgq
