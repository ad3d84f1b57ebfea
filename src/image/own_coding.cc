#include "src/image/own_coding.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "src/image/strip.h"

namespace imgq::image {
namespace {

using std::string_view;

// --- PNG (PNG third edition): its data must be one zlib stream of the picture's rows, no byte
// more, and each other chunk that is kept must be one that the decoder has used.

struct Head {
  uint32_t width, height;
  int depth, colour;
  bool interlaced;
};

uint64_t bytes_of_rows(uint64_t width, uint64_t height, const Head& head) {
  constexpr std::array kChannels{1, 0, 3, 1, 2, 0, 4};
  const int channels = kChannels[static_cast<size_t>(head.colour)];
  const uint64_t bits = static_cast<uint64_t>(channels) * static_cast<uint64_t>(head.depth);
  return width == 0 ? 0 : height * (1 + (width * bits + 7) / 8);
}

uint64_t bytes_of_rows(const Head& head) {
  struct Pass {
    uint32_t left, top, across, down;
  };
  constexpr std::array<Pass, 7> kAdam7{{{0, 0, 8, 8},
                                        {4, 0, 8, 8},
                                        {0, 4, 4, 8},
                                        {2, 0, 4, 4},
                                        {0, 2, 2, 4},
                                        {1, 0, 2, 2},
                                        {0, 1, 1, 2}}};
  if (!head.interlaced) return bytes_of_rows(head.width, head.height, head);
  uint64_t bytes = 0;
  for (const Pass& pass : kAdam7) {
    const auto count = [](uint32_t side, uint32_t first, uint32_t step) {
      return side <= first ? uint32_t{0} : (side - first + step - 1) / step;
    };
    bytes += bytes_of_rows(count(head.width, pass.left, pass.across),
                           count(head.height, pass.top, pass.down), head);
  }
  return bytes;
}

// Takes a zlib stream piece by piece.
class Inflater {
 public:
  Inflater() : ready_(inflateInit(&stream_) == Z_OK) {}
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream_); }

  // False when the stream is damaged, ended before, or makes more than `most` bytes.
  bool take(View piece, uint64_t most) {
    if (!ready_ || ended_) return false;
    stream_.next_in = const_cast<uint8_t*>(piece.data());  // zlib only reads it
    stream_.avail_in = static_cast<uInt>(piece.size());
    do {
      stream_.next_out = made_.data();
      stream_.avail_out = static_cast<uInt>(made_.size());
      const int done = inflate(&stream_, Z_NO_FLUSH);
      bytes_ += made_.size() - stream_.avail_out;
      ended_ = done == Z_STREAM_END;
      const bool wants_more = done == Z_BUF_ERROR && stream_.avail_in == 0;
      if ((done != Z_OK && !ended_ && !wants_more) || bytes_ > most) return false;
    } while (!ended_ && (stream_.avail_in > 0 || stream_.avail_out == 0));
    return stream_.avail_in == 0;
  }
  bool has_ended_at(uint64_t bytes) const { return ended_ && bytes_ == bytes; }

 private:
  z_stream stream_{};
  bool ready_, ended_ = false;
  uint64_t bytes_ = 0;
  std::array<uint8_t, 32768> made_{};
};

// The chunks that strip_png leaves, in their order.
class PngCheck {
 public:
  explicit PngCheck(View file)
      : head_{be32(file, 16), be32(file, 20), file[24], file[25], file[28] != 0} {}

  bool take(string_view name, View data) {
    if (name == "PLTE") return take_palette(data);
    if (name == "tRNS") return take_transparency(data);
    if (name != "IDAT") return true;
    if (apart_) return false;
    in_data_ = true;
    return data.empty() || inflater_.take(data, bytes_of_rows(head_));
  }
  // Something else stands here: what follows is no continuation of the data.
  void pass_over() { apart_ = in_data_; }
  bool is_whole() const { return inflater_.has_ended_at(bytes_of_rows(head_)); }

