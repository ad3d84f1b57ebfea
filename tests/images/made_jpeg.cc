// clang-format off
#include <cstdio>
#include <jpeglib.h>
// clang-format on

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "tests/images/made.h"

namespace imgq::made {
namespace {

void marker(jpeg_compress_struct* writer, int code, std::string head, const Bytes& data) {
  if (data.empty()) return;
  Bytes all(head.begin(), head.end());
  all.insert(all.end(), data.begin(), data.end());
  jpeg_write_marker(writer, code, all.data(), static_cast<unsigned>(all.size()));
}

// Photoshop's block: an image resource 0x0404 that holds the IPTC data.
Bytes photoshop(const Bytes& iptc) {
  if (iptc.empty()) return {};
  Bytes out{'8', 'B', 'I', 'M', 4, 4, 0, 0, 0, 0, 0, static_cast<uint8_t>(iptc.size())};
  out.reserve(out.size() + iptc.size() + 1);
  out.insert(out.end(), iptc.begin(), iptc.end());
  if (iptc.size() % 2 != 0) out.push_back(0);
  return out;
}

void write_extras(jpeg_compress_struct* writer, const Extras& extras) {
  marker(writer, JPEG_APP0 + 1, std::string("Exif\0\0", 6), extras.exif);
  marker(writer, JPEG_APP0 + 1, std::string("http://ns.adobe.com/xap/1.0/\0", 29), extras.xmp);
  marker(writer, JPEG_APP0 + 13, std::string("Photoshop 3.0\0", 14), photoshop(extras.iptc));
  marker(writer, JPEG_COM, "", Bytes(extras.comment.begin(), extras.comment.end()));
  if (!extras.icc.empty()) {
    jpeg_write_icc_profile(writer, extras.icc.data(), static_cast<unsigned>(extras.icc.size()));
  }
}

void set_up(jpeg_compress_struct* writer, const Pixels& pixels, const JpegSpec& spec) {
  writer->image_width = static_cast<unsigned>(pixels.width);
  writer->image_height = static_cast<unsigned>(pixels.height);
  writer->input_components = pixels.bands;
  writer->in_color_space = pixels.bands == 1   ? JCS_GRAYSCALE
                           : pixels.bands == 3 ? JCS_RGB
                                               : JCS_CMYK;
  jpeg_set_defaults(writer);
  jpeg_set_quality(writer, spec.quality, TRUE);
  if (pixels.bands == 3 && !spec.subsampled) {
    writer->comp_info[0].h_samp_factor = writer->comp_info[0].v_samp_factor = 1;
  }
  if (pixels.bands == 4) writer->write_Adobe_marker = spec.adobe_marker ? TRUE : FALSE;
  if (spec.across > 0) writer->comp_info[0].h_samp_factor = spec.across;
  if (spec.down > 0) writer->comp_info[0].v_samp_factor = spec.down;
  writer->restart_in_rows = spec.restart_rows;
  writer->restart_interval = static_cast<unsigned>(spec.restart_mcus);
  writer->optimize_coding = spec.optimised ? TRUE : FALSE;
  if (spec.progressive) jpeg_simple_progression(writer);
}

}  // namespace

Bytes jpeg(const Pixels& pixels, const JpegSpec& spec) {
  jpeg_compress_struct writer{};
  jpeg_error_mgr errors{};
  writer.err = jpeg_std_error(&errors);
  jpeg_create_compress(&writer);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&writer, &data, &size);
  set_up(&writer, pixels, spec);
  jpeg_start_compress(&writer, TRUE);
  write_extras(&writer, spec.extras);
  std::vector<uint8_t> row(pixels.index(0, 1, 0));
  for (int y = 0; y < pixels.height; ++y) {
    for (size_t i = 0; i < row.size(); ++i) {
      const auto value = static_cast<uint8_t>(pixels.data[static_cast<size_t>(y) * row.size() + i]);
      row[i] = pixels.bands == 4 ? static_cast<uint8_t>(255 - value) : value;
    }
    JSAMPROW line = row.data();
    jpeg_write_scanlines(&writer, &line, 1);
  }
  jpeg_finish_compress(&writer);
  Bytes out(data, data + size);
  jpeg_destroy_compress(&writer);
  std::free(data);
  return out;
}

Pixels read_jpeg(const Bytes& file) {
  jpeg_decompress_struct reader{};
  jpeg_error_mgr errors{};
  reader.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&reader);
  jpeg_mem_src(&reader, file.data(), file.size());
  jpeg_read_header(&reader, TRUE);
  jpeg_start_decompress(&reader);
  Pixels out(static_cast<int>(reader.output_width), static_cast<int>(reader.output_height),
             reader.output_components);
  std::vector<uint8_t> row(out.index(0, 1, 0));
  for (int y = 0; y < out.height; ++y) {
    JSAMPROW line = row.data();
    jpeg_read_scanlines(&reader, &line, 1);
    std::copy(row.begin(), row.end(),
              out.data.begin() + static_cast<ptrdiff_t>(out.index(0, y, 0)));
  }
  if (errors.num_warnings != 0) throw std::runtime_error("a damaged JPEG was written");
  jpeg_destroy_decompress(&reader);
  return out;
}

}  // namespace imgq::made
