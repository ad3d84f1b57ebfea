// What `imgq run` tells about its results, for programs: ready for an <img srcset>.
#include <fmt/format.h>

#include <algorithm>

#include "spool/json.h"
#include "src/base/text.h"
#include "src/cli/run_ledger.h"
#include "src/cli/session.h"

namespace imgq::cli {
namespace {

// A path as it may stand in a URL (RFC 3986, unreserved characters and the slash).
std::string url_path(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

// Bytes that are no UTF-8 stand beside the text percent-encoded, as everywhere in imgq's JSON.
void put_bytes(Json& out, const std::string& key, const std::string& bytes) {
  out[key] = bytes;
  if (!is_utf8(bytes)) out[key + "_percent"] = percent_encode(bytes);
}

std::string srcset_of(const std::vector<RunResult>& results) {
  std::vector<const RunResult*> by_width;
  for (const RunResult& result : results) by_width.push_back(&result);
  std::stable_sort(by_width.begin(), by_width.end(), [](const RunResult* a, const RunResult* b) {
    return a->width_px < b->width_px;
  });
  std::string out;
  for (const RunResult* result : by_width) {
    out +=
        fmt::format("{}{} {}w", out.empty() ? "" : ", ", url_path(result->file), result->width_px);
  }
  return out;
}

Json item_object(const ManifestItem& item) {
  Json results = Json::array();
  for (const RunResult& result : item.record->results) {
    Json one = Json::object();
    one["name"] = result.rendition;
    put_bytes(one, "file", result.file);
    one["width"] = result.width_px;
    one["height"] = result.height_px;
    one["bytes"] = result.size_bytes;
    one["type"] = result.type;
    results.push_back(one);
  }
  Json out = Json::object();
  put_bytes(out, "source", item.source);
  out["width"] = item.record->width_px;
  out["height"] = item.record->height_px;
  out["thumbhash"] = item.record->thumbhash;
  out["results"] = results;
  out["srcset"] = srcset_of(item.record->results);
  return out;
}

Json failure_object(const RunFailure& failure) {
  Json error = Json::object();
  error["code"] = failure.code;
  error["message"] = failure.message;
  Json out = Json::object();
  put_bytes(out, "source", failure.source);
  out["error"] = error;
  return out;
}

}  // namespace

std::string manifest_json(const std::vector<ManifestItem>& items,
                          const std::vector<RunFailure>& failures) {
  Json images = Json::array();
  for (const ManifestItem& item : items) images.push_back(item_object(item));
  Json failed = Json::array();
  for (const RunFailure& failure : failures) failed.push_back(failure_object(failure));
  Json out = Json::object();
  out["images"] = images;
  out["failed"] = failed;
  return versioned(dump_json(out));
}

std::string run_item_json(const ManifestItem& item, std::string_view state) {
  Json out = item_object(item);
  out["state"] = state;
  return versioned(dump_json(out));
}

std::string run_failure_json(const RunFailure& failure) {
  Json out = failure_object(failure);
  out["state"] = "failed";
  return versioned(dump_json(out));
}

}  // namespace imgq::cli
