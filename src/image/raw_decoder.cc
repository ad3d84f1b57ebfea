#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/base/notes.h"
#include "src/image/decoder.h"
#include "src/image/raw_preview.h"
#include "src/image/told_colour.h"

namespace imgq::image {
namespace {

// A JPEG, to which the file around it adds what it does not say itself.
class RawDecoder : public Decoder {
 public:
  RawDecoder(const RawPreview& preview, std::unique_ptr<Decoder> jpeg)
      : preview_(preview), jpeg_(std::move(jpeg)), picture_(jpeg_->picture()) {
    Exif& exif = picture_.exif;
    const Exif& raw = preview_.exif;
    if (!exif.has_orientation) exif.orientation = raw.orientation;
    if (exif.artist.empty()) exif.artist = raw.artist;
    if (exif.copyright.empty()) exif.copyright = raw.copyright;
    const bool untold = picture_.profile.empty() && !exif.has_colour;
    if (untold && raw.adobe_rgb && picture_.kind.space == Space::rgb) {
      picture_.profile = adobe_rgb_profile();
    }
  }

  const Picture& picture() const override { return picture_; }
  int64_t bytes_needed(const Purpose& purpose) const override {
    return jpeg_->bytes_needed(purpose);
  }
  Failure begin(const Purpose& purpose, Output* out) override { return jpeg_->begin(purpose, out); }
  Failure next(const uint8_t** row) override { return jpeg_->next(row); }
  std::vector<std::string> notes() const override {
    std::vector<std::string> notes = jpeg_->notes();
    notes.emplace_back(note::kRawPreview);
    const bool said = std::find(notes.begin(), notes.end(), note::kTruncated) != notes.end();
    if (preview_.cut && !said) notes.emplace_back(note::kTruncated);
    return notes;
  }

 private:
  RawPreview preview_;
  std::unique_ptr<Decoder> jpeg_;
  Picture picture_;
};

}  // namespace

Failure open_raw(View file, Truncated truncated, Opened* out) {
  RawPreview preview;
  if (Failure fault = find_preview(file, truncated, &preview)) return fault;
  if (Failure fault = open_jpeg(preview.jpeg, truncated, out)) return fault;
  out->decoder = std::make_unique<RawDecoder>(preview, std::move(out->decoder));
  return {};
}

}  // namespace imgq::image
