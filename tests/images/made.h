#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// Images made by hand for the tests: straight through libjpeg, libpng, libwebp, libheif, libjxl and
// lcms, or byte by byte; never through the engine that is tested, nor libvips.
namespace imgq::made {

using Bytes = std::vector<uint8_t>;

struct Pixels {
  int width = 0, height = 0, bands = 3;
  std::vector<uint16_t> data;  // 8 or 16 bits, as the writer is told

  Pixels() = default;
  Pixels(int w, int h, int b)
      : width(w), height(h), bands(b), data(static_cast<size_t>(w) * h * b) {}
  size_t index(int x, int y, int b) const {
    return (static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)) *
               static_cast<size_t>(bands) +
           static_cast<size_t>(b);
  }
  uint16_t& at(int x, int y, int b = 0) { return data[index(x, y, b)]; }
  uint16_t at(int x, int y, int b = 0) const { return data[index(x, y, b)]; }
};

using Colour = std::vector<uint16_t>;

// One colour all over.
Pixels filled(int width, int height, const Colour& colour);

// Blocks of `side` pixels, each of its own colour: no two of the six are alike, so every turn and
// every mirror shows. Three across, two down.
Pixels six_blocks(int side);
inline constexpr std::array<std::array<uint16_t, 3>, 6> kSixColours{
    {{230, 30, 30}, {30, 200, 30}, {30, 30, 220}, {240, 230, 40}, {20, 200, 210}, {200, 200, 200}}};

// A smooth gradient with some texture, as photographs have.
Pixels scenery(int width, int height);

struct Extras {
  Bytes icc;
  Bytes exif;  // without "Exif\0\0"
  Bytes xmp, iptc;
  std::string comment;
};

struct JpegSpec {
  int quality = 100;
  bool subsampled = false;
  bool progressive = false;
  bool adobe_marker = true;  // CMYK; its samples are 255 - ink in any case, as everybody reads them
  int restart_rows = 0, restart_mcus = 0;
  int across = 0, down = 0;  // luma's sampling factors; 0: as `subsampled` says
  bool optimised = false;
  Extras extras = {};
};
Bytes jpeg(const Pixels& pixels, const JpegSpec& spec = {});  // 1 grey, 3 RGB, 4 CMYK

struct PngSpec {
  int depth = 8;
  bool interlaced = false;
  Extras extras;
  int filter = 0;            // 1 to 5: by none, Sub, Up, Average, Paeth; 0: as libpng chooses
  size_t idat_bytes = 8192;  // of each IDAT but the last
};
Bytes png(const Pixels& pixels, const PngSpec& spec = {});  // 1 grey, 2 GA, 3 RGB, 4 RGBA

// Indices into a palette; `alpha` may be shorter than the palette.
Bytes palette_png(const Pixels& indices, const std::vector<Colour>& palette,
                  const std::vector<uint8_t>& alpha = {});

struct WebpSpec {
  bool lossless = true;
  float quality = 95;  // of lossy ones
  bool exact = false;  // of lossy ones: colours that are not seen stay as they are
  Extras extras;
};
Bytes webp(const Pixels& pixels, const WebpSpec& spec = {});  // 3 RGB, 4 RGBA

// A frame of an animation and its place on the canvas.
struct MadeFrame {
  Pixels pixels;  // of a GIF: indices
  int left = 0, top = 0;
  int delay = 100;          // ms in a WebP, hundredths in a GIF, which has no control block below 0
  int disposal = 0;         // GIF 0 to 7; WebP 1: cleared
  int transparent = -1;     // GIF: an index
  bool interlaced = false;  // GIF
  bool compressed = false;  // GIF: codes grow to twelve bits, and the table stays full
  bool blended = false;     // WebP
};
struct MadeCanvas {
  int width = 0, height = 0;
  int loops = -1;      // as the file says it; -1: a GIF without that block
  int background = 0;  // GIF: an index
  Extras extras = {};  // WebP
};
Bytes animated_webp(const MadeCanvas& canvas, const std::vector<MadeFrame>& frames);
Bytes animated_webp(const std::vector<Pixels>& frames);

// Read back by libwebp's own player: the canvas with four bands, and when each frame ends.
struct Shown {
  Pixels pixels;
  int end_ms = 0;
};
struct Animation {
  int loops = 0;
  std::vector<Shown> frames;

  // What is shown at this time.
  const Pixels& at(int ms) const;
};
Animation read_animation(const Bytes& webp);

struct HeifSpec {
  int depth = 8;
  bool premultiplied = false;
  uint16_t primaries = 1, transfer = 13;  // code points of H.273
  Bytes exif, xmp;
};
Bytes avif(const Pixels& pixels, const HeifSpec& spec = {});  // 3 RGB, 4 RGBA

struct JxlSpec {
  int depth = 8;  // of the pixels given
  bool as_float = false;
  int primaries = 1, transfer = 13;  // code points of H.273, but 11 is P3
  float peak = 0;                    // cd/m2; 0: the library's default
  Bytes exif;
  bool compressed = false;  // the EXIF
  Bytes xmp;
};
Bytes jxl(const std::vector<Pixels>& frames, const JxlSpec& spec = {});  // lossless; 1 to 4 bands

// Each frame holds indices; `transparent` is an index or -1.
Bytes gif(const std::vector<Pixels>& frames, const std::vector<Colour>& palette,
          int transparent = -1);
Bytes animated_gif(const MadeCanvas& canvas, const std::vector<MadeFrame>& frames,
                   const std::vector<Colour>& palette);

// One strip, uncompressed: 1 grey, 3 RGB, 5 CMYK and alpha.
Bytes tiff(const Pixels& pixels, int bits = 8);

// A chunk with its checksum, put before the first one of that name.
Bytes with_chunk(Bytes png, const std::string& name, const Bytes& data, const std::string& before);

// A TIFF directory with the tags of these texts and numbers; little-endian.
struct ExifSpec {
  int orientation = 0;
  uint32_t orientation_type = 3;  // SHORT
  std::string artist, copyright, model;
  bool gps = false;
};
Bytes exif(const ExifSpec& spec);

// Profiles, by lcms.
Bytes display_p3();
Bytes adobe_rgb();
Bytes srgb();
Bytes grey_gamma(double gamma);
// Light by plain subtraction, 255 * (1 - ink) * (1 - key), as lookup tables under these names; and
// sRGB whose bands have changed places: what is shown as red stands in the second.
Bytes simple_cmyk(const std::vector<std::string>& tables = {"A2B0", "A2B1"});
Bytes rotated_rgb(const std::vector<std::string>& tables);

// A file read back by the library of its format: 1 to 4 bands, 8 bits.
Pixels read(const Bytes& file);

}  // namespace imgq::made