 private:
  bool take_palette(View data) {
    if (head_.colour != 3 || colours_ > 0 || in_data_) return false;
    colours_ = data.size() / 3;
    return colours_ > 0 && colours_ <= size_t{1} << head_.depth && data.size() % 3 == 0;
  }
  bool take_transparency(View data) {
    if (transparency_ || in_data_) return false;
    transparency_ = true;
    if (head_.colour == 3) return !data.empty() && data.size() <= colours_;
    return data.size() == (head_.colour == 0 ? 2U : head_.colour == 2 ? 6U : 0U) && !data.empty();
  }

  Head head_;
  Inflater inflater_;
  size_t colours_ = 0;
  bool transparency_ = false, in_data_ = false, apart_ = false;
};

bool is_bare_png(View file) {
  constexpr size_t kFrame = 12, kFirst = 33;  // behind IHDR
  constexpr std::array<string_view, 4> kKept{"PLTE", "tRNS", "IDAT", "IEND"};
  if (!holds(file, 0, kFirst) || !has(file, 12, "IHDR") || be32(file, 8) != 13) return false;
  if (file[25] > 6 || file[24] > 8) return false;
  PngCheck check(file);
  for (size_t at = kFirst; holds(file, at, kFrame);) {
    const size_t size = be32(file, at);
    if (size > file.size() - at - kFrame) return false;
    const View named = file.subspan(at + 4, 4 + size);
    const string_view name = as_text(named.first(4));
    if (name == "IHDR") return false;
    const bool kept = std::find(kKept.begin(), kKept.end(), name) != kKept.end();
    if (!kept) check.pass_over();
    if (kept && crc32_z(0, named.data(), named.size()) != be32(file, at + 8 + size)) return false;
    if (name == "IEND") return size == 0 && check.is_whole();
    if (kept && !check.take(name, named.subspan(4))) return false;
    at += kFrame + size;
  }
  return false;
}

// --- WebP (RFC 9649): one image chunk, and its alpha before it where the header tells of alpha.
// What an encoder may have left behind the last bit within a chunk is nobody's to see.

// A lossless image says itself whether it has alpha: 1 bit behind its signature and its sides.
bool has_lossless_alpha(View riff, size_t at) {
  return has(riff, at, "VP8L") && holds(riff, at, 13) && (riff[at + 12] & 0x10) != 0;
}

struct WebpParts {
  int images = 0, alphas = 0;
};

// Counts the chunk at `at`. False when such a file cannot go out as it is coded.
bool take_webp_chunk(View riff, size_t at, bool hides_alpha, WebpParts* parts) {
  const bool lossless = has(riff, at, "VP8L");
  if (has(riff, at, "ANIM") || has(riff, at, "ANMF")) return false;
  if (has(riff, at, "ALPH")) return ++parts->alphas == 1 && parts->images == 0;
  if (!lossless && !has(riff, at, "VP8 ")) return true;
  ++parts->images;
  return !lossless || (parts->alphas == 0 && !(hides_alpha && has_lossless_alpha(riff, at)));
}

// The RIFF chunk, without what may stand behind it; empty when it holds more than one picture, or
// alpha of which its header does not tell, so that it is not shown.
View bare_webp(View file) {
  constexpr size_t kHeader = 12, kFrame = 8;
  const size_t end = holds(file, 0, kHeader) ? size_t{8} + le32(file, 4) : 0;
  if (end < kHeader || end > file.size()) return {};
  const View riff = file.first(end);
  const bool extended = has(riff, kHeader, "VP8X");
  const bool told = extended && end > 20 && (riff[20] & 0x10) != 0;
  WebpParts parts;
  for (size_t at = kHeader; at < end;) {
    if (!holds(riff, at, kFrame)) return {};
    const size_t data = le32(riff, at + 4);
    if (!holds(riff, at + kFrame, data + data % 2)) return {};
    if (!take_webp_chunk(riff, at, extended && !told, &parts)) return {};
    at += kFrame + data + data % 2;
  }
  return parts.images == 1 && (parts.alphas == 0 || told) ? riff : View();
}

}  // namespace

Buffer own_coding(Kind kind, View file, const std::vector<uint8_t>& exif) {
  if (kind == Kind::jpeg) return jpeg_coding(file, exif);
  if (kind == Kind::png && is_bare_png(file)) return strip_png(file, exif, {});
  if (kind == Kind::webp) return strip_webp(bare_webp(file), exif, {});
  return {};
}

}  // namespace imgq::image
