#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/base/limits.h"
#include "src/base/request.h"
#include "src/base/watermark.h"
#include "src/util/error.h"
#include "src/util/fd.h"

// What supervisor and worker say to each other over a SOCK_SEQPACKET socket pair (the worker's fd
// 3): one message is one JSON object of at most 60 KiB, descriptors ride along as SCM_RIGHTS.
//   supervisor -> worker   {"do":"render","slot":"normal","request":{...},
//                           "watermarks":[{"place":"south-east","opacity":50}]}
//                              + source, one result fd a rendition, one of each watermark: of those
//                              renditions that name one, in their order; without any, no member
//                          {"do":"inspect"}
//                              + source
//   worker -> supervisor   a Verdict (src/base/verdict.h);
//                          first of all {"ready":true} once confined
// Limits come to the worker once, as its first argument's JSON. End of file ends the worker.
namespace imgq::wire {

inline constexpr size_t kMaxMessageBytes = size_t{60} * 1024;
inline constexpr size_t kMaxDescriptors = 1 + 2 * kMaxRenditions;
inline constexpr int kWorkerSocket = 3;

struct Packet {
  std::string text;
  std::vector<Fd> fds;
};

// One message each, EINTR retried, MSG_NOSIGNAL, MSG_CMSG_CLOEXEC.
//   errors  of sendmsg(2), recvmsg(2); EPIPE or ECONNRESET the other side is gone;
//           EMSGSIZE too long or too many descriptors (those received are closed);
//           ENODATA end of file
Status send(int socket, std::string_view text, const std::vector<int>& fds);
Result<Packet> receive(int socket);

enum class Task { render, inspect };
struct Order {
  Task task = Task::render;
  Slot slot = Slot::normal;
  Request request;
  std::vector<Watermark> watermarks = {};
};
std::string encode(const Order& order);
Result<Order> decode_order(std::string_view text);

}  // namespace imgq::wire
