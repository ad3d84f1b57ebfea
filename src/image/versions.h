#ifndef IMGQ_SRC_IMAGE_VERSIONS_H_
#define IMGQ_SRC_IMAGE_VERSIONS_H_

#include <string>
#include <vector>

namespace imgq::image {

// "libvips 8.14.1", ...: the libraries that read and write images, as they are loaded, those behind
// libvips too. Starts libvips, if that was not done.
std::vector<std::string> library_versions();

}  // namespace imgq::image

#endif  // IMGQ_SRC_IMAGE_VERSIONS_H_
