#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "src/base/notes.h"
#include "src/image/frames.h"
#include "src/image/gif_blocks.h"

namespace imgq::image {
namespace {

// Codes of a few bits each, the lowest first, out of a chain of sub-blocks.
class CodeReader {
 public:
  CodeReader(View file, size_t at) : file_(file), at_(at) {}

  // Nothing behind the last.
  std::optional<int> take(int bits) {
    while (held_bits_ < bits) {
      if (left_ == 0 && !next_block()) return {};
      held_ |= uint32_t{file_[at_++]} << held_bits_;
      held_bits_ += 8;
      --left_;
    }
    const int code = static_cast<int>(held_ & ((1U << bits) - 1));
    held_ >>= bits;
    held_bits_ -= bits;
    return code;
  }
  bool is_cut() const { return cut_; }

 private:
  bool next_block() {
    cut_ = at_ >= file_.size() || !holds(file_, at_, size_t{1} + file_[at_]);
    if (!cut_) left_ = file_[at_++];
    return left_ > 0;
  }

  View file_;
  size_t at_, left_ = 0;
  uint32_t held_ = 0;
  int held_bits_ = 0;
  bool cut_ = false;
};

enum class Ended { well, cut, damaged };

// GIF's LZW (GIF89a, appendix F): each code stands for a row of indices.
class Lzw {
 public:
  Lzw(const CodeReader& codes, int literal_bits)
      : codes_(codes), clear_(1 << literal_bits), literal_bits_(literal_bits) {
    clear();
  }

  // Gives index after index, until `put` wants no more.
  template <class Put>
  Ended decode(const Put& put) {
    while (const auto code = codes_.take(bits_)) {
      if (*code == clear_) {
        clear();
      } else if (*code == clear_ + 1) {
        return Ended::well;
      } else if (!expand(*code)) {
        return Ended::damaged;
      }
      for (; depth_ > 0; --depth_) {
        if (!put(stack_[depth_ - 1])) return Ended::well;
      }
    }
    return codes_.is_cut() ? Ended::cut : Ended::well;
  }

 private:
  static constexpr int kMostBits = 12, kMost = 1 << kMostBits;

  void clear() {
    bits_ = literal_bits_ + 1;
    next_ = clear_ + 2;
    before_ = -1;
  }
  void push(uint8_t index) { stack_[depth_++] = index; }

  // Puts what the code stands for on the stack, the last index first. False when it is none yet.
  bool expand(int code) {
    if (code > next_ || (code == next_ && before_ < 0) || (before_ < 0 && code > clear_)) {
      return false;
    }
    int at = code;
    if (code == next_) {
      push(first_);
      at = before_;
    }
    for (; at > clear_; at = prefix_[static_cast<size_t>(at)]) {
      push(suffix_[static_cast<size_t>(at)]);
    }
    first_ = static_cast<uint8_t>(at);
    push(first_);
    if (before_ >= 0 && next_ < kMost) learn();
    before_ = code;
    return true;
  }

  void learn() {
    prefix_[static_cast<size_t>(next_)] = static_cast<uint16_t>(before_);
    suffix_[static_cast<size_t>(next_)] = first_;
    ++next_;
    if (next_ == 1 << bits_ && bits_ < kMostBits) ++bits_;
  }

  CodeReader codes_;
  int clear_, literal_bits_, bits_ = 0, next_ = 0, before_ = -1;
  uint8_t first_ = 0;
  std::array<uint16_t, kMost> prefix_{};
  std::array<uint8_t, kMost> suffix_{};
  std::array<uint8_t, kMost + 1> stack_{};
  size_t depth_ = 0;
};

// Which row of an image comes next: from the top, or interlaced in four passes.
class Rows {
 public:
  Rows(int height, bool interlaced) : height_(height), interlaced_(interlaced) {}
  int y() const { return y_; }
  bool at_end() const { return y_ >= height_; }
  void advance() {
    if (!interlaced_) {
      ++y_;
      return;
    }
    constexpr std::array kSteps{8, 8, 4, 2}, kStarts{0, 4, 2, 1};
    y_ += kSteps[pass_];
    while (y_ >= height_ && pass_ + 1 < kSteps.size()) y_ = kStarts[++pass_];
  }

 private:
  int height_, y_ = 0;
  bool interlaced_;
  size_t pass_ = 0;
};

class GifFrames : public FrameReader {
 public:
  GifFrames(View file, Size canvas, Truncated truncated)
      : file_(file), canvas_(canvas), truncated_(truncated) {
    at_ = holds(file, 0, kGifHeader) ? kGifHeader + colour_table_bytes(file[10]) : kGifEnd;
  }

  Failure next(Frame* out) override;
  int plays() const override { return plays_; }
  std::vector<std::string> notes() const override { return notes_; }

 private:
  // What is told of the next image before it.
  struct Control {
    Disposal disposal = Disposal::none;
    int delay_ms = 100;
    int transparent = -1;
  };

