#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/images/rendered.h"

// Of sources whose own coding goes out because encoding would make them larger.
namespace imgq::made {

inline const std::vector<std::string> kKept{"source_coding_kept"};

inline bool holds_word(const Bytes& file, const std::string& word) {
  return std::search(file.begin(), file.end(), word.begin(), word.end()) != file.end();
}

inline Bytes plus_text(Bytes file, const std::string& text) {
  file.insert(file.end(), text.begin(), text.end());
  return file;
}

inline Rendition whole_as(Format format) {
  Rendition r = sized(8000, 8000);
  r.format = format;
  return r;
}

inline Extras secret_extras() {
  ExifSpec tags;
  tags.artist = "SecretArtist";
  tags.model = "SecretModel";
  Extras out;
  out.exif = exif(tags);
  out.comment = "SecretComment";
  return out;
}

// Of a file that would grow: what it then is. Each has the pixels of its source.
inline void expect_kept(const Bytes& source, Format format, const Bytes& expected) {
  const Rendered made = render(source, whole_as(format));
  ASSERT_EQ(made.verdict.code, Code::ok) << made.verdict.message;
  EXPECT_EQ(made.verdict.notes, kKept);
  EXPECT_TRUE(made.files[0] == expected);
  EXPECT_LE(made.files[0].size(), source.size());
  EXPECT_EQ(made.verdict.results.at(0).quality, 0);
  EXPECT_EQ(made.verdict.results[0].size_bytes, static_cast<int64_t>(expected.size()));
  EXPECT_TRUE(near(made.pixels(), read(source), 0));
  EXPECT_FALSE(holds_word(made.files[0], "Secret"));
}

inline void expect_made_anew(const Bytes& source, Rendition r, const std::string& which) {
  const Rendered made = render(source, r);
  r.recompress = Recompress::always;
  const Rendered anew = render(source, r);
  ASSERT_EQ(made.verdict.code, Code::ok) << which << ": " << made.verdict.message;
  EXPECT_TRUE(made.files[0] == anew.files[0]) << which;
  EXPECT_EQ(made.verdict.notes, anew.verdict.notes) << which;
}

}  // namespace imgq::made
