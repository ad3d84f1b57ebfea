#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "src/supervise/listener.h"

namespace imgq::test {

// Hears all that a part of the engine tells, and minds nothing but that no worker can be started.
class SilentListener : public supervise::Listener {
 public:
  void changed() override {}
  void trouble(const Error& /*error*/) override {}
  void well() override {}
  void doubtful() override {}
  void prepared(supervise::Prepared /*job*/) override {}
  void cordoned(bool /*now*/) override {}
  void judged(supervise::JobPtr /*job*/, Verdict /*verdict*/) override {}
  void dropped(supervise::JobPtr /*job*/) override {}
  void broken(const Error& error) override { ADD_FAILURE() << error.text(); }
  void ended(const Outcome& /*outcome*/, const Ticket& /*ticket*/) override {}
  void delayed(const Ticket& /*t*/, const Verdict& /*v*/, int64_t /*retry_ms*/) override {}
  void entered() override {}
  void refused(const Error& /*error*/) override {}
  void removed() override {}
  void lost(const std::shared_ptr<Owner>& /*owner*/) override {}
  void recovered() override {}
  void not_alone() override {}
  void others_at_work(const Recovered& /*seen*/) override {}

 protected:
  ~SilentListener() = default;
};

}  // namespace imgq::test
