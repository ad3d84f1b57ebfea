#include "src/cli/ids.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "src/util/io.h"
#include "src/util/text.h"

namespace imgq::cli {
namespace {

bool stdin_has_a_list() {
  struct stat about{};
  if (::fstat(STDIN_FILENO, &about) != 0) return false;
  return S_ISFIFO(about.st_mode) || S_ISREG(about.st_mode) || S_ISSOCK(about.st_mode);
}

std::string first_word(const std::string& line) {
  const size_t begin = line.find_first_not_of(" \t\r");
  if (begin == std::string::npos) return "";
  return line.substr(begin, line.find_first_of(" \t\r", begin) - begin);
}

Status read_words(std::vector<std::string>& words) {
  const auto text = read_all(STDIN_FILENO, "stdin");
  if (!text) return text.error();
  size_t begin = 0;
  while (begin < text->size()) {
    const size_t end = std::min(text->find('\n', begin), text->size());
    const std::string word = first_word(text->substr(begin, end - begin));
    if (!word.empty()) words.push_back(word);
    begin = end + 1;
  }
  return Ok{};
}

}  // namespace

Result<std::vector<JobId>> gather_ids(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  for (const std::string& argument : arguments) {
    if (argument != "-") {
      words.push_back(argument);
    } else if (auto read = read_words(words); !read) {
      return read.error();
    }
  }
  if (arguments.empty()) {
    if (!stdin_has_a_list()) return Error{EINVAL, "no job id given", ""};
    if (auto read = read_words(words); !read) return read.error();
  }
  std::vector<JobId> ids;
  for (const std::string& word : words) {
    auto id = JobId::parse(word);
    if (!id) {
      return Error{EINVAL, fmt::format("'{}' is not a job id", printable(shortened(word, 80))), ""};
    }
    ids.push_back(std::move(*id));
  }
  return ids;
}

}  // namespace imgq::cli
