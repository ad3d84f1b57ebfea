#include "src/image/write_result.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "src/base/notes.h"
#include "src/image/bytes.h"
#include "src/image/container.h"
#include "src/image/encode.h"
#include "src/image/own_coding.h"
#include "src/image/smart_crop.h"
#include "src/image/vips_start.h"
#include "src/util/io.h"

namespace imgq::image {
namespace {

bool has_full_chroma(const Rendition& rendition, Format format, const SourceFacts& source,
                     const Raster& raster) {
  if (format == Format::avif) return avif_has_full_chroma(rendition, source);
  if (rendition.chroma != Chroma::automatic) return rendition.chroma == Chroma::full;
  const bool lossless =
      source.kind == Kind::png || source.kind == Kind::gif || source.kind == Kind::bmp;
  return format == Format::jpeg && lossless && is_flat_art(raster);
}

// Of a result that is larger than its source: what that is coded as, where it is smaller.
void keep_from_growing(const EncodeOptions& options, const SourceFacts& source, Fitted* made,
                       std::vector<std::string>* notes) {
  Buffer own = own_coding(source.kind, source.coding, write_exif(options.copyright));
  if (own.empty() || own.size() >= made->bytes.size()) return;
  made->bytes = std::move(own);
  made->quality = 0;
  notes->emplace_back(note::kOwnCoding);
}

// The file itself is asked, not the raster it was made from.
Failure check_result(View file, Size planned) {
  Container made;
  if (Failure fault = walk(sniff(as_text(file)).kind, file, 1, &made)) return fault;
  if (made.width == planned.width && made.height == planned.height) return {};
  return Fault{Code::wrong_result, fmt::format("{}x{} was planned, {}x{} was made", planned.width,
                                               planned.height, made.width, made.height)};
}

}  // namespace

Format chosen_format(const Rendition& rendition, const SourceFacts& source, bool transparent) {
  const Format asked = rendition.format;
  if (asked == Format::keep && source.kind == Kind::bmp) return Format::png;
  if (asked == Format::keep) {
    const ImageFormat* kept = format_of(source.kind);
    if (kept != nullptr && kept->written) return *kept->written;
  } else if (asked != Format::automatic) {
    return asked;
  }
  if (!transparent && rendition.loss == Loss::allowed) return Format::jpeg;
  return source.palette || source.kind == Kind::png ? Format::png : Format::webp;
}

bool avif_has_full_chroma(const Rendition& rendition, const SourceFacts& source) {
  return rendition.chroma == Chroma::full ||
         (rendition.chroma == Chroma::automatic && source.palette);
}

EncodeOptions options_for(const Rendition& rendition, Format format, const SourceFacts& source) {
  EncodeOptions options;
  options.format = format;
  options.quality = rendition.quality > 0 ? rendition.quality : format_of(format)->quality;
  options.scan = rendition.scan;
  options.palette = source.palette;
  options.lossless = format == Format::webp && rendition.loss == Loss::none;
  if (rendition.metadata == Metadata::keep_copyright) options.copyright = source.exif;
  options.profile = source.profile;
  return options;
}

bool leaves_coding_open(const Rendition& r) {
  return r.recompress == Recompress::unless_larger && r.quality == 0 &&
         r.chroma == Chroma::automatic && r.scan == Scan::baseline && r.sharpen == 0 &&
         r.max_bytes == 0 && r.colours == Colours::srgb && r.shades == Shades::coloured &&
         r.fit != Fit::pad && r.watermark.empty() && hex_of(r.background) == hex_of(Rgb{});
}

Failure dress(const Rendition& rendition, Size planned, Format format, const SourceFacts& source,
              Raster* raster) {
  const bool padded = rendition.fit == Fit::pad;
  if (padded || format == Format::jpeg) *raster = flatten(*raster, rendition.background);
  if (rendition.sharpen > 0) {
    if (Failure fault = sharpen(raster, rendition.sharpen)) return fault;
  }
  if (padded) *raster = pad(to_rgb(std::move(*raster)), planned, rendition.background);
  if (source.overlay != nullptr) *raster = lay_over(to_rgb(std::move(*raster)), *source.overlay);
  if (rendition.shades == Shades::grey) *raster = to_grey(std::move(*raster));
  return {};
}

Failure deliver(const Rendition& rendition, Size planned, Format format, const Fitted& made,
                int descriptor, ResultReport* report) {
  if (Failure fault = check_result(made.bytes, planned)) return fault;
  if (const auto wrote = write_all(descriptor, as_text(made.bytes), "a result"); !wrote) {
    return Fault{Code::io_error, wrote.error().text()};
  }
  report->rendition = rendition.name;
  report->width_px = planned.width;
  report->height_px = planned.height;
  report->size_bytes = static_cast<int64_t>(made.bytes.size());
  report->format = name_of(format);
  report->quality = made.quality;
  report->max_bytes_met = made.met;
  return {};
}

Failure finish(const Rendition& rendition, Size planned, Raster raster, const SourceFacts& source,
               int descriptor, ResultReport* report, std::vector<std::string>* notes) {
  const bool transparent = rendition.fit != Fit::pad && is_transparent(raster);
  const Format format = chosen_format(rendition, source, transparent);
  if (format == Format::avif && !can_write_avif()) {
    return Fault{Code::format_not_enabled, "this libvips cannot write AVIF"};
  }
  if (Failure fault = dress(rendition, planned, format, source, &raster)) return fault;
  Fitted made;
  EncodeOptions options = options_for(rendition, format, source);
  options.full_chroma = has_full_chroma(rendition, format, source, raster);
  if (Failure fault = encode_within(raster, options, rendition.max_bytes, &made)) return fault;
  const bool same = !source.coding.empty() && format_of(format)->kind == source.kind;
  if (same && made.bytes.size() > source.coding.size()) {
    raster = {};
    keep_from_growing(options, source, &made, notes);
  }
  return deliver(rendition, planned, format, made, descriptor, report);
}

}  // namespace imgq::image
