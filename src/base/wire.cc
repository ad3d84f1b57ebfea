#include "src/base/wire.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "src/util/json.h"

namespace imgq::wire {
namespace {

constexpr std::array<std::string_view, 3> kSlots = {"normal", "heavy", "alone"};  // as of Slot
constexpr size_t kControlBytes = CMSG_SPACE(sizeof(int) * 2 * kMaxDescriptors);

// Room for more descriptors than are allowed, so that too many are seen and not silently cut.
union Control {
  cmsghdr align;
  std::array<char, kControlBytes> bytes;
};

void attach(msghdr& header, Control& control, const std::vector<int>& fds) {
  const size_t size = sizeof(int) * fds.size();
  header.msg_control = control.bytes.data();
  header.msg_controllen = CMSG_SPACE(size);
  cmsghdr* part = CMSG_FIRSTHDR(&header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(size);
  std::memcpy(CMSG_DATA(part), fds.data(), size);
}

void take_descriptors(const cmsghdr* part, std::vector<Fd>& into) {
  const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (size_t i = 0; i < count; ++i) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
    into.emplace_back(fd);
  }
}

// Owns them all first, so that a refused message leaks none.
std::vector<Fd> descriptors_of(msghdr& header) {
  std::vector<Fd> fds;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
      take_descriptors(part, fds);
    }
  }
  return fds;
}

std::string watermarks_json(const std::vector<Watermark>& watermarks) {
  if (watermarks.empty()) return "";
  Json list = Json::array();
  for (const Watermark& one : watermarks) {
    list.push_back({{"place", name_of(one.place)}, {"opacity", one.opacity_percent}});
  }
  return R"(,"watermarks":)" + dump_json(list);
}

std::optional<std::vector<Watermark>> watermarks_in(const Json& order) {
  std::vector<Watermark> out;
  const Json* list = member(order, "watermarks");
  if (list == nullptr) return out;
  if (!list->is_array() || list->size() > kMaxRenditions) return {};
  for (const Json& one : *list) {
    const auto place = text_in(one, "place");
    const Json* opacity = member(one, "opacity");
    const auto anchor = parse_watermark_place(place.value_or(""));
    if (!anchor || opacity == nullptr || !opacity->is_number_integer()) return {};
    const auto percent = parse_opacity(dump_json(*opacity));
    if (!percent) return {};
    out.push_back({"", *anchor, *percent});
  }
  return out;
}

}  // namespace

Status send(int socket, std::string_view text, const std::vector<int>& fds) {
  if (text.size() > kMaxMessageBytes || fds.size() > kMaxDescriptors) {
    return Error{EMSGSIZE, "send to worker", ""};
  }
  iovec piece{const_cast<char*>(text.data()), text.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  Control control{};
  if (!fds.empty()) attach(header, control, fds);
  ssize_t sent = -1;
  do {
    sent = ::sendmsg(socket, &header, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return last_error("send message", "");
  return Ok{};
}

Result<Packet> receive(int socket) {
  std::string text(kMaxMessageBytes, '\0');
  iovec piece{text.data(), text.size()};
  Control control{};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes.data();
  header.msg_controllen = control.bytes.size();
  ssize_t got = -1;
  do {
    got = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return last_error("receive message", "");
  Packet packet{std::move(text), descriptors_of(header)};
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || packet.fds.size() > kMaxDescriptors) {
    return Error{EMSGSIZE, "receive message", ""};
  }
  if (got == 0) return Error{ENODATA, "receive message", ""};
  packet.text.resize(static_cast<size_t>(got));
  return packet;
}

std::string encode(const Order& order) {
  if (order.task == Task::inspect) return R"({"do":"inspect"})";
  const std::string slot(kSlots.at(static_cast<size_t>(order.slot)));
  return R"({"do":"render","slot":")" + slot + R"(","request":)" + to_json(order.request) +
         watermarks_json(order.watermarks) + "}";
}

Result<Order> decode_order(std::string_view text) {
  auto json = parse_json(text, "order");
  if (!json) return json.error();
  const auto task = text_in(*json, "do");
  if (task == "inspect") return Order{Task::inspect, Slot::normal, {}};
  const auto slot = text_in(*json, "slot");
  const Json* request = member(*json, "request");
  const auto* const known = std::find(kSlots.begin(), kSlots.end(), slot.value_or(""));
  if (task != "render" || known == kSlots.end() || request == nullptr) {
    return bad_data("not an order", "order");
  }
  auto asked = request_from(*request);
  if (!asked) return asked.error();
  auto watermarks = watermarks_in(*json);
  if (!watermarks || watermarks->size() != count_watermarked(*asked)) {
    return bad_data("not an order's watermarks", "order");
  }
  return Order{Task::render, static_cast<Slot>(known - kSlots.begin()), std::move(*asked),
               std::move(*watermarks)};
}

}  // namespace imgq::wire
