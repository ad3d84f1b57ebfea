// What `imgq run` tells about its results, for programs: ready for an <img srcset>.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "src/cli/done_file.h"
#include "src/cli/file_out.h"
#include "src/cli/session.h"
#include "src/jobs/job_view.h"
#include "src/util/json.h"
#include "src/util/text.h"

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

std::string srcset_of(const std::vector<RunResult>& results) {
  std::vector<const RunResult*> by_width;
  by_width.reserve(results.size());
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
    Json one{{"name", result.rendition},   {"width", result.width_px},
             {"height", result.height_px}, {"bytes", result.size_bytes},
             {"type", result.type},        {"max_bytes_met", result.max_bytes_met}};
    put_bytes(one, "file", result.file);
    results.push_back(std::move(one));
  }
  Json out{{"width", item.record->width_px},
           {"height", item.record->height_px},
           {"thumbhash", item.record->thumbhash},
           {"results", std::move(results)},
           {"srcset", srcset_of(item.record->results)}};
  if (!item.record->notes.empty()) out["notes"] = item.record->notes;
  put_bytes(out, "source", item.source);
  return out;
}

Json failure_object(const RunFailure& failure) {
  Json out{{"error", error_object(failure.code, failure.message)}};
  put_bytes(out, "source", failure.source);
  return out;
}

}  // namespace

Status check_manifest(const std::string& path) {
  if (path.empty() || path == "-") return Ok{};
  struct stat about{};
  if (::stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode)) {
    return Error{EISDIR, "write", path};
  }
  if (is_special(path)) {  // opening it may wait for a reader, and tell it of an end
    return ::access(path.c_str(), W_OK) == 0 ? Status(Ok{}) : last_error("write", path);
  }
  const auto out = OutFile::open(path);
  if (!out) return out.error();
  return Ok{};
}

Status put_manifest(const std::string& path, std::string_view text) {
  auto out = OutFile::open(path);
  if (!out) return out.error();
  if (auto wrote = out->write(text); !wrote) return wrote;
  return out->commit();
}

std::string manifest_json(const std::vector<ManifestItem>& items,
                          const std::vector<RunFailure>& failures) {
  Json images = Json::array();
  for (const ManifestItem& item : items) images.push_back(item_object(item));
  Json failed = Json::array();
  for (const RunFailure& failure : failures) failed.push_back(failure_object(failure));
  return versioned({{"images", std::move(images)}, {"failed", std::move(failed)}});
}

std::string run_item_json(const ManifestItem& item, std::string_view state) {
  Json out = item_object(item);
  out["state"] = state;
  return versioned(out);
}

std::string run_plan_json(const std::string& source, const std::string& file,
                          std::string_view state) {
  Json out{{"state", state}};
  put_bytes(out, "source", source);
  if (!file.empty()) put_bytes(out, "file", file);
  return versioned(out);
}

std::string run_failure_json(const RunFailure& failure) {
  Json out = failure_object(failure);
  out["state"] = "failed";
  return versioned(out);
}

}  // namespace imgq::cli