  void read_extension();
  Failure draw();
  Ended draw_indices(const Rect& place, View table, uint8_t flags);
  Failure end_image(Ended ended);

  View file_;
  Canvas canvas_;
  Truncated truncated_;
  size_t at_;
  Control control_;
  int plays_ = 1;
  std::vector<std::string> notes_;
};

constexpr int kMsPerHundredth = 10, kMostPlays = UINT16_MAX;

void GifFrames::read_extension() {
  constexpr uint8_t kControl = 0xf9, kApplication = 0xff;
  if (holds(file_, at_, 8) && file_[at_ + 1] == kControl && file_[at_ + 2] >= 4) {
    const uint8_t flags = file_[at_ + 3];
    // 4 is what some programs write for 3.
    constexpr std::array kDisposals{Disposal::none,    Disposal::none,    Disposal::clear,
                                    Disposal::restore, Disposal::restore, Disposal::none,
                                    Disposal::none,    Disposal::none};
    control_.disposal = kDisposals[flags >> 2 & 7];
    control_.delay_ms = static_cast<int>(le16(file_, at_ + 4)) * kMsPerHundredth;
    control_.transparent = (flags & 1) != 0 ? file_[at_ + 6] : -1;
  }
  const bool loops = holds(file_, at_, 19) && file_[at_ + 1] == kApplication &&
                     (has(file_, at_ + 3, "NETSCAPE2.0") || has(file_, at_ + 3, "ANIMEXTS1.0")) &&
                     file_[at_ + 14] >= 3 && file_[at_ + 15] == 1;
  if (!loops) return;
  const auto again = static_cast<int>(le16(file_, at_ + 16));
  plays_ = again == 0 ? 0 : std::min(again + 1, kMostPlays);
}

// Nothing behind the last image, and where what comes is no block.
Failure GifFrames::next(Frame* out) {
  while (at_ < file_.size() && file_[at_] == kGifExtension) {
    read_extension();
    at_ = skip_sub_blocks(file_, at_ + 2);
  }
  if (at_ >= file_.size() || file_[at_] != kGifImage || !holds(file_, at_, 11)) return {};
  if (Failure fault = draw()) return fault;
  *out = {canvas_.data(), control_.delay_ms};
  control_ = {};
  return {};
}

Failure GifFrames::draw() {
  const auto number = [&](size_t behind) { return static_cast<int>(le16(file_, at_ + behind)); };
  const Rect place{number(1), number(3), number(5), number(7)};
  const uint8_t flags = file_[at_ + 9];
  const size_t own = colour_table_bytes(flags), data = at_ + 10 + own;
  canvas_.begin_frame(place, control_.disposal);
  if (!holds(file_, data, 1)) return end_image(Ended::cut);
  const View table = own > 0 ? file_.subspan(at_ + 10, own)
                             : file_.subspan(kGifHeader, colour_table_bytes(file_[10]));
  at_ = data;
  const Ended ended = draw_indices(place, table, flags);
  at_ = skip_sub_blocks(file_, data + 1);
  return end_image(ended == Ended::well && at_ == kGifEnd ? Ended::cut : ended);
}

Ended GifFrames::draw_indices(const Rect& place, View table, uint8_t flags) {
  const int literal_bits = file_[at_];
  if (literal_bits < 1 || literal_bits > 8) return Ended::damaged;
  const Size size = canvas_.size();
  Rows rows(place.width > 0 ? place.height : 0, (flags & 0x40) != 0);
  int x = 0;
  if (rows.at_end()) return Ended::well;
  return Lzw(CodeReader(file_, at_ + 1), literal_bits).decode([&](int index) {
    const int across = place.left + x, down = place.top + rows.y();
    const size_t colour = 3 * static_cast<size_t>(index);
    if (across < size.width && down < size.height && index != control_.transparent &&
        holds(table, colour, 3)) {
      uint8_t* pixel = canvas_.pixel(across, down);
      for (size_t b = 0; b < 3; ++b) pixel[b] = table[colour + b];
      pixel[3] = 255;
    }
    if (++x == place.width) {
      x = 0;
      rows.advance();
    }
    return !rows.at_end();
  });
}

Failure GifFrames::end_image(Ended ended) {
  if (ended == Ended::well) return {};
  const bool cut = ended == Ended::cut;
  if (truncated_ == Truncated::refuse) {
    return unreadable(cut ? Code::truncated : Code::corrupt_image);
  }
  if (cut) at_ = kGifEnd;
  const auto word = cut ? note::kTruncated : note::kDamaged;
  if (notes_.empty() || notes_.back() != word) notes_.emplace_back(word);
  return {};
}

}  // namespace

std::unique_ptr<FrameReader> read_gif_frames(View file, Size canvas, Truncated truncated) {
  return std::make_unique<GifFrames>(file, canvas, truncated);
}

}  // namespace imgq::image
