#pragma once

#include <string_view>

// The files of src/web/assets/ and the schema, compiled in by embed.cmake: nothing is read from
// disk to serve them.
namespace imgq::web::assets {

extern const std::string_view kPageHtml;
extern const std::string_view kPageCss;
extern const std::string_view kPageJs;
extern const std::string_view kIconSvg;
extern const std::string_view kOpenapiJson;
extern const std::string_view kImgqSchemaJson;  // src/jobs/imgq.schema.json

}  // namespace imgq::web::assets
