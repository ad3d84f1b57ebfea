#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace imgq {

// What went wrong, in parts: errno for the program, action and path for the reader.
//   code    an errno value; 0 when data was bad rather than a call refused
//   action  what was tried, or what is wrong with the data: "rename to processing",
//           "digest differs"
//   path    the file it was tried on, relative to the spool where it lies in one
struct Error {
  int code = 0;
  std::string action;
  std::string path;

  // One line for people: "cannot rename to processing: staging/0193...: No space left on device".
  std::string text() const;
};

// The Error of the call just made; take it in the very next statement, before errno changes.
inline Error last_error(std::string_view action, std::string_view path, int code = errno) {
  return {code, std::string(action), std::string(path)};
}

// Data that cannot be what it claims to be: a torn record, a forged name.
inline Error bad_data(std::string_view what, std::string_view path) {
  return {0, std::string(what), std::string(path)};
}

// A T, or why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

struct Ok {};
using Status = Result<Ok>;

}  // namespace imgq
