#pragma once

// Where the releases of cpp-httplib differ, found by what its classes have, not by its version.
// Those classes are parameters, for no header of ours includes the library.

#include <ctime>
#include <functional>
#include <string>
#include <utility>

namespace imgq::web::httplib_adaptor {

// void in older releases, whether the task was taken in newer ones.
template <class TaskQueue>
using Enqueued =
    decltype(std::declval<TaskQueue&>().enqueue(std::declval<std::function<void()>>()));

template <class Base>
class OpenStream : public Base {
 public:
  // Whether what is written can still reach the client.
  virtual bool open() const = 0;
};

// Each of the two below overrides its members only where the base has them.
template <class Base>
class WithWritable : public Base {};

template <class Base>
  requires requires(const Base& base) { base.is_writable(); }
class WithWritable<Base> : public Base {
 public:
  bool is_writable() const override { return this->open(); }
};

template <class Base>
class WithWaits : public Base {};

template <class Base>
  requires requires(const Base& base) { base.wait_writable(); }
class WithWaits<Base> : public Base {
 public:
  bool wait_readable() const override { return true; }
  bool wait_writable() const override { return this->open(); }
  time_t duration() const override { return 0; }  // the wire keeps its own time
};

template <class Base>
using Stream = WithWaits<WithWritable<OpenStream<Base>>>;

template <class Base>
class Server : public Base {
 protected:
  // `look` sees the request as soon as its head is read. The library is told that the connection
  // closes, and what it says of that is replaced, for 0.41 closes after each error.
  template <class Stream, class Look>
  bool process(Stream& stream, const Look& look) {
    return process_as(*this, stream, look);
  }

 private:
  // A template, for a call that this release lacks is to be passed over.
  template <class Self, class Stream, class Look>
  static bool process_as(Self& self, Stream& stream, const Look& look) {
    bool closed = false;
    if constexpr (requires { self.process_request(stream, true, closed, look); }) {
      return self.process_request(stream, true, closed, look);
    } else {
      const std::string nobody;  // the addresses are the wire's to know
      return self.process_request(stream, nobody, 0, nobody, 0, true, closed, look);
    }
  }
};

}  // namespace imgq::web::httplib_adaptor
