#pragma once

#include <array>
#include <string_view>

// What is worth knowing of an image that was processed all the same: a closed list of words, as
// they stand in records and JSON.
namespace imgq::note {

inline constexpr std::string_view kTruncated = "truncated_accepted";
inline constexpr std::string_view kDamaged = "damage_accepted";
inline constexpr std::string_view kProfile = "profile_ignored";
inline constexpr std::string_view kInk = "ink_not_converted";
inline constexpr std::string_view kRawPreview = "raw_preview";
inline constexpr std::string_view kHdr = "tone_mapped";
inline constexpr std::string_view kNoPlaceholder = "no_placeholder";
inline constexpr std::string_view kOwnCoding = "source_coding_kept";
inline constexpr std::string_view kFirstFrame = "first_frame_taken";

struct Entry {
  std::string_view word, explanation;
};
inline constexpr std::array<Entry, 9> kAll = {{
    {kTruncated, "the image ends too early; what is there was taken"},
    {kDamaged, "a part of the image's data is damaged; the rest was taken"},
    {kProfile, "the colour profile cannot be used; colours are taken as they stand"},
    {kInk, "ink could not be turned into light; the result is blank"},
    {kRawPreview, "the preview in a camera raw was taken; width and height are its own"},
    {kHdr, "brighter than a usual display can show; its light was brought into that range"},
    {kNoPlaceholder, "no placeholder could be made"},
    {kOwnCoding, "coded anew it would be larger than the source, whose own coding was kept"},
    {kFirstFrame,
     "the first frame alone was taken: more than limits.max_animation_frames or "
     "limits.max_animation_pixels, or an animation of PNG, AVIF or JPEG XL"},
}};

// For people; the word itself, as it stands in an older record, when it is none of the list.
constexpr std::string_view explain(std::string_view word) {
  for (const Entry& entry : kAll) {
    if (entry.word == word) return entry.explanation;
  }
  return word;
}

}  // namespace imgq::note
