#ifndef IMGQ_SRC_WEB_PAGE_H_
#define IMGQ_SRC_WEB_PAGE_H_

#include <string>
#include <string_view>

#include "src/web/site.h"

namespace imgq::web {

// The page at "/" as it stands now: whole and usable without a script; the script only makes it
// move. `notice` is a sentence of ours to show at its top, or empty.
std::string page_html(const Site& site, std::string_view notice);

// Text made safe in HTML, in attributes too; bytes that are no UTF-8 or would not show are escaped.
std::string html(std::string_view text);

}  // namespace imgq::web

#endif  // IMGQ_SRC_WEB_PAGE_H_
