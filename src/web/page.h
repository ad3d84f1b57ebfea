#pragma once

#include <string>
#include <string_view>

#include "src/web/receive_upload.h"
#include "src/web/site.h"

namespace imgq::web {

// What the page's form was sent with last.
using Choice = Wishes;

// "size=800x800&format=webp": preset, size and format of `choice`, as far as they are words that
// the page may have offered, for an address of the page; `before` them, when there are any.
std::string choice_query(std::string_view before, const Choice& choice);

// The page at "/" as it stands now: whole and usable without a script; the script only makes it
// move. All its addresses are relative: it works under whatever prefix a proxy puts before "/".
// `notice` is a sentence of ours to show at its top, or empty; what is offered of `choice` is
// chosen already.
std::string page_html(const Site& site, std::string_view notice, const Choice& choice);

// Text made safe in HTML, in attributes too; bytes that are no UTF-8 or would not show are escaped.
std::string html(std::string_view text);

}  // namespace imgq::web
