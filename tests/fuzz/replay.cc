// Runs a target without libFuzzer: every file of its corpus, then a fixed number of inputs made
// from them by changes that a seed decides. So the same inputs are tried with every compiler.
//   usage: TARGET [-runs=N] [-seed=N] CORPUS...
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace imgq::fuzz {
namespace {

using Bytes = std::string;
constexpr size_t kMostBytes = 1 << 16;

std::vector<Bytes> read_corpus(const std::vector<std::string>& places) {
  std::vector<std::string> files;
  for (const std::string& place : places) {
    if (!std::filesystem::is_directory(place)) {
      files.push_back(place);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(place)) {
      files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<Bytes> inputs;
  for (const std::string& file : files) {
    std::ifstream in(file, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return inputs;
}

class Changer {
 public:
  Changer(const std::vector<Bytes>& corpus, unsigned seed) : corpus_(corpus), random_(seed) {}

  Bytes next() {
    Bytes input = corpus_[below(corpus_.size())];
    for (size_t left = 1 + below(6); left > 0; --left) change(input);
    if (input.size() > kMostBytes) input.resize(kMostBytes);
    return input;
  }

 private:
  size_t below(size_t bound) { return bound == 0 ? 0 : random_() % bound; }
  char byte() { return static_cast<char>(below(256)); }

  void change(Bytes& input) {
    const size_t at = below(input.size() + 1);
    const size_t length = below(std::min<size_t>(input.size() - at, 32) + 1);
    static constexpr const char* kWords[] = {
        "\r\n",    "\"",  "{",  "}",        "[",    "-1",   "99999999999999999999",
        "\\u0000", "%00", "..", "\xff\xd8", "null", "1e999"};
    switch (below(7)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
        break;
      case 1:
        if (at < input.size()) input[at] = byte();
        break;
      case 2:
        input.resize(at);
        break;
      case 3:
        input.erase(at, length);
        break;
      case 4:
        input.insert(at, input.substr(at, length));
        break;
      case 5:
        input.insert(at, kWords[below(std::size(kWords))]);
        break;
      default: {
        const Bytes& other = corpus_[below(corpus_.size())];
        const size_t from = below(other.size() + 1);
        input = input.substr(0, at) + other.substr(from);
      }
    }
  }

  const std::vector<Bytes>& corpus_;
  std::mt19937 random_;
};

void run(const Bytes& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

}  // namespace
}  // namespace imgq::fuzz

int main(int argc, char** argv) {
  std::vector<std::string> places;
  unsigned long runs = 0;
  unsigned seed = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.rfind("-runs=", 0) == 0) {
      runs = std::stoul(word.substr(6));
    } else if (word.rfind("-seed=", 0) == 0) {
      seed = static_cast<unsigned>(std::stoul(word.substr(6)));
    } else if (word[0] != '-') {
      places.push_back(word);
    }
  }
  const auto corpus = imgq::fuzz::read_corpus(places);
  if (corpus.empty()) {
    std::fprintf(stderr, "no corpus\n");
    return 2;
  }
  for (const auto& input : corpus) imgq::fuzz::run(input);
  imgq::fuzz::Changer changer(corpus, seed);
  for (unsigned long i = 0; i < runs; ++i) imgq::fuzz::run(changer.next());
  std::printf("%zu files, %lu changed inputs: no promise broken\n", corpus.size(), runs);
  return 0;
}
