#pragma once

#include "src/image/bytes.h"
#include "src/image/exif.h"

// Author and copyright as programs for photographers write them, beside EXIF. Each fills in what is
// still empty, and leaves alone what it does not understand.
namespace imgq::image {

// XMP: dc:creator, several joined by "; ", and the first language of dc:rights.
void add_xmp_rights(View packet, Exif* out);

// IPTC-IIM, bare or within Photoshop's image resources: By-line (2:80) and Copyright Notice
// (2:116). Text that is no UTF-8 is taken for Latin-1.
void add_iptc_rights(View block, Exif* out);

}  // namespace imgq::image
