#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "src/util/json_fwd.h"

namespace imgq {

// The members of a JSON object, listed once for both ways: the same calls write values in their
// order, or read them, check each, and remember the first that is missing or wrong. A value that is
// wrong stays as it was. Whoever writes may find texts changed as they were written.
class JsonFields {
 public:
  // must   a member is always written, and missed when it is not there
  // may    it is written when it says something (not 0, not empty), and need not be there
  enum class Need { must, may };
  static constexpr size_t kAnyLength = size_t{1} << 32;

  JsonFields() = default;                                        // writes
  explicit JsonFields(const Json& object) : object_(&object) {}  // reads; it outlives this

  bool writing() const { return object_ == nullptr; }
  std::string written() const { return text_ + "}"; }

  // At most `most` bytes. Longer text is cut to be written; a byte of it that is not UTF-8 becomes
  // the three of U+FFFD, so that three times as many are read.
  void text(const char* key, std::string& value, size_t most, Need need = Need::must);
  // Any bytes, at most `most`, percent-encoded.
  void bytes(const char* key, std::string& value, size_t most, Need need = Need::must);
  void digest(const char* key, std::string& value, Need need = Need::must);  // SHA-256, in hex
  void real(const char* key, double& value, double low, double high);
  void truth(const char* key, bool& value, Need need = Need::must);
  // A list of at most `most` texts.
  void texts(const char* key, std::vector<std::string>& values, size_t most, size_t longest,
             Need need = Need::must);
  // A whole object as its text. Text that is none is written as null, which is wrong to any reader.
  void opaque(const char* key, std::string& text);

  template <std::integral T>
  void number(const char* key, T& value, int64_t low, int64_t high, Need need = Need::must) {
    value = static_cast<T>(integer(key, value, low, high, need));
  }

  // One of some words, which name_of() tells of their values; else the field "is not `what`".
  template <class T>
  void word(const char* key, T& value, std::initializer_list<T> all, std::string_view what) {
    std::string name(name_of(value));
    text(key, name, kAnyLength);
    for (const T one : all) {
      if (name_of(one) == name) return void(value = one);
    }
    wrong(key, what);
  }

  // An object within, and a list of at most `most` objects: `list` tells the fields of one.
  void part(const char* key, const std::function<void(JsonFields&)>& list);
  template <class T, class List>
  void each(const char* key, std::vector<T>& values, size_t most, List list) {
    values.resize(begin(key, values.size(), most));
    for (size_t i = 0; i < values.size(); ++i) {
      item(key, i, [&](JsonFields& fields) { list(fields, values[i]); });
    }
    if (writing()) text_ += ']';
  }

  // Remembers "field `key` is not `what`".
  void wrong(std::string_view key, std::string_view what);
  const std::string& trouble() const { return trouble_; }  // the first; empty when all is well

 private:
  const Json* find(const char* key, Need need);
  std::string& open(const char* key);  // for the value to be added
  int64_t integer(const char* key, int64_t value, int64_t low, int64_t high, Need need);
  size_t begin(const char* key, size_t size, size_t most);
  void item(const char* key, size_t index, const std::function<void(JsonFields&)>& list);
  void within(const char* key, const Json* inner, const std::function<void(JsonFields&)>& list);
  void fail(std::string what);
  const Json* object_ = nullptr;
  std::string text_ = "{";
  std::string trouble_;
};

}  // namespace imgq
