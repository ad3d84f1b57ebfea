#include "src/image/rights.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "src/util/text.h"

namespace imgq::image {
namespace {

using namespace std::string_view_literals;
using std::string_view;

constexpr size_t kMostXmpBytes = size_t{1} << 20, kMostTextBytes = 4096;

void put_utf8(uint32_t code, std::string* out) {
  if (code < 0x80) {
    *out += static_cast<char>(code);
  } else if (code < 0x800) {
    *out += static_cast<char>(0xc0 | code >> 6);
    *out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    *out += static_cast<char>(0xe0 | code >> 12);
    *out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    *out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    *out += static_cast<char>(0xf0 | code >> 18);
    *out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    *out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    *out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

// No text has a zero byte in it, and none is endless.
std::string tidied(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '\0'), text.end());
  if (text.size() > kMostTextBytes) text.resize(kMostTextBytes);
  return text;
}

// --- XMP: XML of which two elements are wanted, each a list of one or more.

// The content of the first element of this name in `*text`, which goes on behind it.
string_view next_element(string_view name, string_view* text) {
  for (size_t at = text->find(name); at != string_view::npos; at = text->find(name, at + 1)) {
    const size_t open = text->find('>', at);
    if (at == 0 || (*text)[at - 1] != '<' || open == string_view::npos) continue;
    const char behind = (*text)[at + name.size()];
    if ((behind != '>' && behind != ' ' && behind != '\n') || (*text)[open - 1] == '/') continue;
    const std::string close = "</" + std::string(name);
    const size_t end = text->find(close, open);
    if (end == string_view::npos) break;
    const string_view content = text->substr(open + 1, end - open - 1);
    text->remove_prefix(end + close.size());
    return content;
  }
  *text = {};
  return {};
}

// A reference such as "&amp;" or "&#xe9;", without the signs around it; "" when there is no such.
std::string character(string_view reference) {
  constexpr std::array<std::pair<string_view, string_view>, 5> kNamed{
      {{"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}}};
  for (const auto& [name, text] : kNamed) {
    if (reference == name) return std::string(text);
  }
  if (!reference.starts_with('#')) return {};
  const bool hex = reference.starts_with("#x");
  uint32_t code = 0;
  for (const char c : reference.substr(hex ? 2 : 1)) {
    const bool digit = c >= '0' && c <= '9', letter = hex && (c | 32) >= 'a' && (c | 32) <= 'f';
    if (!digit && !letter) return {};
    code = code * (hex ? 16 : 10) + static_cast<uint32_t>(digit ? c - '0' : (c | 32) - 'a' + 10);
    if (code > 0x10ffff) return {};
  }
  std::string out;
  if (code > 0) put_utf8(code, &out);
  return out;
}

std::string plain_text(string_view xml) {
  std::string out;
  while (!xml.empty()) {
    const size_t sign = xml.find('&'), end = xml.find(';', std::min(sign, xml.size()));
    out += xml.substr(0, sign);
    if (sign == string_view::npos) break;
    const bool whole = end != string_view::npos;
    const std::string meant = whole ? character(xml.substr(sign + 1, end - sign - 1)) : "";
    out += meant.empty() ? "&" : meant;
    xml.remove_prefix(meant.empty() ? sign + 1 : end + 1);
  }
  return tidied(out);
}

std::string joined_items(string_view list) {
  std::string out;
  while (!list.empty()) {
    const std::string item = plain_text(next_element("rdf:li", &list));
    if (!item.empty()) out += (out.empty() ? "" : "; ") + item;
  }
  return tidied(out);
}

// --- IPTC-IIM: 0x1c, record, number, length, text.

std::string as_utf8(View text) {
  const string_view bytes = as_text(text);
  if (is_utf8(bytes)) return tidied(std::string(bytes));
  std::string out;
  for (const uint8_t byte : text) put_utf8(byte, &out);
  return tidied(out);
}

void add_name(const std::string& name, std::string* to) {
  if (!name.empty()) *to += (to->empty() ? "" : "; ") + name;
}

// The records among Photoshop's resources: "8BIM", number, a name padded to even, length, data
// padded to even.
View records_of(View block) {
  constexpr string_view kPhotoshop = "Photoshop 3.0\0"sv;
  if (!has(block, 0, kPhotoshop)) return block;
  size_t at = kPhotoshop.size();
  while (holds(block, at, 12) && has(block, at, "8BIM")) {
    const size_t name = block[at + 6] + size_t{1}, behind = at + 6 + name + name % 2;
    if (!holds(block, behind, 4)) break;
    const size_t size = be32(block, behind);
    if (!holds(block, behind + 4, size)) break;
    if (be16(block, at + 4) == 0x0404) return block.subspan(behind + 4, size);
    at = behind + 4 + size + size % 2;
  }
  return {};
}

}  // namespace

void add_xmp_rights(View packet, Exif* out) {
  const string_view xml = as_text(packet.first(std::min(packet.size(), kMostXmpBytes)));
  string_view text = xml;
  if (out->artist.empty()) out->artist = joined_items(next_element("dc:creator", &text));
  text = xml;
  string_view rights = next_element("dc:rights", &text);
  if (out->copyright.empty()) out->copyright = plain_text(next_element("rdf:li", &rights));
}

void add_iptc_rights(View block, Exif* out) {
  const View records = records_of(block);
  std::string artist, copyright;
  for (size_t at = 0; holds(records, at, 5) && records[at] == 0x1c;) {
    const size_t size = be16(records, at + 3);
    if (size >= 0x8000 || !holds(records, at + 5, size)) break;
    const std::string text = as_utf8(records.subspan(at + 5, size));
    if (records[at + 1] == 2 && records[at + 2] == 80) add_name(text, &artist);
    if (records[at + 1] == 2 && records[at + 2] == 116 && copyright.empty()) copyright = text;
    at += 5 + size;
  }
  if (out->artist.empty()) out->artist = tidied(artist);
  if (out->copyright.empty()) out->copyright = copyright;
}

}  // namespace imgq::image
